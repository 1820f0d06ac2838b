"""Personal tokens of programs: hashed, scoped, revocable."""
