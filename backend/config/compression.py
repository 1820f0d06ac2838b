"""Pages are sent compressed where that tells a listener nothing.

How well a page is compressed depends on what repeats in it. A site that makes a browser ask again and again for a page
with guesses in the address, and sees the lengths of the encrypted answers, finds out what stands in it (BREACH). So
only those pages are compressed that no other site has asked for: the browser says so itself, and no script can change
what it says. The token of the forms is masked anew in each answer, and Django adds random bytes of its own.
"""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

# Links, forms and scripts of our own pages; and what the user typed or kept as a bookmark.
OWN = {"same-origin", "none"}


class CompressedPages(GZipMiddleware):
    def process_response(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        """Compress a page for a browser that got here by itself."""
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            return response  # type: ignore[no-any-return]
        patch_vary_headers(response, ("Sec-Fetch-Site",))
        if request.headers.get("Sec-Fetch-Site") not in OWN:
            return response  # type: ignore[no-any-return]
        return super().process_response(request, response)
