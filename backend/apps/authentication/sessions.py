"""Django's session cookie as the API's authentication."""

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class CookieSession(SessionAuthentication):
    """The session that both systems share; unsafe methods need the CSRF token."""

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        # Without this header Django REST framework answers 403 where 401 is meant.
        return "Session"
