"""The password hasher of Django 4.2: each version of Django raises the number of iterations."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class HasherOfTheOriginal(PBKDF2PasswordHasher):
    """Hashes as the original does; with another number, each login would rehash and end the session on the other."""

    iterations = 600_000
