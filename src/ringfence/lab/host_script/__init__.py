"""The host script, played in Python: batches of calls in, framed replies out."""
