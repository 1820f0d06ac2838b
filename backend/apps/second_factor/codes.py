"""One-time codes (RFC 6238, by pyotp) and recovery codes."""

import base64
import secrets
from datetime import datetime

import pyotp
import segno
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.safestring import SafeString, mark_safe

PERIOD_S = 30
DIGITS = 6
RECOVERY_CODES = 10
ISSUER = "Compás"
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look like digits
_RECOVERY_LENGTH = 10


def new_nonce() -> str:
    return secrets.token_hex(32)


def totp(nonce: str) -> pyotp.TOTP:
    """Return what the app works its codes out with: 160 bits from the nonce and SECRET_KEY."""
    key = salted_hmac("apps.second_factor.totp", nonce, algorithm="sha256").digest()[:20]
    return pyotp.TOTP(base64.b32encode(key).decode(), digits=DIGITS, interval=PERIOD_S)


def step_of(nonce: str, code: str, *, now: datetime) -> int | None:
    """Return the step that the code belongs to: this one, the one before or the next."""
    here = int(now.timestamp()) // PERIOD_S
    app = totp(nonce)
    # All three are compared, so that the time does not tell which.
    right = [step for step in (here - 1, here, here + 1) if constant_time_compare(app.generate_otp(step), code)]
    return max(right, default=None)


def address_for_apps(nonce: str, *, account: str) -> str:
    return totp(nonce).provisioning_uri(name=account, issuer_name=ISSUER)


def picture_of(address: str) -> SafeString:
    """Return a QR code as a drawing inside the page: the content security policy allows no images as data."""
    drawing = segno.make(address, error="m").svg_inline(border=2, omitsize=True, svgclass="qr", lineclass=None)
    return mark_safe(drawing)  # noqa: S308 - nothing but a path of squares


def new_recovery_codes() -> list[str]:
    """Return fresh codes of 49 random bits each."""
    return ["".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]


def hash_of_recovery_code(code: str, *, factor_id: int) -> str:
    return salted_hmac("apps.second_factor.recovery", f"{factor_id} {code}", algorithm="sha256").hexdigest()


def plain(typed: str) -> str:
    """Return a code without the spaces and dashes that people type."""
    return "".join(typed.split()).replace("-", "").lower()
