"""Questions about policy: would a flow pass. Pure; it reads filters and knows no kinds."""
