"""``handover.toml``: every section, and the file as a whole. Imports nothing of the toolkit but its errors."""
