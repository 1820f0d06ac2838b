"""What other apps are told about accounts."""

from django.dispatch import Signal

# user_id, before, after: the same password was hashed again, with more rounds, and these are the stored hashes.
password_rehashed = Signal()
