"""What releases wrote, for every later one to read: a folder for each version of the formats."""
