"""The connection variables of each transport: the table from which parsing, checks and docs/reference derive.

Names and defaults are those of Ansible's psrp, winrm and ssh plugins where these have them, so that an inventory means
the same here; `ringfence_…` are our own.
What fits together and what does not is in resolve.py.
"""

import re
from dataclasses import dataclass
from typing import Any

from ringfence.batch import MAX_REPLY
from ringfence.secret import MASK, Secret
from ringfence.transports.connection_variables import (
    choice,
    file,
    fingerprint,
    flag,
    host_name,
    number,
    path,
    seconds,
    secret,
    text,
    trusted,
    variable,
)
from ringfence.transports.ssh_args import HOST_KEY_POLICY, Jump, jumps, ssh_args

# pywinrm's "ssl" is the client certificate where there is one, and else basic: resolve.py knows
_AUTH = choice("negotiate", "basic", "ntlm", "kerberos", "credssp", "certificate", aliases={"plaintext": "basic"}, later=("ssl",))
_POWERSHELL_MEANING = "PowerShell on the host: `powershell.exe`, `pwsh`, or a path"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSettings:
    """What every transport can be told."""

    batch_timeout: float = variable(
        seconds(1, 86_400), "ringfence_batch_timeout", default=1800.0,
        meaning="All the time that one batch may take, connection included; then the connection is cut")
    max_reply: int = variable(
        number(1024, 2**31), "ringfence_max_reply", default=MAX_REPLY,
        meaning="Largest answer in bytes of JSON (50,000 rules are 15 to 20 MB), from which the other bounds follow: a list, "
                "as each rule is, for 400 bytes of it, an object for 200, a comma, colon or bar for 20; more is refused unread")
    from_secrets: tuple[Secret, ...] = ()
    """What of all this came of secrets, as texts: it is used as it is, and not shown."""

    def shown(self, text: str) -> str:
        """A text as messages show it: words of it that came of secrets are masked."""
        known = sorted({str(secret.reveal()) for secret in self.from_secrets}, key=len, reverse=True)
        words = "|".join(re.escape(word) for word in known if word)
        return re.sub(rf"(?<!\w)(?:{words})(?!\w)", MASK, text, flags=re.IGNORECASE) if words else text

    @property
    def wire_limit(self) -> int:
        """Bytes that a host may send for the largest answer, and some noise: gzip and base64 of rules are a fifth of them."""
        return self.max_reply // 2 + 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class PsrpSettings(CommonSettings):
    """PowerShell remoting over WinRM."""

    host: str = variable(host_name, "ansible_host", "ansible_psrp_host", winrm=["ansible_winrm_host"], default="",
                         default_text="the inventory name", meaning="Address or name of the host")
    port: int = variable(number(1, 65535), "ansible_port", "ansible_psrp_port", winrm=["ansible_winrm_port"], default=0,
                         default_text="5986, with http 5985", meaning="Port of the WinRM listener")
    protocol: str = variable(choice("http", "https"), "ansible_psrp_protocol", winrm=["ansible_winrm_scheme"],
                             default="", default_text="https, with port 5985 http", meaning="Plain HTTP or HTTP over TLS")
    user: str | None = variable(text, "ansible_user", "ansible_psrp_user", winrm=["ansible_winrm_user"], default=None,
                                default_text="the Kerberos ticket's", meaning="Account: `name`, `DOMAIN\\name`, `name@REALM`")
    password: Secret | None = variable(secret, "ansible_password", "ansible_winrm_pass", "ansible_winrm_password",
                                       "ansible_psrp_password", default=None, meaning="Password of the account")
    path: str = variable(text, "ansible_psrp_path", winrm=["ansible_winrm_path"], default="wsman",
                         meaning="Path of the WinRM listener's URL")
    auth: str = variable(_AUTH, "ansible_psrp_auth", winrm=["ansible_winrm_transport"], default="negotiate",
                         meaning="Authentication; `negotiate` takes Kerberos where it can and NTLM else")
    cert_validation: str = variable(
        choice("validate", "ignore"), "ansible_psrp_cert_validation", winrm=["ansible_winrm_server_cert_validation"],
        default="validate", meaning="Whether the host's TLS certificate is checked")
    ca_cert: str | None = variable(
        trusted, "ansible_psrp_cert_trust_path", "ansible_psrp_ca_cert", winrm=["ansible_winrm_ca_trust_path"],
        default=None, default_text="the system's",
        meaning="PEM file of the authorities that may have signed the certificate, or a folder of such (`openssl rehash`)")
    cert_fingerprint: str | None = variable(
        fingerprint, "ringfence_cert_fingerprint", default=None,
        meaning="SHA-256 of the host's TLS certificate: exactly this one is accepted, whoever signed it")
    certificate_pem: str | None = variable(file, "ansible_psrp_certificate_pem", winrm=["ansible_winrm_cert_pem"],
                                           default=None, meaning="Client certificate for `certificate`")
    certificate_key_pem: str | None = variable(
        file, "ansible_psrp_certificate_key_pem", winrm=["ansible_winrm_cert_key_pem"], default=None,
        meaning="Private key of the client certificate")
    certificate_key_password: Secret | None = variable(
        secret, "ansible_psrp_certificate_key_password", default=None, meaning="Password of that private key")
    message_encryption: str = variable(
        choice("auto", "always", "never"), "ansible_psrp_message_encryption",
        winrm=["ansible_winrm_message_encryption"], default="auto",
        meaning="Encryption of the messages themselves: `auto` means over HTTP only; `never` over HTTP sends clear text")
    proxy: str | None = variable(text, "ansible_psrp_proxy", winrm=["ansible_winrm_proxy"], default=None,
                                 default_text="the environment's", meaning="URL of an HTTP proxy")
    ignore_proxy: bool = variable(flag, "ansible_psrp_ignore_proxy", default=False,
                                  meaning="Whether to ignore the proxy variables of the environment")
    connection_timeout: float = variable(seconds(0.1, 3600), "ansible_timeout", "ansible_psrp_connection_timeout",
                                         default=30.0, meaning="Time to connect")
    read_timeout: float = variable(
        seconds(0.1, 3600), "ansible_psrp_read_timeout", winrm=["ansible_winrm_read_timeout_sec"], default=30.0,
        meaning="Longest silence of the host; more than the operation timeout")
    operation_timeout: int = variable(
        number(1, 3600), "ansible_psrp_operation_timeout", winrm=["ansible_winrm_operation_timeout_sec"], default=20,
        meaning="Seconds after which the host says at the latest that it is still at work")
    retries: int = variable(
        number(0, 100), "ansible_psrp_reconnection_retries", default=0,
        meaning="Further attempts to connect (never to send a batch again)")
    backoff: float = variable(
        seconds(0, 600), "ansible_psrp_connection_backoff", "ansible_psrp_reconnection_backoff", default=2.0,
        meaning="Pause before the next attempt; doubled each time")
    max_envelope_size: int | None = variable(
        number(16_384, 2**31), "ansible_psrp_max_envelope_size", default=None,
        default_text="153600, from WinRM 3 on 512000", meaning="Bytes in one message (`MaxEnvelopeSizekb` of the host × 1024)")
    negotiate_delegate: bool = variable(
        flag, "ansible_psrp_negotiate_delegate", winrm=["ansible_winrm_kerberos_delegation"], default=False,
        meaning="Delegate the Kerberos ticket to the host")
    negotiate_hostname_override: str | None = variable(
        text, "ansible_psrp_negotiate_hostname_override", winrm=["ansible_winrm_kerberos_hostname_override"],
        default=None, default_text="the host", meaning="Name of the host in its Kerberos service name")
    negotiate_send_cbt: bool = variable(
        flag, "ansible_psrp_negotiate_send_cbt", winrm=["ansible_winrm_send_cbt"], default=True,
        meaning="Bind the authentication to the TLS channel")
    negotiate_service: str = variable(text, "ansible_psrp_negotiate_service", winrm=["ansible_winrm_service"],
                                      default="WSMAN", meaning="Service in the Kerberos service name")
    credssp_auth_mechanism: str = variable(choice("auto", "kerberos", "ntlm"), "ansible_psrp_credssp_auth_mechanism",
                                           default="auto", meaning="Authentication inside CredSSP")
    credssp_disable_tlsv1_2: bool = variable(
        flag, "ansible_psrp_credssp_disable_tlsv1_2", winrm=["ansible_winrm_credssp_disable_tlsv1_2"], default=False,
        meaning="TLS 1.0 inside CredSSP, for hosts without 1.2")
    credssp_minimum_version: int = variable(number(2, 6), "ansible_psrp_credssp_minimum_version", default=2,
                                            meaning="Oldest CredSSP version of the host; 5 is patched (CVE-2018-0886)")
    configuration_name: str = variable(
        text, "ansible_psrp_configuration_name", default="Microsoft.PowerShell",
        meaning="PowerShell endpoint, for example `PowerShell.7`; it has to allow scripts")
    endpoint: str | None = variable(
        text, "ringfence_endpoint", default=None,
        meaning="JEA endpoint made by `ringfence jea export`: only ringfence's own function is called, no script sent")

    @property
    def ssl(self) -> bool:
        """Whether the connection is TLS."""
        return self.protocol == "https"


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings(CommonSettings):
    """PowerShell through an SSH server on the host."""

    host: str = variable(host_name, "ansible_host", "ansible_ssh_host", default="", default_text="the inventory name",
                         meaning="Address or name of the host")
    port: int = variable(number(1, 65535), "ansible_port", "ansible_ssh_port", default=22, meaning="Port of the server")
    user: str | None = variable(text, "ansible_user", "ansible_ssh_user", default=None, default_text="who runs ringfence",
                                meaning="Account: `name`, `name@domain`, `domain\\name`")
    password: Secret | None = variable(secret, "ansible_password", "ansible_ssh_pass", "ansible_ssh_password",
                                       default=None, meaning="Password of the account")
    private_key_file: str | None = variable(
        file, "ansible_private_key_file", "ansible_ssh_private_key_file", default=None,
        default_text="the agent, then `~/.ssh/id_*`", meaning="Private key; with it neither agent nor other keys are tried")
    private_key: Secret | None = variable(secret, "ansible_private_key", "ansible_ssh_private_key", default=None,
                                          meaning="Text of a private key (PEM or OpenSSH)")
    passphrase: Secret | None = variable(
        secret, "ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase", default=None,
        meaning="Passphrase of the private key")
    agent: bool = variable(flag, "ringfence_ssh_agent", default=True, meaning="Whether keys of the SSH agent are tried")
    host_key_checking: bool = variable(
        flag, "ansible_host_key_checking", "ansible_ssh_host_key_checking", default=True,
        meaning="`no` is the host key policy `off`")
    host_key_policy: str = variable(
        HOST_KEY_POLICY, "ringfence_host_key_policy", default="strict",
        meaning="`strict`: the key is in known_hosts; `accept-new`: a first key is added, the name hashed; `off`: any")
    known_hosts: str = variable(path, "ansible_ssh_known_hosts", "ringfence_known_hosts", default="~/.ssh/known_hosts",
                                meaning="File of known host keys")
    jump: tuple[Jump, ...] = variable(
        jumps, "ringfence_ssh_jump", default=(), default_text="",
        meaning="Jump hosts `user@host:port,…`, the first is reached directly (as OpenSSH's ProxyJump)")
    jump_password: Secret | None = variable(secret, "ringfence_ssh_jump_password", default=None,
                                            meaning="Password on the jump hosts (keys and agent are the host's)")
    args: dict[str, Any] | None = variable(
        ssh_args, "ansible_ssh_args", default=None,
        meaning="Arguments of OpenSSH's client. Of these `-J`, `-i` and the options ProxyJump, IdentityFile, "
                "StrictHostKeyChecking and UserKnownHostsFile are heeded, where no variable of their own says otherwise")
    common_args: dict[str, Any] | None = variable(ssh_args, "ansible_ssh_common_args", default=None,
                                                  meaning="More such arguments")
    extra_args: dict[str, Any] | None = variable(ssh_args, "ansible_ssh_extra_args", default=None,
                                                 meaning="More such arguments")
    timeout: float = variable(seconds(0.1, 3600), "ansible_timeout", "ansible_ssh_timeout", default=30.0,
                              meaning="Time for each of connecting, greeting and logging on")
    retries: int = variable(number(0, 100), "ansible_ssh_retries", default=0,
                            meaning="Further attempts to connect (never to send a batch again)")
    backoff: float = variable(seconds(0, 600), "ringfence_ssh_backoff", default=2.0,
                              meaning="Pause before the next attempt; doubled each time")
    keepalive: int = variable(number(0, 3600), "ringfence_ssh_keepalive", default=15,
                              meaning="Seconds of silence after which a sign of life is sent; 0: none")
    powershell: str = variable(text, "ringfence_powershell", default="powershell.exe", meaning=_POWERSHELL_MEANING)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings(CommonSettings):
    """PowerShell on the machine that runs ringfence."""

    host: str = ""
    powershell: str = variable(text, "ringfence_powershell", default="powershell.exe", meaning=_POWERSHELL_MEANING)


ConnectionSettings = PsrpSettings | SshSettings | LocalSettings
TRANSPORTS: dict[str, type[ConnectionSettings]] = {"psrp": PsrpSettings, "ssh": SshSettings, "local": LocalSettings}
