"""Wording that several messages share."""

# Where the pages of docs/ are read: the wheel does not have them. The project's URL in pyproject.toml says the same.
DOCUMENTATION = "https://compas.example/docs/"


def page_address(page: str, section: str = "") -> str:
    """Return the address of a page of the documentation, or of one of its sections.

    Parameters
    ----------
    page
        Path below ``docs/``, without its ending.
    section
        Heading on the page.

    Examples
    --------
    >>> page_address("reference/hooks")
    'https://compas.example/docs/reference/hooks.html'
    >>> page_address("howto/adopt-a-live-database", "Tables in another schema")
    'https://compas.example/docs/howto/adopt-a-live-database.html#tables-in-another-schema'
    """
    anchor = "#" + section.lower().replace(" ", "-") if section else ""
    return f"{DOCUMENTATION}{page}.html{anchor}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Parameters
    ----------
    number, noun
        How many, and of what.
    plural
        The noun's plural, when it is not the noun and an s.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "row"), counted(2, "entry", "entries")
    ('1 row', '2 rows', '2 entries')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def identifier(name: str) -> str:
    """Return a name as SQL, for advice that people run; statements that the toolkit runs are made by ``psycopg.sql``.

    Examples
    --------
    >>> print(identifier('a"; DROP TABLE b; --'))
    "a""; DROP TABLE b; --"
    """
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literal(text: str) -> str:
    """Return a text as SQL, for advice that people run.

    Examples
    --------
    >>> print(literal("it's"), literal("a\\\\b"))
    'it''s' E'a\\\\b'
    """
    doubled = text.replace("'", "''")
    return f"'{doubled}'" if "\\" not in text else "E'" + doubled.replace("\\", "\\\\") + "'"


def printable(text: str, kept: str = "\n\t") -> str:
    """Return a text for a terminal or a page, with escapes in place of what would act on it or not be seen.

    Those are control characters, escape sequences, marks that turn the direction of text, characters of no width,
    and halves of characters.

    Parameters
    ----------
    text
        Any text, for example a name of a database or the words of a system.
    kept
        Control characters that stay.

    Examples
    --------
    >>> print(printable("a\\x1b[2J\\u202eb\\u200bc\\ud800d é"))
    a\\x1b[2J\\u202eb\\u200bc\\ud800d é
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept or c in _SPACES else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """Return a text as :func:`printable` does, without line breaks: a name must not begin a line of its own.

    Examples
    --------
    >>> print(one_line("a\\nb"))
    a\\nb
    """
    return printable(text, kept="")


# Blanks of other widths, which Python counts as not printable.
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


# Texts up to this length are shown whole.
LONG = 120


def differing_parts(one: str, other: str) -> tuple[str, str]:
    """Return two short texts whole, and of two long texts only the part that differs, with a few words around it.

    Examples
    --------
    >>> differing_parts("blank=True", "blank=False")
    ('blank=True', 'blank=False')
    >>> differing_parts("a default manager " + "x " * 99 + "of 1 row", "a default manager " + "x " * 99 + "of 2 rows")
    ('… x x x of 1 row', '… x x x of 2 rows')
    """
    if one == other or min(len(one), len(other)) <= LONG:
        return one, other
    words = one.split(), other.split()
    begins = _alike(*words)
    ends = min(_alike(words[0][::-1], words[1][::-1]), min(map(len, words)) - begins)
    return _middle(words[0], begins, ends), _middle(words[1], begins, ends)


def _alike(one: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def _middle(words: list[str], begins: int, ends: int, around: int = 4) -> str:
    first, last = max(begins - around, 0), min(len(words) - ends + around, len(words))
    return " ".join([*["…"] * (first > 0), *words[first:last], *["…"] * (last < len(words))])
