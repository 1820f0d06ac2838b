"""Events of accounts (table ``account_events`` in schema ``backend``). A trigger lets no row be changed."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class AccountEvent(models.Model):
    class Kind(models.TextChoices):
        REGISTERED = "registered", "account made"
        LOGIN = "login", "logged in"
        LOGIN_REFUSED = "login-refused", "log-in refused"
        LOCKED = "locked", "locked after too many failures"
        LOGOUT = "logout", "logged out"
        PASSWORD_CHANGED = "password-changed", "password changed"
        PASSWORD_REFUSED = "password-refused", "change of password refused"
        RESET_ASKED = "reset-asked", "reset of the password asked for"
        ACCOUNT_DELETED = "account-deleted", "account deleted"
        TOKEN_MADE = "token-made", "token made"
        TOKEN_ENDED = "token-ended", "token ended"
        TOKEN_REFUSED = "token-refused", "token used after its end"
        SESSION_ENDED = "session-ended", "session ended"
        SESSIONS_ENDED = "sessions-ended", "all other sessions ended"
        FACTOR_ENROLLED = "factor-enrolled", "second factor set up"
        FACTOR_PROVED = "factor-proved", "second factor shown"
        FACTOR_REFUSED = "factor-refused", "second factor refused"
        FACTOR_RESET = "factor-reset", "second factor removed"
        RECOVERY_USED = "recovery-used", "recovery code used"
        RECOVERY_MADE = "recovery-made", "new recovery codes made"

    at = models.DateTimeField(db_default=Now(), db_index=True)
    kind = models.CharField(max_length=20, choices=Kind)
    # The constraint is made by events.0002: the event stays when either system deletes the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="events", db_constraint=False
    )
    account = models.CharField(max_length=150, help_text="the username; of an unknown login a mark, never the text")
    address = models.GenericIPAddressField(null=True, help_text="of the client; none from the command line")
    device = models.CharField(max_length=200, help_text="what the client calls itself")
    detail = models.CharField(max_length=200)

    class Meta:
        db_table = "account_events"
        ordering = ["-at", "-id"]
        verbose_name = "event of an account"
        verbose_name_plural = "events of accounts"

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.account}"
