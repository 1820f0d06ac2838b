"""The same accounts in another package. The class keeps its name: Django names a column of the join tables after it."""

from django.conf import settings
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
    """Who logs in; the original does not know the nickname."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    if settings.SCHEMA_PHASE == 1:
        joined = models.DateTimeField(default=timezone.now)
    else:
        joined_at = models.DateTimeField(default=timezone.now)
    nickname = models.CharField(max_length=50, null=True, blank=True)

    USERNAME_FIELD = "email"
    objects = Accounts()

    class Meta:
        db_table = "accounts"


class Device(models.Model):
    """A phone that gets messages; a table of the backend's own."""

    owner = models.ForeignKey(Account, on_delete=models.CASCADE)
    group = models.ForeignKey("auth.Group", null=True, on_delete=models.SET_NULL)
    address = models.CharField(max_length=200, unique=True)

    class Meta:
        db_table = "devices"
