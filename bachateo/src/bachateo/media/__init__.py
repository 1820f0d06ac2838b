"""Opens untrusted files; runs in limited children and imports little, so that they start at once."""
