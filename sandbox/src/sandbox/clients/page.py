"""A page as a person sees it: links, forms, videos."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Form:
    """A form: where it goes, and what it holds before a person types."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    text: str = ""


class Page(HTMLParser):
    """What one can click, fill in and play on a page.

    ``links`` are pairs of address and text; ``videos`` are the addresses that a player tries, in turn.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.links: list[tuple[str, str]] = []
        self.forms: list[Form] = []
        self.videos: list[str] = []
        self._link: str | None = None
        self._form: Form | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what the tag opens."""
        values = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in values:
            self._link = values["href"]
            self.links.append((self._link, ""))
        elif tag == "form":
            self._form = Form(values.get("action", ""), values.get("method", "get").upper())
            self.forms.append(self._form)
        elif tag in {"input", "select", "textarea"} and self._form and values.get("name"):
            unchosen = values.get("type") in {"radio", "checkbox"} and "checked" not in values
            if not unchosen and values.get("type") != "file":
                self._form.fields[values["name"]] = values.get("value", "")
        elif tag in {"video", "source"} and values.get("src"):
            self.videos.append(values["src"].partition("#")[0])
            if values.get("data-also"):
                self.videos.append(values["data-also"])

    def handle_endtag(self, tag: str) -> None:
        """Close a link or a form."""
        if tag == "a":
            self._link = None
        elif tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        """Collect the text of links and forms."""
        if self._link is not None:
            self.links[-1] = (self._link, (self.links[-1][1] + data).strip())
        if self._form is not None:
            self._form.text += data

    def link(self, text: str) -> str:
        """Return where the link of that text leads. Raises LookupError."""
        for address, words in self.links:
            if words == text:
                return address
        raise LookupError(f"no link {text!r}; there are {[words for _, words in self.links]}")

    def form(self, button: str) -> Form:
        """Return the form with that button. Raises LookupError."""
        for form in self.forms:
            if button in form.text:
                return form
        raise LookupError(f"no form with {button!r}")


def missing_in(html: str, texts: Iterable[str]) -> str:
    """Return which texts a page does not show, and what it shows instead: its title, and the ids that it links to."""
    missing = [text for text in texts if text not in html]
    if not missing:
        return ""
    title = " ".join(html.partition("<title>")[2].partition("</title>")[0].split())
    ids = list(dict.fromkeys(ID.findall(html)))
    return f"{missing} is missing; {title!r} shows {len(ids)} ids: {ids}"
