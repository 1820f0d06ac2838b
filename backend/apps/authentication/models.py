"""The original's user, to the letter (table ``users``)."""

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser
from django.db import models, transaction

from apps.authentication.signals import password_rehashed


class User(AbstractUser):
    display_name = models.CharField(max_length=200, blank=True, default="")
    is_instructor = models.BooleanField(default=False)
    preferences = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "users"

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether this is the password; like Django's, hash it again if that was done with fewer rounds.

        Django's writes the new hash over a password that was changed meanwhile, and its tokens could not follow.
        """
        return check_password(raw_password, self.password, self._hash_again)

    def _hash_again(self, raw_password: str) -> None:
        before, after = self.password, make_password(raw_password)
        with transaction.atomic():
            if not type(self).objects.filter(pk=self.pk, password=before).update(password=after):
                return
            password_rehashed.send(type(self), user_id=self.pk, before=before, after=after)
        self.password = after
