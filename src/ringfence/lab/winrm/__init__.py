"""A WinRM service for simulated hosts."""
