"""The way in to a host in words: how it is reached, how whoever calls proves who they are, what protects the words between."""

from dataclasses import dataclass

from ringfence.transports.connection_settings import TRANSPORTS, ConnectionSettings, LocalSettings, PsrpSettings, SshSettings


@dataclass(frozen=True, slots=True)
class WayIn:
    """transport: psrp, ssh or local · address and port: empty and 0 where it is this machine · user: as the settings name the
    account, empty where they leave it to a ticket or to whoever runs ringfence · authentication: as asked for, and in brackets
    what was agreed on, once it has been · protection: what encrypts the connection · endpoint: of JEA, or another than the
    default.
    """

    transport: str
    address: str = ""
    port: int = 0
    user: str = ""
    authentication: str = ""
    protection: str = ""
    endpoint: str = ""

    @property
    def clear_text(self) -> bool:
        """Whether anybody on the way can read along."""
        return self.protection == CLEAR_TEXT


CLEAR_TEXT = "nothing: clear text"


def way_in(settings: ConnectionSettings, agreed: str = "") -> WayIn:
    """The way in that settings lead to; `agreed`: the authentication that client and host came to."""
    if isinstance(settings, LocalSettings):
        return WayIn("local", protection="this machine")
    shown = settings.shown
    address, port, user = shown(settings.host), getattr(settings, "port", 0), shown(getattr(settings, "user", None) or "")
    port = port if shown(str(port)) == str(port) else 0
    if isinstance(settings, PsrpSettings):
        asked = settings.auth + (f" ({agreed})" if agreed and agreed != settings.auth else "")
        endpoint = settings.endpoint or (settings.configuration_name if settings.configuration_name != _DEFAULT else "")
        return WayIn("psrp", address, port, user, shown(asked), _protection(settings), shown(endpoint))
    if not isinstance(settings, SshSettings):  # a transport that says no more of itself
        return WayIn(next(name for name, row in TRANSPORTS.items() if isinstance(settings, row)), address)
    asked = agreed or ("key" if settings.private_key or settings.private_key_file else "password" if settings.password else
                       "agent or keys of the user")
    through = "".join(f" through {shown(hop.host)}" for hop in settings.jump)
    return WayIn("ssh", address, port, user, asked, f"SSH{through}")


_DEFAULT = PsrpSettings().configuration_name


def _protection(settings: PsrpSettings) -> str:
    """pypsrp seals messages over HTTP where the authentication has keys for it, unless it is told not to (MS-WSMV 2.2.9.1)."""
    if settings.ssl:
        return "TLS, certificate not checked" if settings.cert_validation == "ignore" and not settings.cert_fingerprint else "TLS"
    return CLEAR_TEXT if settings.message_encryption == "never" else "encrypted messages"
