"""The account of a person; it has no user name."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone


class Accounts(BaseUserManager):
    """Makes accounts; they log in with their e-mail address."""

    def create_user(self, email, password=None, **fields):
        """Make an account."""
        made = self.model(email=self.normalize_email(email), **fields)
        made.set_password(password)
        made.save(using=self._db)
        return made


class Account(AbstractBaseUser, PermissionsMixin):
    """Who logs in."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    objects = Accounts()

    class Meta:
        db_table = "accounts"
