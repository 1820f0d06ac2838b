"""A forgotten password: a link by e-mail, which lets its owner choose another one, once and within an hour.

The answer is the same, and takes as long, whether there is such an account or not: the message is written for everyone
and sent after the answer. The link holds Django's token, which is void as soon as the password, the e-mail or the last
log-in changes. Both systems see a new password at once; sessions and tokens that were made with the old one end.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes, force_str
from django.utils.http import base36_to_int, urlsafe_base64_decode, urlsafe_base64_encode

from apps.authentication.models import User
from apps.authentication.passwords import check_new_password
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.logins import limits
from config.errors import NotFoundError

log = logging.getLogger(__name__)

# E-mails that differ only in case may belong to several accounts: each gets a link of its own.
MOST_ACCOUNTS = 5
# Not by PASSWORD_RESET_TIMEOUT: that must be the same on both systems, and is days on the original.
LIFE_S = 3600
OVER = "This link is over, or was used already. Ask for a new one."


class ResetTokens(PasswordResetTokenGenerator):
    """Django's tokens, for this page alone, and for an hour."""

    key_salt = "apps.authentication.resets"

    def check_token(self, user: User | None, token: str | None) -> bool:
        """Return whether the token was made for this user, as the user is now, and is not over."""
        if not super().check_token(user, token) or token is None:
            return False
        made_s = base36_to_int(token.partition("-")[0])
        return self._num_seconds(self._now()) - made_s <= LIFE_S  # Django's own clock


tokens = ResetTokens()
_post = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def ask_for_reset(*, request: HttpRequest, email: str) -> Future[None]:
    """Send a link to the accounts with this e-mail, after the answer. Raises LockedOutError."""
    email = email.strip()
    limits.count_reset(request, email=email)
    found = list(User.objects.filter(email__iexact=email, is_active=True).order_by("pk")[:MOST_ACCOUNTS])
    letters = [_letter(request, user) for user in found or [User(pk=0, email="", password=make_password(None))]]
    some: list[User | None] = [*found] or [None]
    for user in some:  # one row is written either way, so that the time tells nothing
        record(AccountEvent.Kind.RESET_ASKED, request=request, user=user, login=email)
    return _post.submit(_send, letters if found else [])


def user_of_link(user_key: str, token: str) -> User:
    """Return whose link this is. Raises NotFoundError if it is over."""
    try:
        user = User.objects.filter(pk=int(force_str(urlsafe_base64_decode(user_key))), is_active=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or not tokens.check_token(user, token):
        raise NotFoundError(OVER, code="reset-over")
    return user


def reset_password(*, request: HttpRequest, user_key: str, token: str, new_password: str) -> User:
    """Choose the new password; who did so logs in with it, and shows a second factor as ever.

    Raises NotFoundError if the link is over, and InvalidError for a password that may not be one.
    """
    user = user_of_link(user_key, token)
    check_new_password(new_password, user, field="new_password")
    # Of two requests with one link, one finds the old password changed.
    if not User.objects.filter(pk=user.pk, password=user.password).update(password=make_password(new_password)):
        raise NotFoundError(OVER, code="reset-over")
    # Who forgot it has mostly tried in vain before, and would be locked out of the log-in that follows.
    limits.pardon(request, user_id=user.pk)
    record(AccountEvent.Kind.PASSWORD_CHANGED, request=request, user=user, detail="by a link sent by e-mail")
    return user


def _letter(request: HttpRequest, user: User) -> EmailMessage:
    key, token = urlsafe_base64_encode(force_bytes(user.pk)), tokens.make_token(user)
    link = request.build_absolute_uri(reverse("web:reset", args=[key, token]))
    text = render_to_string("web/reset_letter.txt", {"user": user, "link": link, "minutes": LIFE_S // 60})
    subject, _, body = text.strip().partition("\n")
    # To the address that the account has, not to the one that was typed.
    return EmailMessage(subject, body.strip() + "\n", settings.DEFAULT_FROM_EMAIL, [user.email])


def _send(letters: list[EmailMessage]) -> None:
    for letter in letters:
        try:
            letter.send()
        except OSError:  # SMTPException is one
            log.exception("A letter with a link for a new password could not be sent")
