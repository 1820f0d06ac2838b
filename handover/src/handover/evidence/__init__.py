"""What a run saw, written so that nobody can change it unnoticed."""
