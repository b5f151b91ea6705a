"""From two states to an ordered plan. Pure."""
