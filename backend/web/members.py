"""Pages for users who are logged in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from config.requests import HtmxRequest
from web.next_page import page_before

View = Callable[..., HttpResponse]


def members_only(view: View) -> View:
    """Send visitors to the login page, and back afterwards."""

    @wraps(view)
    def guarded(request: HtmxRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            response = view(request, *args, **kwargs)
            # The same address answers with a page or with a part of it: going back must not show the part.
            patch_vary_headers(response, ["HX-Request"])
            return response
        if request.htmx:
            # A redirect would put the login page inside the part of the page that is being refreshed.
            return HttpResponseClientRedirect(redirect_to_login(_page_of(request)).url)
        # A form's address shows no page: after the log-in the page comes back from which it was sent.
        return redirect_to_login(request.get_full_path() if request.method in {"GET", "HEAD"} else page_before(request))

    return guarded


def _page_of(request: HtmxRequest) -> str:
    """Return the page of ours that sent this request, as its header says."""
    try:
        return request.htmx.current_url_abs_path or "/"
    except ValueError:
        return "/"  # the header holds no address
