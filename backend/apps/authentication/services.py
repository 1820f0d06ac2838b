"""Register, log in, change an account."""

from django.contrib import auth
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from apps.authentication.models import User
from apps.authentication.passwords import check_new_password
from apps.authentication.selectors import user_by_login
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.logins import limits
from apps.logins.devices import remember_device
from config.errors import CredentialsError, InvalidError, LockedOutError


def register_user(*, request: HttpRequest, username: str, email: str, display_name: str, password: str) -> User:
    """Create an account by the original's rules and log it in. Raises InvalidError and LockedOutError.

    The answer must tell which name is taken, so the refusals of one address are counted and limited. So are its
    accounts: each has its own quotas.
    """
    # Lower-cased, because both systems lower-case the e-mail that is typed at login.
    user = User(username=username, email=email.lower(), display_name=display_name)
    check_new_password(password, user, field="password")
    attempt = limits.admit_registration(request)
    # Hashed before the look-up: a refusal takes as long as an account.
    user.password = make_password(password)
    if User.objects.filter(email__iexact=user.email).exists():
        raise InvalidError("This e-mail has an account already.", errors={"email": ["Has an account already."]})
    try:
        with transaction.atomic():
            limits.count_new_account(request)
            user.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidError("This username is taken.", errors={"username": ["Is taken."]}) from error
    limits.succeeded(attempt)
    record(AccountEvent.Kind.REGISTERED, request=request, user=user)
    auth.login(request, user)
    remember_device(request, user.pk)
    return user


def log_in(*, request: HttpRequest, login: str, password: str) -> User:
    """Open a session. Raises CredentialsError, and LockedOutError after five failures."""
    user = user_by_password(request=request, login=login, password=password)
    auth.login(request, user)
    return user


def user_by_password(*, request: HttpRequest, login: str, password: str) -> User:
    """Return the user with this login and password; every login page calls this. Raises as :func:`log_in`."""
    login = login.strip()
    found = user_by_login(login)
    attempt = _admit(request, login, found)
    # Authenticate an unknown login too: it takes the same time, so timing does not tell which accounts exist.
    user = auth.authenticate(request, username=found.get_username() if found else login, password=password)
    if user is None:
        record(AccountEvent.Kind.LOGIN_REFUSED, request=request, user=found, login=login)
        raise CredentialsError("E-mail, username or password is wrong.")
    limits.succeeded(attempt)
    remember_device(request, user.pk)
    return user


def _admit(request: HttpRequest, login: str, found: User | None) -> limits.Attempt:
    # The e-mail and the username of one account are counted together.
    account = f"{found.pk}" if found else f"unknown {login.lower()}"
    try:
        return limits.admit(request, account=account, user_id=found.pk if found else None)
    except LockedOutError as error:
        if error.first:  # one event for each lock, however often it is knocked at
            record(AccountEvent.Kind.LOCKED, request=request, user=found, login=login)
        raise


def hold_account(user: User) -> None:
    """Let no other request change the account until this transaction ends; ``user`` is then as it is stored."""
    user.refresh_from_db(from_queryset=User.objects.select_for_update())


def change_account(*, user: User, display_name: str | None = None) -> User:
    """Write only the given columns: the rest of the row may be newer than what was read here."""
    if display_name is not None:
        User.objects.filter(pk=user.pk).update(display_name=display_name)
    return User.objects.get(pk=user.pk)
