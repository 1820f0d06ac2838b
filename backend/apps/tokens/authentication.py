"""``Authorization: Bearer …`` as the API's authentication."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.authentication.models import User
from apps.tokens import services
from apps.tokens.models import PersonalToken


class BearerToken(BaseAuthentication):
    """A program with a token. No CSRF token is needed: a browser never sends this header by itself.

    The scope is checked here and not by a permission, so that no view can forget it.
    """

    def authenticate(self, request: Request) -> tuple[User, PersonalToken] | None:
        secret = _secret(request)
        if secret is None:
            return None
        token = services.valid_token(secret, request=request)
        if token is None:
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked, or the password was changed. Make another one."
            )
        request._request.token_owner = token.user_id  # type: ignore[attr-defined]  # noqa: SLF001 - for the log
        address = request.resolver_match
        services.check_scope(token, method=request.method or "", route=address.route if address else "")
        services.note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Session" if _secret(request) is None else 'Bearer error="invalid_token"'


def _secret(request: Request) -> str | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None
