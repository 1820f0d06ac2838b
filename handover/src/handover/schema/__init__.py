"""Facts: what the database has, what the models expect."""
