"""The parts of a CHECK, a constraint or an index, read from Django's or PostgreSQL's statement that makes it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A text, a quoted name, a word or a number, an operator, or one other character.
TOKEN = re.compile(r"[eE]?'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\w+|\s+|::|[-+*/<>=~!@#%^&|`?]+|.", re.DOTALL)
COLLATION = re.compile(r'\bCOLLATE\s+(?:"?\w+"?\.)?"?([^\s"),]+)')
ORDERS = ("ASC", "DESC", "NULLS", "FIRST", "LAST")
USUAL = {"NULLS LAST": "", "DESC NULLS FIRST": "DESC"}
AFTER_A_CONDITION = ("DEFERRABLE", "NOT VALID", "INITIALLY")


@dataclass(frozen=True)
class Definition:
    """The parts of a statement.

    Attributes
    ----------
    expressions
        The condition of a CHECK, or the elements of an index or an exclusion. Each is followed by its direction, or by
        the operator of an exclusion. Operator classes are left out.
    condition
        The condition after WHERE; empty without one.
    collations
        The names of all collations in the statement.
    """

    expressions: tuple[tuple[str, str], ...]
    condition: str
    collations: tuple[str, ...] = ()

    def texts(self) -> Iterator[str]:
        """Yield every expression."""
        yield from (expression for expression, _ in self.expressions)
        if self.condition:
            yield self.condition


def definition(statement: str) -> Definition | None:
    """Return the parts of a statement that makes a CHECK, an index or a constraint; None if it has no such parts.

    Examples
    --------
    >>> definition('CREATE INDEX "i" ON "t" (lower(("a")) DESC, "b") WHERE "c" > 1').expressions
    (('lower(("a"))', 'DESC'), ('"b"', ''))
    """
    parts = groups(statement)
    place = next((n for n, part in enumerate(parts) if part.startswith("(")), None)
    if place is None:
        return None
    inner = parts[place][1:-1]
    words = [part.upper() for part in parts]
    condition = ""
    if "WHERE" in words[place:]:
        condition = "".join(parts[words.index("WHERE", place) + 1 :])
        condition = re.split(rf"\s(?:{'|'.join(AFTER_A_CONDITION)})\b", condition)[0].strip()
    collations = tuple(sorted(COLLATION.findall(statement)))
    if "CHECK" in words[:place]:
        return Definition(((inner, ""),), condition, collations)
    elements = [_element(element) for element in split(inner, ",")]
    return Definition(tuple(elements), condition, collations)


def groups(text: str) -> list[str]:
    """Cut a text into tokens; a part in parentheses stays one piece."""
    found: list[str] = []
    depth = 0
    for token in TOKEN.findall(text):
        if depth:
            found[-1] += token
        else:
            found.append(token)
        depth += (token == "(") - (token == ")")  # noqa: S105 - a parenthesis is no password
    return found


def split(text: str, by: str) -> list[str]:
    """Cut a text at a token, a comma or a word in capitals, but not within parentheses."""
    parts = [""]
    for group in groups(text):
        if group == by:
            parts.append("")
        else:
            parts[-1] += group
    return [part.strip() for part in parts]


def _element(text: str) -> tuple[str, str]:
    """Return an element's expression, and its direction or operator."""
    expression, *operator = split(text, "WITH")
    parts = [part for part in groups(expression) if not part.isspace()]
    size = 1
    while size < len(parts) and "." in parts[size - 1 : size + 1]:
        size += 1
    is_call = size < len(parts) and parts[size].startswith("(") and not parts[size - 1].startswith("(")
    own, rest = "".join(parts[: size + is_call]), parts[size + is_call :]
    order = " ".join(word.upper() for word in rest if word.upper() in ORDERS).removeprefix("ASC").strip()
    return own, " ".join([USUAL.get(order, order), *operator]).strip()
