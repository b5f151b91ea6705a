"""ipsec_dosp_setting: denial-of-service protection of a gateway (New-, Set-, Remove-NetIPsecDospSetting)."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from ringfence.diagnostics import Finding
from ringfence.model.proposals import IPSEC_SERVICES
from ringfence.model.resource import Resource, prop, resource
from ringfence.model.rules import NAME
from ringfence.model.storage import ByCmdlet
from ringfence.types.base import CaseInsensitive, PropertyType, as_list, as_text, quoted
from ringfence.types.enums import choice, number

RATE, SECONDS, MARK = number(0, 2**32 - 1), number(0, 2**32 - 1), number(0, 63)


def _aliases(value: Any) -> tuple[CaseInsensitive, ...]:
    """Interfaces by alias. The cmdlet shows them as they were given, so they are compared as text."""
    found = {CaseInsensitive(as_text(m)) for m in as_list(value)}
    if not found or "" in found:
        raise ValueError("the value is empty: name at least one interface")
    if any(c in alias for alias in found for c in "*?[]"):
        raise ValueError(f"{quoted(value)}: wildcards mean other interfaces tomorrow; name each interface")
    return tuple(sorted(found, key=str.casefold))


def flags(*parameters: str) -> PropertyType:
    """Some of an enum's flags, or none."""
    one = choice("None", *parameters)

    def parse(value: Any) -> tuple[str, ...]:
        found = {one.parse(m) for m in as_list(value)}
        if not found:
            raise ValueError("the value is empty: leave the property out, or say none if that is meant")
        if "none" in found and len(found) > 1:
            raise ValueError("none stands alone, not beside other values")
        return tuple(sorted(found - {"none"}))

    item = {"enum": one.schema["enum"]}
    return PropertyType(f"list of {one.name}", parse, {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]},
                lambda v: [one.to_parameter(m) for m in v] if v else "None")


def _prefix(value: Any) -> str:
    try:
        return str(ipaddress.IPv6Network(as_text(value), strict=False))
    except ValueError:
        raise ValueError(f"{quoted(value)} is not an IPv6 address or prefix like 2001:db8::/48") from None


ALIASES = PropertyType("list of interface aliases", _aliases,
               {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
               lambda v: [str(a) for a in v], resolved_by_host="alias", host_names=tuple)
PREFIX = PropertyType("an IPv6 prefix", _prefix, {"type": "string"}, sample="2001:db8::/48")


@resource("ipsec_dosp_setting", noun="NetIPsecDospSetting", storage=ByCmdlet("Get-NetIPsecDospSetting"), whole=False,
          name_type=NAME, write_order=4, services=IPSEC_SERVICES, undo="none")
class IpsecDospSetting(Resource):
    """Limits for IPv6 traffic through a gateway between a public and a private side. Only what is mentioned is managed."""

    public_interface_aliases: tuple[str, ...] = prop("The interfaces of the public side.", ALIASES, default=(), required=True,
                                                     example=["Internet"])
    private_interface_aliases: tuple[str, ...] = prop("The interfaces of the private side.", ALIASES, default=(),
                                                      required=True, example=["Corp"])
    public_v6_address: str | None = prop("The prefix of the public side that may pass.", PREFIX, parameter="PublicV6Address")
    private_v6_address: str | None = prop("The prefix of the private side that may be reached.", PREFIX,
                                          parameter="PrivateV6Address")
    enabled_keying_modules: tuple[str, ...] = prop("The key exchanges that may pass.", flags("IKEv1", "IKEv2", "AuthIP"),
                                                   default=None)
    filtering_flags: tuple[str, ...] = prop("What passes beside IPsec.", flags("DisableDefaultBlock", "FilterBlock",
                                                                              "FilterExempt"), default=None)
    state_idle_timeout_seconds: int | None = prop("Seconds after which an idle state is forgotten.", SECONDS)
    per_ip_rate_limit_queue_idle_timeout_seconds: int | None = prop(
        "Seconds after which an idle queue of one address is forgotten.", SECONDS,
        parameter="PerIPRateLimitQueueIdleTimeoutSeconds")
    max_state_entries: int | None = prop("How many pairs of addresses are remembered.", RATE, example=75000)
    max_per_ip_rate_limit_queues: int | None = prop("How many addresses have a queue of their own.", RATE,
                                                    parameter="MaxPerIPRateLimitQueues")
    ip_v6_ipsec_unauth_dscp: int | None = prop("The mark (DSCP) of traffic that is not authenticated yet.", MARK,
                                               parameter="IpV6IPsecUnauthDscp")
    ip_v6_ipsec_unauth_rate_limit_bytes_per_sec: int | None = prop(
        "Bytes a second of traffic that is not authenticated yet.", RATE, parameter="IpV6IPsecUnauthRateLimitBytesPerSec")
    ip_v6_ipsec_unauth_per_ip_rate_limit_bytes_per_sec: int | None = prop(
        "The same for each address.", RATE, parameter="IpV6IPsecUnauthPerIPRateLimitBytesPerSec", example=1024)
    ip_v6_ipsec_auth_dscp: int | None = prop("The mark of authenticated traffic.", MARK, parameter="IpV6IPsecAuthDscp")
    ip_v6_ipsec_auth_rate_limit_bytes_per_sec: int | None = prop("Bytes a second of authenticated traffic.", RATE,
                                                                 parameter="IpV6IPsecAuthRateLimitBytesPerSec")
    icmp_v6_dscp: int | None = prop("The mark of ICMPv6.", MARK, parameter="IcmpV6Dscp")
    icmp_v6_rate_limit_bytes_per_sec: int | None = prop("Bytes a second of ICMPv6.", RATE,
                                                        parameter="IcmpV6RateLimitBytesPerSec")
    ip_v6_filter_exempt_dscp: int | None = prop("The mark of exempt IPv6 traffic.", MARK, parameter="IpV6FilterExemptDscp")
    ip_v6_filter_exempt_rate_limit_bytes_per_sec: int | None = prop("Bytes a second of exempt IPv6 traffic.", RATE,
                                                                    parameter="IpV6FilterExemptRateLimitBytesPerSec")
    def_block_exempt_dscp: int | None = prop("The mark of traffic exempt from the default block.", MARK)
    def_block_exempt_rate_limit_bytes_per_sec: int | None = prop("Bytes a second of traffic exempt from the default block.",
                                                                 RATE)

    def check(self) -> Iterable[Finding]:
        if both := set(self.public_interface_aliases) & set(self.private_interface_aliases):
            yield Finding("private_interface_aliases", f"{', '.join(sorted(both))} is on both sides",
                   "an interface is public or private")
