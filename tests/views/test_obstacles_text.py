"""What keeps policy out of force, as text."""

from ringfence.diagnostics import NOWHERE, Where
from ringfence.model.state import Id
from ringfence.plan.obstacles import Affected, Obstacle, ObstacleLevel, Reason
from ringfence.policy.place import ALL_PROFILES
from ringfence.views.obstacles_text import obstacles

REASON = Reason("firewall_off", "the firewall is off there", "switch it on")


def affected(number: int, where: Where = NOWHERE) -> Affected:
    return Affected(Id("local", "firewall_rule", f"r{number}"), f"R{number}", where)


def shown(level: ObstacleLevel, reason: Reason = REASON, profiles: tuple[str, ...] = ALL_PROFILES, number: int = 1,
          full: bool = False) -> list[str]:
    return list(obstacles([Obstacle(level, reason, profiles, tuple(affected(i) for i in range(number)))], full=full))


def test_each_level_has_its_words() -> None:
    assert shown("not_in_force") == ["  NOT IN FORCE: firewall_rule R0", "    the firewall is off there", "    → switch it on"]
    assert shown("note", profiles=("domain", "public"))[0] == "  note: not in force in domain, public: firewall_rule R0"
    assert shown("unknown")[0] == "  in force? not known: firewall_rule R0"
    assert shown("note", Reason("service_stopped", "x", "y", "note"))[0] == "  note: firewall_rule R0"


def test_of_many_objects_the_first_are_named() -> None:
    [line, *_] = shown("not_in_force", number=300)
    assert line == ("  NOT IN FORCE: 300 objects: firewall_rule R0, firewall_rule R1, firewall_rule R2, firewall_rule R3, "
                    "firewall_rule R4 and 295 more (see --full)")
    assert "R299" in shown("not_in_force", number=300, full=True)[0]


def test_what_a_host_says_commands_no_terminal() -> None:
    odd = Obstacle("not_in_force", Reason("other_firewall", "\x1b[2Jgone", "a\x07"), ("domain",), (
        Affected(Id("local", "firewall_rule", "r"), "r\x1b[31m", Where("a\x1b.yml", 3)),))
    text = "\n".join(obstacles([odd]))
    assert text.replace("\n", "").isprintable()
    assert r"(a\x1b.yml:3)" in text
