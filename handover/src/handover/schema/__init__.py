"""What the database is, what the models expect, and how the two differ."""
