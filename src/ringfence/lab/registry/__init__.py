"""The registry of a simulated host, and the rule strings that Windows keeps in it."""
