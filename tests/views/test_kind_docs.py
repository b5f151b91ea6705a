"""`ringfence doc` in a terminal: every kind and property, at any width."""

import re

import pytest
import yaml
from core import declared, task

from ringfence import kinds
from ringfence.views import kind_docs, reference
from ringfence.views.kind_docs import documented, example_of, kind_text, property_text, sample

KINDS = kinds.load()
DOCS = {f"{kind.name} {name}": doc for kind in KINDS.values() for name, doc in documented(kind).items()}
WIDTHS = (40, 60, 80, 132, 200)
NEEDS_MORE = {"ipsec_rule remote_tunnel_hostname",  # several ends of a tunnel, or proposals, of which a sample has one
              "ipsec_phase1_auth_set proposal.anonymous", "ipsec_phase2_auth_set proposal.anonymous",
              "ipsec_phase1_auth_set proposal.user",  # of the other authentication only
              "ipsec_phase2_auth_set proposal.pre_shared_key", "ipsec_phase2_auth_set proposal.exclude_ca_name"}


@pytest.mark.parametrize(("name", "width"), [(name, width) for name in sorted(KINDS) for width in WIDTHS])
def test_a_kind_at_any_width(name: str, width: int) -> None:
    text = kind_text(KINDS[name], width)
    before, _, properties = text.partition("\nProperties\n")
    for line in (*before.partition("\nExample\n")[0].splitlines(), *properties.splitlines()):
        assert len(line) <= width or len(line.split()) <= 2, line  # a word is never cut
    assert yaml.safe_load(before.partition("\nExample\n")[2])
    for p, row in zip(documented(KINDS[name]).values(), reference.rows(KINDS[name])[2:], strict=True):
        assert re.search(rf"^[*+ ] {re.escape(p.name)}( |$)", properties, re.MULTILINE), p.name
        assert " ".join(row.meaning.split()) in " ".join(properties.split())
    assert len(max(text.splitlines(), key=len)) > width * 0.6


@pytest.mark.parametrize("width", WIDTHS)
def test_all_kinds_at_any_width(width: int) -> None:
    lines = kind_docs.overview(KINDS, width).splitlines()
    assert all(len(line) <= width or len(line.split()) <= 2 for line in lines)
    assert [line.split()[0] for line in lines if line[0] != " "] == sorted(KINDS)
    assert len(lines) == len(KINDS) or width < 200


def test_marks_and_types_of_a_list() -> None:
    lines = kind_text(KINDS["ipsec_phase1_auth_set"], 80).splitlines()
    assert "* name  name, or default" in lines
    assert "* proposal  list of mappings" in lines
    assert "  proposal.pre_shared_key  secret; default (none)" in lines
    lines = kind_text(KINDS["firewall_rule"], 100).splitlines()
    assert "+ remote_address  list of addresses, ranges a-b, subnets a/length, or 30 keywords; default any" in lines
    assert "+ action  allow | block; default allow" in lines


def test_styles_change_no_text() -> None:
    def marked(text: str, style: str) -> str:
        return f"<{style}>{text}</{style}>"

    kind, doc = KINDS["firewall_rule"], DOCS["firewall_rule action"]
    for painted, plain in ((kind_text(kind, 60, marked), kind_text(kind, 60)),
                           (property_text(doc, 60, marked), property_text(doc, 60))):
        assert "<strong>" in painted
        assert re.sub("</?(strong|quiet)>", "", painted) == plain


@pytest.mark.parametrize("name", sorted(DOCS))
def test_a_property(name: str) -> None:
    doc = DOCS[name]
    for width in WIDTHS:
        facts = property_text(doc, width).partition("\nExample\n")[0]
        assert all(len(line) <= width or len(line.split()) < 3 for line in facts.splitlines())
    for told in (doc.entry.doc, doc.entry.parameter, *reference.registry(doc.entry).split()):
        assert " ".join(told.split()) in " ".join(facts.split())
    value = doc.entry.type.parse(sample(doc.entry))
    assert value != doc.entry.default or doc.entry.example is not None


@pytest.mark.parametrize("name", sorted(DOCS.keys() - NEEDS_MORE))
def test_the_example_of_a_property_is_right(name: str) -> None:
    doc = DOCS[name]
    (kind, said), = yaml.safe_load(example_of(doc)).items()
    shown = said[doc.outer.name][0] if doc.outer else said
    assert doc.entry.name in shown
    if "{{" in str(said):  # of a host, later
        shown[doc.entry.name] = "a key"
    assert declared(task(kind, said))  # without a mistake


@pytest.mark.parametrize(("name", "facts"), [
    ("firewall_rule remote_address", ["list of addresses, ranges a-b, subnets a/length", "LocalSubnet LocalSubnet4", "any",
                                      "-RemoteAddress of New- and Set-NetFirewallRule", "RA4 RA6 RA42 RA62",
                                      "remote_address: [10.1.4.0/28]"]),
    ("firewall_rule local_port", ["ports go with tcp or udp", "protocol: tcp", "of direction inbound"]),
    ("firewall_rule display_name", ["-DisplayName of New-NetFirewallRule, -NewDisplayName of Set-NetFirewallRule"]),
    ("firewall_rule authentication", ["see also remote_user, remote_machine, encryption, override_block_rules"]),
    ("firewall_rule owner", ["Windows 8, Server 2012 or later (policy schema 2.20)"]),
    ("firewall_rule package_family_name", ["none sets it"]),
    ("firewall_profile enabled", ["-Enabled of Set-NetFirewallProfile", "it stays as it is on the host", "profiles: "]),
    ("ipsec_phase1_auth_set proposal.pre_shared_key", ["set machine to true", "lookup('env', 'IPSEC_KEY')",
                                                       "-PreSharedKey of New-NetIPsecAuthProposal"]),
    ("ipsec_phase1_auth_set proposal.anonymous", ["anonymous cannot be the only method", "anonymous: true"]),
    ("ipsec_rule phase1_auth_set", ["one of kind ipsec_phase1_auth_set"]),
])
def test_what_is_told_of_a_property(name: str, facts: list[str]) -> None:
    told = " ".join(property_text(DOCS[name], 200).split())
    for fact in facts:
        assert " ".join(fact.split()) in told
