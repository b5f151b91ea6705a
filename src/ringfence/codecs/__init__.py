"""Tokens and values of the registry ⇄ property values."""
