"""Names and texts that try to be more than a name, and what an output must not hold for them to stay names."""

import html.parser
import re
import unicodedata
from typing import Any

from psycopg import Connection, sql

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
# Django quotes no quote, puts statements through %, and refuses $ in an alias: those cannot be a model's.
USABLE = {what: name for what, name in NAMES.items() if not {'"', "%", "$"} & set(name)}
PLAGUE = (
    "CREATE TABLE {name} ({name} text DEFAULT {text} CONSTRAINT {name} CHECK ({name} <> {other}))",
    "INSERT INTO {name} VALUES (DEFAULT), ({text})",
    "COMMENT ON TABLE {name} IS {text}",
    "COMMENT ON COLUMN {name}.{name} IS {text}",
    "CREATE TYPE {kind} AS ENUM ({text})",
    "CREATE SCHEMA {name}",
    "CREATE TABLE {name}.{name} ({name} {kind})",
    "INSERT INTO {name}.{name} VALUES ({text})",
    "ALTER TABLE {table} ADD COLUMN {name} text NOT NULL DEFAULT {text}",
    "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({key} IS NOT NULL OR {number} = 0)",
    "CREATE UNIQUE INDEX {index} ON {table} ({name}) WHERE {name} <> {text}",
)
ELEMENTS = """
    html head meta title style body h1 h2 h3 p table thead tbody tr th td main section div span ul ol li a b em strong
    code pre details summary svg g path rect line text circle polyline header footer nav article dl dt dd time button
    small figure figcaption caption script br hr input label desc
"""


def plague(connection: Connection[Any], table: str, key: str, names: dict[str, str] = NAMES) -> None:
    """Make hostile tables, columns, constraints, indexes, defaults, comments, labels, schemas and rows.

    Parameters
    ----------
    connection, table, key
        A table gets columns, constraints and indexes; its key is any of its columns.
    names
        Which names.
    """
    connection.execute("CREATE TABLE victims (id int)")
    for number, name in enumerate(names.values(), 1):
        parts = {"name": name, "kind": f"t{name}"[:20], "index": f"i{name}"[:31], "table": table, "key": key}
        values = {"text": name, "other": f"{name}!", "number": number}
        quoted = {k: sql.Identifier(v) for k, v in parts.items()} | {k: sql.Literal(v) for k, v in values.items()}
        for form in PLAGUE:
            connection.execute(sql.SQL(form).format(**quoted))


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
