"""What ringfence costs, each number beside its limit or its peer, measured in the same run: `python -m tests.bench`."""
