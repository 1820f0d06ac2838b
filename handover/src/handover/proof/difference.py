"""One difference between two systems on one table, with the row that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handover.finding import Finding
from handover.probe.wire import Wire
from handover.proof.mapped_table import Example
from handover.side import Side

DifferenceKey = tuple[str, str, str]
ValuesBySide = tuple[tuple[Side, Wire], ...]

# Code → what is found, what was expected, what to do; {hurts} and {other} are systems, the rest comes from the step.
SAID: dict[str, tuple[str, str, str]] = {
    "HO300": (
        "is {theirs} when the {hurts} reads what the {other} wrote, {mine} in the {other}",
        "both must read the same type and value",
        "Look at the field's from_db_value and to_python, and at USE_TZ.",
    ),
    "HO301": (
        "has rows of the {maker} that the {hurts} does not see",
        "its default manager must find every row",
        "Give the model a plain default manager; hide rows where they are listed.",
    ),
    "HO302": (
        "is found by {lookup} in one system only",
        "the same question must find the same rows",
        "Look at the field's look-ups and at TIME_ZONE; {words}",
    ),
    "HO303": (
        "comes in another order, {by}",
        "lists and pages must be the same in both systems",
        "Give both models the same Meta.ordering.",
    ),
    "HO304": (
        "has {mine} rows in the {maker} and {theirs} in the {hurts}",
        "both must count the same",
        "Look at the default managers.",
    ),
    "HO305": (
        "does not lead back by {name} in the {hurts}",
        "the {other} reaches the rows that way",
        "Give both foreign keys the same related_name and related_query_name. {words}",
    ),
    "HO306": (
        "becomes another value when the backend writes it",
        "the same value given to both must be stored as the same",
        "Look at the backend's get_prep_value, pre_save, save(), signals and triggers.",
    ),
    "HO307": (
        "cannot be written by the {hurts}, which raises {error}",
        "the {other} writes such rows",
        "Let it write what the other writes, and check what people type in forms. {words}",
    ),
    "HO308": (
        "is not the same after the {other} saved the object whole",
        "the save was meant to change nothing",
        "Look at how the {other} reads and writes it: conversions, save(), signals.",
    ),
    "HO309": (
        "is lost when the {other} saves the object whole",
        "a new column must survive the saves of the system that does not know it",
        "Look for a save() or a trigger that writes every column of the table.",
    ),
    "HO310": (
        "is {mine} in rows of the {maker} that give no value, {theirs} in those of the {hurts}",
        "a default must be the same in both",
        "Give both fields the same default.",
    ),
    "HO311": (
        "has rows of the {maker} that the {other} cannot delete: {error}",
        "what one makes the other must be able to delete",
        "Look for a foreign key without ON DELETE that the {other} does not know, or a delete() of its own. {words}",
    ),
    "HO312": (
        "is not the same after a bulk {what} by the {other}",
        "many rows at once must be stored as one by one",
        "Look at the field's get_prep_value and at the manager's bulk methods.",
    ),
    "HO313": (
        "shows rows of the {maker} {when}",
        "a row must be seen by the other exactly when its transaction is committed",
        "Look at ATOMIC_REQUESTS, at the isolation level and at connection poolers.",
    ),
    "HO314": (
        "links to other rows in the {hurts} than the {other} set",
        "a many-to-many relation must be the same from both systems and both ends",
        "Give both fields the same through table and related_name. {words}",
    ),
    "HO315": (
        "is {theirs} in the {hurts} and {mine} in the {other}, of a row that is there",
        "both must read the same type and value",
        "Look at the field's from_db_value and to_python, and at USE_TZ.",
    ),
    "HO316": (
        "has rows that the {hurts} does not see",
        "both must see the same rows",
        "Give the model a plain default manager; hide rows where they are listed.",
    ),
    "HO318": (
        "is set anew by the saves of one system only",
        "both must keep the time of the last change, or neither",
        "Give both fields the same auto_now.",
    ),
    "HO319": (
        "cannot be read by the {hurts}, which raises {error}",
        "the {other} reads such rows",
        "Let the field's from_db_value and to_python take every stored value. {words}",
    ),
}


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes
    ----------
    code, place
        The finding's code and place.
    maker
        The system that made or wrote the row.
    hurts
        The system that suffers.
    step
        What shows it: ``get``, ``filter``, ``related``, ``save``, ``create``, ``delete``.
    column
        The column concerned, or an empty text.
    values
        The value in each system; only of rows that the proof made.
    words
        What the sentences of the finding need; without values of rows, so that a contract can accept it.
    example
        The row that shows it.
    """

    code: str
    place: str
    maker: Side
    hurts: Side
    step: str
    column: str = ""
    values: ValuesBySide = ()
    words: Mapping[str, Any] = field(default_factory=dict)
    example: Example | None = None

    @property
    def key(self) -> DifferenceKey:
        """What identifies it: two differences with one key are the same."""
        return (self.code, self.place, self.maker)

    def finding(self, more: str = "") -> Finding:
        """Return it as a finding; ``more`` follows the advice."""
        given = {"words": "", "maker": self.maker, "hurts": self.hurts, "other": self.hurts.other, **self.words}
        found, expected, todo = (text.format(**given).strip() for text in SAID[self.code])
        return Finding(
            code=self.code,
            where=self.place,
            found=found,
            expected=expected,
            todo="\n".join(filter(None, (todo, more))),
            hurts=self.hurts,
        )


def kind_of(wire: Wire) -> str:
    """Return the name of a value's type."""
    if isinstance(wire, list):
        if wire[0] == "datetime":
            return "datetime without a zone" if wire[2] is None else f"datetime in {wire[2]}"
        return str(wire[1] if wire[0] == "other" else wire[0])
    return "nothing" if wire is None else type(wire).__name__


def kinds_of(mine: Wire, theirs: Wire) -> dict[str, str]:
    """Return words for two values: their types, or 'another' for a different value of the same type."""
    one, other = kind_of(mine), kind_of(theirs)
    return {"mine": one, "theirs": other if other != one else f"another {other}"}
