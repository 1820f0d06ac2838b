"""Opening files that nobody vouches for; runs in limited children and imports little, so that they start at once."""
