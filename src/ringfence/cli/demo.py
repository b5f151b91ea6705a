"""ringfence demo: the whole road on five simulated hosts, told as it goes."""

EXAMPLES = """
ringfence demo
"""
from ringfence.cli.console import Console


def demo(console: Console) -> int:
    """x"""
    return 0
