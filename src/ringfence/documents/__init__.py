"""Files as people write them: YAML that knows its places, vaulted texts, files of variables."""
