"""Look users up."""

from apps.authentication.models import User
from apps.authentication.preferences import AUTO_SAVE, preferences_of


def user_by_login(login: str) -> User | None:
    """Return the user of an e-mail or username, as the original finds it: e-mail first, lower-cased.

    E-mails are not unique in the database; the oldest account is taken, so that the answer is always the same.
    """
    by_email = User.objects.filter(email=login.lower()).order_by("pk").first() if login else None
    by_username = User.objects.filter(username=login).first()  # asked always: the time tells nothing
    return by_email or by_username


def saves_automatically(user: User) -> bool:
    """Return whether new choreographies are saved to the collection: yes, unless the user has switched it off."""
    return bool(preferences_of(user)[AUTO_SAVE])
