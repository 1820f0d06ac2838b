"""Sentences of the services and of the database, in the language of the page."""

from typing import Any

from django import template

from web.language import translated

register = template.Library()


@register.filter
def said(text: Any) -> str:
    """Return a known English text, or several, in the language of the page; another text stays as it is."""
    if isinstance(text, list | tuple):
        return " ".join(translated(str(each)) for each in text)
    return translated(str(text))
