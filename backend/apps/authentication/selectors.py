"""Look users up."""

from django.db.models import Case, Q, When

from apps.authentication.models import User
from apps.authentication.preferences import AUTO_SAVE, preferences_of


def user_by_login(login: str) -> User | None:
    """Return the user of an e-mail or username, as the original finds it: e-mail first, lower-cased.

    E-mails are not unique in the database; the oldest account is taken, so that the answer is always the same.
    """
    # One query for both, so that its time tells nothing. Many accounts may have no e-mail: '' is no login.
    is_email, is_username = Q(email=login.lower()), Q(username=login)
    found = User.objects.filter(is_email | is_username).order_by(Case(When(is_email, then=0), default=1), "pk")
    return found.first() if login else None


def saves_automatically(user: User) -> bool:
    """Return whether new choreographies are saved to the collection: yes, unless the user has switched it off."""
    return bool(preferences_of(user)[AUTO_SAVE])
