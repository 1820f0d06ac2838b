"""Makes a backup, restores it and compares the copy; a backup without that is no evidence."""
