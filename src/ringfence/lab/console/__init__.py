"""A hand in the lab: what an administrator, or somebody who pulls a cable, does on a simulated host."""
