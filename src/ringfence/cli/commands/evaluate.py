"""ringfence evaluate: would a connection pass, and what decides."""

from functools import partial
from typing import Annotated, Any, cast, get_args

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import Argument, FleetOptions, SecretOptions, SelectionOptions, TrustOptions, flag
from ringfence.cli.prepared import list_hosts, prepared, prepared_hosts, with_names
from ringfence.cli.show import show_run
from ringfence.errors import ExitCode
from ringfence.policy.flow_words import FLOW_WORDS, flow_of
from ringfence.policy.place import ALL_PROFILES
from ringfence.run.evaluated import AskedPolicy, Question, evaluate_host
from ringfence.views.table import EVALUATED_VIEWS

EXAMPLES = """
ringfence evaluate web1 --direction inbound --protocol tcp --local-port 443 --remote-address 10.0.0.5
ringfence evaluate web --direction inbound --protocol tcp --local-port 3389 --remote-address 192.0.2.7 --of planned --expect block
ringfence evaluate web1 --direction outbound --protocol udp --remote-port 53 --service Dnscache --profile public
"""
_EXPECTED = ("allow", "block")


def _word(name: str) -> Any:
    word = FLOW_WORDS[name]
    return flag(f"--{name.replace('_', '-')}", metavar=word.metavar, words=word.words, help=word.meaning)


def evaluate(console: Console, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
             pattern: Annotated[list[str], Argument(metavar="HOST", help="Hosts, in Ansible's patterns.")],
             direction: Annotated[str, _word("direction")] = "", protocol: Annotated[str, _word("protocol")] = "",
             local_port: Annotated[str, _word("local_port")] = "", remote_port: Annotated[str, _word("remote_port")] = "",
             icmp_type: Annotated[str, _word("icmp_type")] = "", local_address: Annotated[str, _word("local_address")] = "",
             remote_address: Annotated[str, _word("remote_address")] = "", program: Annotated[str, _word("program")] = "",
             service: Annotated[str, _word("service")] = "", package: Annotated[str, _word("package")] = "",
             package_family: Annotated[str, _word("package_family")] = "",
             account: Annotated[str, flag("--account", metavar="SID", help=FLOW_WORDS["user"].meaning)] = "",
             security: Annotated[str, _word("security")] = "",
             profile: Annotated[str, flag("--profile", metavar="PROFILE", words=ALL_PROFILES,
                                          help="Judge it as if the network were of this profile. Default: as it is.")] = "",
             of: Annotated[str, flag("--of", metavar="POLICY", words=get_args(AskedPolicy),
                                     help="The policy that is asked: live, as the host has it; planned, as it will be once what "
                                     "is declared is applied; declared, that alone, without a host.")] = "live",
             expect: Annotated[str, flag("--expect", metavar="VERDICT", words=_EXPECTED,
                                         help="allow or block: exit with 7 where something else comes of it.")] = "",
             ) -> ExitCode:
    """Would a connection pass: the verdict, what decides it, and what is not known. Changes nothing.

    What is not said of the connection is not known: where it matters, the answer is `unknown`, with what it depends on.
    """
    said = {"direction": direction, "protocol": protocol, "local_port": local_port, "remote_port": remote_port,
            "icmp_type": icmp_type, "local_address": local_address, "remote_address": remote_address, "program": program,
            "service": service, "package": package, "package_family": package_family, "user": account, "security": security}
    for name, word, words in (("of", of, get_args(AskedPolicy)), ("profile", profile, ("", *ALL_PROFILES)),
                              ("expect", expect, ("", *_EXPECTED))):
        if word not in words:
            raise usage_error(f"--{name}: there is no {word}", f"allowed: {', '.join(filter(None, words))}")
    try:
        flow = flow_of({name: value for name, value in said.items() if value})
    except ValueError as error:
        raise usage_error("; ".join(str(error).splitlines()), "`ringfence evaluate --help` has what can be said of a connection"
                          ) from None
    connects = of != "declared" and not hosts.list_hosts
    if of == "live":
        run = prepared_hosts(console, pattern, selection, secrets, trusted, connects)
    else:
        run = prepared(console, [], selection, secrets, trusted, connects, narrowed=pattern)
    run = with_names(run)
    if hosts.list_hosts:
        return list_hosts(console, run)
    question = Question(flow, cast(AskedPolicy, of), profile, expect)
    work = partial(evaluate_host, context=run.context, question=question)
    return show_run(console, run.jobs, work, hosts, table=EVALUATED_VIEWS, warnings=run.warnings)

