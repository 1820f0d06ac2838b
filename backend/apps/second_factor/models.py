"""Second factors (tables ``second_factors`` and ``recovery_codes`` in schema ``backend``)."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class SecondFactor(models.Model):
    # The constraint is made by second_factor.0002: ON DELETE CASCADE in the database.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor", db_constraint=False
    )
    # The secret that the app has is worked out from this and SECRET_KEY: a copy of the database holds no secret.
    nonce = models.CharField(max_length=64, default="", help_text="empty until a code was shown")
    pending_nonce = models.CharField(max_length=64, default="", help_text="offered, not confirmed yet")
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(
        default=0, help_text="of the newest code that was used, so that none counts twice"
    )

    class Meta:
        db_table = "second_factors"

    def __str__(self) -> str:
        return f"second factor of user {self.user_id}"


class RecoveryCode(models.Model):
    # The constraint is made by second_factor.0002, too.
    factor = models.ForeignKey(
        SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes", db_constraint=False
    )
    code_hash = models.CharField(max_length=64, help_text="keyed; the code is kept nowhere")
    made_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recovery_codes"

    def __str__(self) -> str:
        return f"recovery code {self.pk}"
