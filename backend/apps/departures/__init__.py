"""A user leaves: the account is deleted with all that belongs to it."""
