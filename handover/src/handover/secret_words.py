"""The secrets that this process was given, so that no output shows them."""

import re
from urllib.parse import quote, quote_plus, unquote, urlsplit

SECRET_NAME = re.compile(r"PASS|SECRET|KEY|TOKEN|CREDENTIAL|DSN|URL", re.IGNORECASE)
# A shorter one would be found in words that are no secret.
SHORTEST = 6
_secrets: set[str] = set()


def remember_secret(variable: str, value: str) -> None:
    """Hide the value of an environment variable from now on, when its name says that it is a secret.

    Of a URL only the password is hidden, as it is written there and as it is meant.
    """
    if not SECRET_NAME.search(variable):
        return
    for secret in _passwords(value) if "://" in value else [value]:
        forms = {secret, unquote(secret), quote(secret, safe=""), quote_plus(secret, safe="")}
        _secrets.update(form for form in forms if len(form) >= SHORTEST)


def _passwords(url: str) -> list[str]:
    try:
        found = urlsplit(url)
        # A password that is the account's name hides nothing, and would hide the name everywhere.
        given = [found.password] if found.password and found.password != found.username else []
    except ValueError:  # a host that is no host
        return []
    return [*given, *re.findall(r"[?&]password=([^&#]+)", url)]


def masked(text: str) -> str:
    """Return a text with an ellipsis in place of each secret.

    Examples
    --------
    >>> remember_secret("A_URL", "postgresql://owner:p%40ssw%2Frd@db/live")
    >>> print(masked("the password is p@ssw/rd, in the URL p%40ssw%2Frd"))
    the password is …, in the URL …
    """
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text
