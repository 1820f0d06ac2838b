"""One module a group; each has a function ``prove(venue, recorder) -> Outcome``."""
