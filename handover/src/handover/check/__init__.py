"""Two systems and the live database, looked at together."""
