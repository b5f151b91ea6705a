"""What the documentation tells to type, typed: its command blocks in order, against simulated hosts."""
