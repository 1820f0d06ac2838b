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


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
