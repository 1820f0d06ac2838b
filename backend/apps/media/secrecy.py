"""What an answer to a secret link tells browsers, search engines and caches: keep it to yourselves."""

from typing import TypeVar

from django.http import HttpResponseBase

Answer = TypeVar("Answer", bound=HttpResponseBase)

# The link is in the address. So no other page learns it, no search engine lists it, and nothing is kept of the answer:
# when the link ends, nothing is left to be seen.
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "private, no-store",
}


def keep_secret(response: Answer) -> Answer:
    """Return the answer with these headers in place of its own."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response
