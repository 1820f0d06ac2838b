"""The account of a dancer."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Django's user, in a table of its own name."""

    class Meta:
        db_table = "users"
