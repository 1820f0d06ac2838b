"""The language of the pages: what was chosen, or what the browser asks for. Programs are answered in English.

What services raise and what both systems write to the database is English, so that it means the same to all who read
it. A page translates it when it is shown: ``translated`` knows those texts, also with numbers and names in them.
"""

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

ENGLISH = "en"
# Answers for programs; the original's among them, whose words are a contract too.
OF_PROGRAMS = re.compile(r"/(api|admin|static)/|/(create|tasks|task|video|health|ready)\b|/collections/(save|stats)/")
# Texts with holes, which `script/translations` finds in the sources: {} stands for a number, a name or another text.
PATTERNS = Path(__file__).resolve().parent.parent / "locale" / "patterns.json"


class PageLanguage:
    """Answer in the language of the page; stands before all that may render one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if OF_PROGRAMS.match(request.path):
            with translation.override(ENGLISH):
                return self.get_response(request)
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Language", language)
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
        return response


def is_spoken(language: str) -> bool:
    return language in dict(settings.LANGUAGES)


def translated(text: str) -> str:
    """Return a known English text in the active language; another text stays as it is."""
    if not text or translation.get_language() == ENGLISH:
        return text
    if (whole := translation.gettext(text)) != text:
        return whole
    for pattern, known in _patterns():
        if found := pattern.fullmatch(text):
            return translation.gettext(known).format(*(translated(part) for part in found.groups()))
    return text


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return the texts with holes, those with the most words first: they say the most."""
    known = sorted(json.loads(PATTERNS.read_text()), key=len, reverse=True)
    return [(re.compile("(.+?)".join(map(re.escape, text.split("{}"))), re.DOTALL), text) for text in known]
