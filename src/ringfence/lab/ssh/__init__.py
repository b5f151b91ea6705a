"""An SSH server for simulated hosts."""
