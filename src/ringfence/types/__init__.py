"""The types of properties: what YAML may say, and one canonical form of it."""
