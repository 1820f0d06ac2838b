"""Passwords: their mark, which changes with them, and the change itself."""

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from apps.authentication.models import User
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.logins import limits
from config.errors import ConflictError, InvalidError


def mark_of(stored_password: str) -> str:
    """Return a keyed hash of a stored password: what holds it is valid until any system changes the password."""
    return salted_hmac("apps.authentication.passwords", stored_password, algorithm="sha256").hexdigest()


def check_new_password(password: str, user: User, *, field: str) -> None:
    """Raise InvalidError for ``field`` if this may not become a password."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidError(" ".join(error.messages), errors={field: error.messages}) from error


def require_password(*, request: HttpRequest, user: User, password: str, field: str) -> None:
    """Raise InvalidError unless this is the user's password, and LockedOutError after five that were not.

    Counted with the log-ins of the account: a stolen session guesses no more passwords than a visitor.
    """
    attempt = limits.admit(request, account=f"{user.pk}", user_id=user.pk)
    if not user.check_password(password):
        record(AccountEvent.Kind.PASSWORD_REFUSED, request=request, user=user)
        raise InvalidError("This is not your password.", code="wrong-password", errors={field: ["Is wrong."]})
    limits.succeeded(attempt)


def change_password(*, request: HttpRequest, user: User, old_password: str, new_password: str) -> None:
    """Change the password. This session stays; all others, and all tokens, end. Raises as the functions above."""
    require_password(request=request, user=user, password=old_password, field="old_password")
    check_new_password(new_password, user, field="new_password")
    if new_password == old_password:
        raise InvalidError("Choose another password.", errors={"new_password": ["Is the old one."]})
    hashed = make_password(new_password)
    if not User.objects.filter(pk=user.pk, password=user.password).update(password=hashed):
        raise ConflictError("The password was changed a moment ago, elsewhere. Log in again.")
    user.password = hashed
    update_session_auth_hash(request, user)
    record(AccountEvent.Kind.PASSWORD_CHANGED, request=request, user=user)
