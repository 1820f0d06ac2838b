"""Tokens that were given out and taken back, shaped as packages for JSON web tokens do it."""

from django.conf import settings
from django.db import models


class OutstandingToken(models.Model):
    """A token that was given out."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    jti = models.CharField(unique=True, max_length=255)
    token = models.TextField()
    created_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()


class BlacklistedToken(models.Model):
    """One that is no longer accepted."""

    token = models.OneToOneField(OutstandingToken, on_delete=models.CASCADE)
    blacklisted_at = models.DateTimeField(auto_now_add=True)
