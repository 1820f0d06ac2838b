"""Makes a backup, restores it and compares it; only then does it count."""
