"""Tasks: what was asked for, how far it is, and its execution."""
