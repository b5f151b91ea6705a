"""Kinds and their resources as tables, where Windows stores them, and the state of one host. Pure."""
