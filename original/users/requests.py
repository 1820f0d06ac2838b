"""A request as a view sees it behind ``login_required``. It is for the types; Django makes the objects."""

from django.http import HttpRequest

from users.models import User


class MemberRequest(HttpRequest):
    """A request by a user who is logged in."""

    user: User
