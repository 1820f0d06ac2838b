"""Register, log in, change an account."""

from django.contrib import auth
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from apps.authentication.models import User
from apps.authentication.selectors import user_by_login
from apps.logins import limits
from apps.logins.devices import remember_device
from config.errors import CredentialsError, InvalidError


def register_user(*, username: str, email: str, display_name: str, password: str) -> User:
    """Create an account by the original's rules. Raises InvalidError if username or e-mail is taken."""
    # Lower-cased, because both systems lower-case the e-mail that is typed at login.
    email = email.lower()
    if User.objects.filter(email__iexact=email).exists():
        raise InvalidError("This e-mail has an account already.", errors={"email": ["Has an account already."]})
    try:
        with transaction.atomic():
            return User.objects.create_user(
                username=username, email=email, password=password, display_name=display_name
            )
    except IntegrityError as error:
        raise InvalidError("This username is taken.", errors={"username": ["Is taken."]}) from error


def log_in(*, request: HttpRequest, login: str, password: str) -> User:
    """Open a session. Raises CredentialsError, and LockedOutError after five failures."""
    user = user_by_password(request=request, login=login, password=password)
    auth.login(request, user)
    return user


def user_by_password(*, request: HttpRequest, login: str, password: str) -> User:
    """Return the user with this login and password; every login page calls this. Raises as :func:`log_in`."""
    login = login.strip()
    found = user_by_login(login)
    # The e-mail and the username of one account are counted together.
    account = f"{found.pk}" if found else f"unknown {login.lower()}"
    attempt = limits.admit(request, account=account, user_id=found.pk if found else None)
    # Authenticate an unknown login too: it takes the same time, so timing does not tell which accounts exist.
    user = auth.authenticate(request, username=found.get_username() if found else login, password=password)
    if user is None:
        raise CredentialsError("E-mail, username or password is wrong.")
    limits.succeeded(attempt)
    remember_device(request, user.pk)
    return user


def change_account(*, user: User, display_name: str | None = None) -> User:
    """Write only the given columns: the rest of the row may be newer than what was read here."""
    if display_name is not None:
        User.objects.filter(pk=user.pk).update(display_name=display_name)
    return User.objects.get(pk=user.pk)
