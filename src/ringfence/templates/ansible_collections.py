"""Filters and tests of Ansible's collections, by their names; what they work with is loaded when one is used."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def _later(module: str, table: str, names: str) -> dict[str, Callable[..., Any]]:
    """Functions of a module of templates, by their names in a table of it."""
    def one(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(importlib.import_module(f"ringfence.templates.{module}"), table)[name](*args, **kwargs)
        return call
    return {name: one(name) for name in names.split()}


_OF_ADDRESSES = """ipaddr ipv4 ipv6 ipwrap ipsubnet ipmath nthhost next_nth_usable previous_nth_usable network_in_usable
network_in_network reduce_on_network cidr_merge usable_range ip4_hex slaac ipv6form hwaddr macaddr"""
_TESTS_OF_ADDRESSES = """ip ip_address ipv4 ipv4_address ipv6 ipv6_address ipv4_netmask ipv4_hostmask ipv6_ipv4_mapped
ipv6_sixtofour ipv6_teredo in_network in_any_network in_one_network subnet_of supernet_of loopback multicast private public
reserved unspecified
mac"""
COLLECTIONS: Mapping[str, tuple[Mapping[str, Callable[..., Any]], Mapping[str, Callable[..., Any]]]] = {
    "ansible.utils": ({**_later("address_filters", "ADDRESS_FILTERS", _OF_ADDRESSES),
                       **_later("list_filters", "LIST_UTILS", "keep_keys remove_keys")},
                      _later("address_tests", "ADDRESS_TESTS", _TESTS_OF_ADDRESSES)),
    "community.general": (_later("json_queries", "QUERY_FILTERS", "json_query"), {})}
"""Filters and tests, by the name of the collection; they have short names too."""
