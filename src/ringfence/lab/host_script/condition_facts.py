"""What decides beside policy whether it is in force on a simulated host, as Conditions.Read answers."""

from typing import Any

from ringfence.lab.machine.machine import Machine

_CATEGORIES = {"public": 0, "private": 1, "domain": 2}  # MSFT_NetConnectionProfile.NetworkCategory


def registered_products(machine: Machine) -> list[dict[str, Any]]:
    """The collection of HNetCfg.FwProducts: DisplayName and RuleCategories of each INetFwProduct."""
    taken = machine.surroundings.taken_over
    return [{"DisplayName": name, "RuleCategories": list(categories)} for name, categories in taken.items()]


def condition_facts(machine: Machine) -> dict[str, Any]:
    """The value of a Conditions.Read."""
    return {"networks": [_CATEGORIES[i.profile] for i in machine.interfaces if i.profile],
            "products": [{"name": p["DisplayName"], "categories": p["RuleCategories"]} for p in registered_products(machine)],
            "unread": []}
