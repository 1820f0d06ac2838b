"""Accounts: users and groups."""

import functools
from collections.abc import Sequence
from datetime import timedelta
from unicodedata import normalize

from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher
from django.contrib.auth.models import Group, Permission
from django.db.models import JSONField, Value

from seeding.source import Kind, Source, change
from users.models import User

PASSWORD = "dance-with-me"  # noqa: S105 - of people who do not exist
SHORT_PASSWORD = "secret"  # noqa: S105
SALT = "seededseededseededseeded"  # long enough, or Django hashes again at the first login
OLD_ITERATIONS = 260_000  # Django 3.2

FIRST_NAMES = ("Lucía", "Mateo", "Ana", "José", "Zoë", "Íñigo", "Carmen", "Romeo", "Yuki", "Ömer", "Chloé", "Prince")
LAST_NAMES = ("Santos", "García", "O'Neill", "de la Cruz", "Müller", "Nguyễn", "Smith-Jones", "Rodríguez")

LOGGED_IN_SHARE = 0.8
AUTO_SAVE_SHARE = 0.7

YEAR = timedelta(days=365)
DAY = timedelta(days=1)

ODD_PREFERENCES = {
    "without the flag": {"theme": {"dark": True}, "speed": 1.25},
    "with the flag as text": {"auto_save_choreographies": "no"},
    "with the flag null": {"auto_save_choreographies": None},
    "that are a list": ["auto_save_choreographies"],
    "that are an empty list": [],
    "that are text": "dark",
    "that are a number": 7,
    "that are JSON null": Value(None, JSONField()),
}


@functools.cache
def hashed(password: str) -> str:
    """Hash once, because hashing is slow on purpose."""
    return get_hasher().encode(password, SALT)


@functools.cache
def hashed_years_ago(password: str) -> str:
    """Hash with the iterations of an earlier Django; the next login hashes again."""
    return PBKDF2PasswordHasher().encode(password, SALT, iterations=OLD_ITERATIONS)


EMAIL_OF_ANOTHER = "users with the e-mail of another but for case"
UNTIDY: dict[str, Kind] = {
    "users with a password of 6 characters": {"password": lambda _: hashed(SHORT_PASSWORD)},
    EMAIL_OF_ANOTHER: {},  # write_users takes it from another user
    "users with a password hashed years ago": {"password": lambda _: hashed_years_ago(PASSWORD)},
    "users with a password that never matches": {"password": "!" + SALT},
    "users with capitals in the e-mail": {"email": lambda user: user.email.upper()},
    "users without an e-mail": {"email": ""},
    "users without a display name": {"display_name": ""},
    "users with the longest username": {"username": lambda user: user.username.ljust(150, "x")},
    **{f"users with preferences {name}": {"preferences": odd} for name, odd in ODD_PREFERENCES.items()},
}
UNTIDY_SHARE = 0.1


def write_users(source: Source, number: int) -> list[User]:
    """Write users, the first one a superuser; return them with their ids."""
    taken = set(User.objects.values_list("username", flat=True))
    users: list[User] = []
    for kind in source.kinds(UNTIDY, number, share=UNTIDY_SHARE):
        user = _user(source, len(users), taken)
        change(user, UNTIDY[kind] if kind else {})
        if kind == EMAIL_OF_ANOTHER:
            user.email = next(other.email for other in reversed(users) if other.email).swapcase()
        users.append(user)
    source.write(users)
    return users


def write_groups(source: Source, users: Sequence[User]) -> None:
    """Write two groups, their members, and permissions of single users."""
    may_view, may_change = (
        Permission.objects.get(codename=f"{verb}_savedchoreography", content_type__app_label="choreography")
        for verb in ("view", "change")
    )
    instructors, front_desk = (
        Group.objects.get_or_create(name=name)[0] for name in ("Instructors", "Front desk & social media")
    )
    instructors.permissions.add(may_view)
    front_desk.permissions.add(may_view, may_change)
    member, grant = User.groups.through, User.user_permissions.through
    source.write([member(user=user, group=instructors) for user in users if user.is_instructor])
    source.write([member(user=user, group=front_desk) for user in users if user.is_staff])
    source.write([grant(user=user, permission=may_change) for user in users if user.is_staff and user.is_instructor])


def _user(source: Source, number: int, taken: set[str]) -> User:
    first, last = source.chance.choice(FIRST_NAMES), source.chance.choice(LAST_NAMES)
    username = _free_name(first.lower(), number, taken)
    mailbox = normalize("NFKD", username).encode("ascii", "ignore").decode()
    joined = source.ago(DAY, 3 * YEAR)
    return User(
        username=username,
        email=f"{mailbox}@example.com",
        password=hashed(PASSWORD),
        first_name=first,
        last_name=last,
        display_name=f"{first} {last}",
        is_superuser=number == 0,
        is_staff=number % 50 in {0, 1},
        is_instructor=number % 25 in {1, 2},
        is_active=number % 50 not in {3, 30},
        date_joined=joined,
        last_login=source.moment(joined, source.now) if source.chance.random() < LOGGED_IN_SHARE else None,
        preferences=source.chance.choice(
            [{}, {}, {"auto_save_choreographies": source.chance.random() < AUTO_SAVE_SHARE}]
        ),
    )


def _free_name(first: str, number: int, taken: set[str]) -> str:
    while (name := f"{first}{number}") in taken:
        number += 1
    taken.add(name)
    return name
