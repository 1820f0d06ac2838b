"""Pages for users who are logged in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from config.requests import HtmxRequest

View = Callable[..., HttpResponse]


def members_only(view: View) -> View:
    """Send visitors to the login page, and back afterwards."""

    @wraps(view)
    def guarded(request: HtmxRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            response = view(request, *args, **kwargs)
            # The same address answers with a page or with a part of it: going back must not show the part.
            patch_vary_headers(response, ["HX-Request"])
            patch_cache_control(response, private=True, no_cache=True)
            return response
        if request.htmx:
            # A redirect would put the login page inside the part of the page that is being refreshed.
            return HttpResponseClientRedirect(redirect_to_login(request.htmx.current_url_abs_path or "/").url)
        return redirect_to_login(request.get_full_path())

    return guarded
