"""What a simulated host does with its policy: which rules are in force, who gets in, which associations exist."""
