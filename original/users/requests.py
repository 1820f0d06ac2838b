"""A request as a view sees it behind ``login_required``. Only type checkers use it."""

from django.http import HttpRequest

from users.models import User


class MemberRequest(HttpRequest):
    """A request by a user who is logged in."""

    user: User
