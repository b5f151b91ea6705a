"""What decides beside policy whether it is in force on a simulated host, as Conditions.Read answers."""

from collections.abc import Iterable
from typing import Any

from ringfence.lab.machine.machine import Machine

_CATEGORIES = {"public": 0, "private": 1, "domain": 2}  # MSFT_NetConnectionProfile.NetworkCategory


def registered_products(machine: Machine) -> list[dict[str, Any]]:
    """The collection of HNetCfg.FwProducts: DisplayName and RuleCategories of each INetFwProduct."""
    taken = machine.surroundings.taken_over
    return [{"DisplayName": name, "RuleCategories": list(categories)} for name, categories in taken.items()]


def condition_facts(machine: Machine, asked: Iterable[str]) -> dict[str, Any]:
    """The value of a Conditions.Read."""
    there = {name.casefold(): name for name in (*machine.services, *machine.surroundings.other_services)}
    return {"networks": [_CATEGORIES[i.profile] for i in machine.interfaces if i.profile],
            "products": [{"name": p["DisplayName"], "categories": p["RuleCategories"]} for p in registered_products(machine)],
            "services": [there[name.casefold()] for name in asked if name.casefold() in there], "unread": []}
