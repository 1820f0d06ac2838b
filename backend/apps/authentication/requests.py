"""Requests as views see them behind a check that refuses visitors. Only type checkers use them."""

from rest_framework.request import Request

from apps.authentication.models import User
from config.requests import HtmxRequest


class MemberRequest(HtmxRequest):
    """A request for a page by a user who is logged in."""

    user: User


class MemberApiRequest(Request):
    """A request of the API by a user who is logged in, with a session or a token."""

    user: User
