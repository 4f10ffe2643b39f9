"""Runs: a packed head, its tail of log calls not yet folded, its overflow."""
