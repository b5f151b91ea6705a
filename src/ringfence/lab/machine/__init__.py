"""What a simulated host is: data only. What it does is decided in the rooms above."""
