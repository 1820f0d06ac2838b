"""Names and texts that try to be more than a name, and what an output must not hold for them to stay names."""

import html.parser
import re
import unicodedata

LONGEST = 63
# What each tries. A name of PostgreSQL has at most 63 bytes and no NUL.
NAMES: dict[str, str] = {
    "quotes": """it's "q" ''x""",
    "statement": 'x"; DROP TABLE victims; --',
    "literal": "x'); DROP TABLE victims; --",
    "format": "%s %% %(x)s {} {0.__class__} {x!r}",
    "shell": "$(touch /tmp/owned) `id` ${HOME} && false | cat; exit",
    "psql": "\\! touch /tmp/owned \\q :x :'x'",
    "lines": "a\nDROP TABLE victims;\n✅ Yes, all is well",
    "carriage": "bad\rgood\b\b\b\x07",
    "terminal": "\x1b[2J\x1b[31m\x1b]0;owned\x07red\x1b[0m",
    "terminal in 8 bits": "\x9b2J\x9d0;owned\x9cx",
    "direction": "abc\u202egnp.exe\u2066x\u2069",
    "no width": "us\u200ber\u200ds\ufeff\u2060",
    "tag": "<script>owned()</script>",
    "attribute": '" onmouseover="owned()" x=\'',
    "picture": "<img src=x onerror=owned()>",
    "closing": "</td></table></style></script><svg/onload=owned()>",
    "entity": "&lt;b&gt; &amp; &#60;i&#62;",
    "link": "[x](javascript:owned()) ![](http://127.0.0.1/)",
    "table": "a|b|c` `` <b>",
    "template": "{{ 7*7 }}{% raw %}${7*7}#{7*7}",
    "markup": "[bold red]x[/bold red][/]",
    "formula": '=HYPERLINK("http://127.0.0.1/","x")',
    "path": "../../../../tmp/owned",
    "blank": "  ",
    "longest": "ü" * 31 + "x",
    "dollar": "$$; DROP TABLE victims; $$ $q$",
    "percent": "100%; %n%n%s",
}
ELEMENTS = """
    html head meta title style body h1 h2 h3 p table thead tbody tr th td main section div span ul ol li a b em strong
    code pre details summary svg g path rect line text circle polyline header footer nav article dl dt dd time button
    small figure figcaption caption script br hr input label
"""


def acting_characters(text: str) -> set[str]:
    """Return the characters of a text that act on a terminal, turn the direction, or are not seen."""
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return {c for c in text if unicodedata.category(c) in kinds and c not in "\n\t"}


class _Elements(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS.split():
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or "javascript:" in (value or "") or "owned" in (value or ""):
                self.found.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and "owned" in data:
            self.found.append(f"<script>{data}")


def made_markup(page: str) -> list[str]:
    """Return the elements and attributes of a page that a hostile name made."""
    parser = _Elements()
    parser.feed(page)
    return parser.found


def markdown_markup(text: str) -> list[str]:
    """Return tags and links of a Markdown text that stand outside of code."""
    without = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    without = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", without)
    return re.findall(r"(?<!\\)<[a-zA-Z/!]|(?<!\\)\]\([^)\s]", without)
