"""Accounts and passwords: what both systems' settings must agree on so that people can log in."""

from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.registry import rule
from handover.rules.setting_comparison import SAME, both_settings, both_ways, setting_differs
from handover.schema.models import Settings
from handover.schema.subject import Subject


@rule("HO180")
def user_model(subject: Subject) -> Iterator[Observation]:
    """One user model.

    What is wrong
    -------------
    `AUTH_USER_MODEL` of the two systems is on different tables. If only the label differs, it is risky.

    Why it hurts
    ------------
    Accounts of one system are not accounts of the other.

    Example
    -------
    `auth_user` in the original, `users` in the backend.

    Mend
    ----
    Let the backend's user model stand on the original's table, under the same label.

    ```python
    AUTH_USER_MODEL = "users.User"
    ```
    """
    for one, other in both_settings(subject):
        if one.user_table != other.user_table:
            values = (one.user_table, other.user_table)
            yield setting_differs("table of AUTH_USER_MODEL", values, "accounts are not the same")
        elif one.auth_user_model != other.auth_user_model:
            values = (one.auth_user_model, other.auth_user_model)
            yield setting_differs("AUTH_USER_MODEL", values, "histories and permissions name another model", "risky")


@rule("HO181")
def hashers(subject: Subject) -> Iterator[Observation]:
    """Passwords work on both systems.

    What is wrong
    -------------
    One system's `PASSWORD_HASHERS` lacks an algorithm of the other (breaking), or the preferred hasher or its
    parameters differ (risky).

    Why it hurts
    ------------
    People with such a password cannot log in. With another preferred hasher each log-in stores a new hash, and that
    ends the user's other sessions.

    Example
    -------
    The backend prefers Argon2, the original has PBKDF2 only.

    Mend
    ----
    Give both systems the same list.

    ```python
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ```
    """
    for one, other in both_settings(subject):
        algorithms = [{h.algorithm for h in s.hashers} for s in (one, other)]
        for name, mine, theirs in both_ways(*algorithms):
            if lacking := sorted(theirs - mine):
                found = f"of the {name} lack {', '.join(lacking)}"
                expected = "whoever has such a password cannot log in there"
                yield Observation(where="PASSWORD_HASHERS", found=found, expected=expected, todo=SAME, hurts=name)
        if not one.hashers or not other.hashers or algorithms[0] != algorithms[1]:
            continue
        preferred = [(s.hashers[0].algorithm, *sorted(s.hashers[0].parameters.items())) for s in (one, other)]
        if preferred[0] != preferred[1]:
            values = (_hasher(one), _hasher(other))
            effect = "each login rehashes the password, and that ends the user's other sessions"
            yield setting_differs("preferred password hasher", values, effect, "risky")


def _hasher(settings: Settings) -> str:
    first = settings.hashers[0]
    return " ".join([first.algorithm, *(f"{name}={value}" for name, value in sorted(first.parameters.items()))])


@rule("HO184")
def authentication(subject: Subject) -> Iterator[Observation]:
    """Sessions name a backend that both have.

    What is wrong
    -------------
    One system's `AUTHENTICATION_BACKENDS` lacks a path of the other.

    Why it hurts
    ------------
    A session holds the path of the backend that made it. On the other system its bearer is anonymous.

    Example
    -------
    `users.auth.EmailBackend` was moved to `apps.authentication.auth.EmailBackend`.

    Mend
    ----
    Keep the path: a module of that name that imports the class is enough.

    ```python
    AUTHENTICATION_BACKENDS = ["users.auth.EmailBackend"]
    ```
    """
    for one, other in both_settings(subject):
        for name, mine, theirs in both_ways(one, other):
            if lacking := [path for path in theirs.backends if path not in mine.backends]:
                found = f"of the {name} lack {', '.join(lacking)}"
                expected = "a session that was opened through it is anonymous there"
                yield Observation(
                    where="AUTHENTICATION_BACKENDS", found=found, expected=expected, todo=SAME, hurts=name
                )


@rule("HO185")
def login_fields(subject: Subject) -> Iterator[Observation]:
    """People log in by the same field.

    What is wrong
    -------------
    `USERNAME_FIELD` or `EMAIL_FIELD` of the user model differs.

    Why it hurts
    ------------
    What people type finds no account.

    Example
    -------
    `username` in the original, `email` in the backend.

    Mend
    ----
    Write the same fields in the backend's user model.

    ```python
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    ```
    """
    for one, other in both_settings(subject):
        if one.login_fields != other.login_fields:
            values = (one.login_fields, other.login_fields)
            yield setting_differs("USERNAME_FIELD, EMAIL_FIELD", values, "what people type finds no account")


@rule("HO188")
def password_validators(subject: Subject) -> Iterator[Observation]:
    """Both accept the same passwords.

    What is wrong
    -------------
    `AUTH_PASSWORD_VALIDATORS` of the two systems differs.

    Why it hurts
    ------------
    A password that one system accepts is refused by the other when it is changed.

    Example
    -------
    The minimum length is 8 in one and 12 in the other.

    Mend
    ----
    Write the same validators with the same options.

    ```python
    AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    ]
    ```
    """
    for one, other in both_settings(subject):
        if sorted(one.password_validators) != sorted(other.password_validators):
            names = [[_validator(v) for v in s.password_validators] for s in (one, other)]
            effect = "a password chosen on one is refused on the other"
            yield setting_differs("AUTH_PASSWORD_VALIDATORS", (names[0], names[1]), effect, "risky")


def _validator(validator: tuple[str, tuple[tuple[str, str], ...]]) -> str:
    options = ", ".join(f"{name}={value.partition(':')[2]}" for name, value in validator[1])
    return validator[0].rpartition(".")[2] + (f"({options})" if options else "")
