"""What only Python knows of a field, and the two systems must agree on."""

from collections import Counter
from collections.abc import Iterator

from handover.finding import Hurts, Observation, Severity
from handover.rules.comparison import COPY, compared_pairs, differs
from handover.rules.registry import rule
from handover.schema.models import Field, Given, by_code
from handover.schema.subject import Subject
from handover.schema.types import canonical_type
from handover.side import Side

FEW = 8  # lists of that many are shown whole
# Kinds that differ in what a form accepts, not in what is stored.
TEXTUAL = frozenset({"CharField", "SlugField", "FilePathField", "TextField"})


@rule("HO110")
def kinds(subject: Subject) -> Iterator[Observation]:
    """Kinds of field are equal.

    What is wrong
    -------------
    One column is read by two classes of field, or arrays are nested to another depth.

    Why it hurts
    ------------
    The same row is a text for one system and a number, a date or a list for the other.

    Example
    -------
    `CharField` in the original, `IntegerField` in the backend.

    Mend
    ----
    Write the field in the backend as in the original.

    ```python
    number = models.CharField(max_length=20)
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            # HO012 reports a type that differs, from the live column.
            if canonical_type(one.type) != canonical_type(other.type):
                continue
            if one.depth() != other.depth():
                yield differs(where, _nested(one), _nested(other))
            if one.kind == other.kind:
                continue
            severity: Severity = "risky" if {one.kind, other.kind} <= TEXTUAL else "breaking"
            yield differs(where, f"a {one.kind}", f"a {other.kind}", severity)


def _nested(field: Field) -> str:
    return f"an array within arrays, {field.depth()} deep" if field.depth() > 1 else "no array within arrays"


@rule("HO111")
def choices(subject: Subject) -> Iterator[Observation]:
    """Choices are equal.

    What is wrong
    -------------
    The two fields list different choices. Choices that code makes at run time cannot be compared and are `unseen`.

    Why it hurts
    ------------
    A system meets values that it does not know: forms refuse to save such a row, and code by choice falls through.

    Example
    -------
    The backend has the status `queued`, which the original does not know.

    Mend
    ----
    Write the same choices in both models, or agree on values that only one system reads.

    ```python
    status = models.CharField(choices=[("started", "Started"), ("completed", "Completed")], max_length=20)
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if isinstance(one.choices, str) or isinstance(other.choices, str):
                if one.choices != other.choices or not one.choices_by_code():
                    yield _unread(where, one.choices, other.choices)
            elif set(one.values()) != set(other.values()):
                yield _other_choices(where, one.values(), other.values())
            # The items of an array have choices of their own.
            if isinstance(one.items, str) or isinstance(other.items, str):
                if one.items != other.items or not by_code(one.items):
                    yield _unread(where, one.items, other.items)
            elif set(one.item_values()) != set(other.item_values()):
                yield _other_choices(where, one.item_values(), other.item_values())


def _other_choices(where: str, one: tuple[str, ...], other: tuple[str, ...]) -> Observation:
    """Return the two lists, of long ones only the difference."""
    hurts = _hurt_by(set(one), set(other))
    if min(len(set(one)), len(set(other))) <= FEW:
        return differs(where, _listed(one), _listed(other), hurts=hurts)
    lacks = [f"it lacks {value!r}" for value in one if value not in other]
    adds = [f"it adds {value!r}" for value in other if value not in one]
    found, expected = "has other choices in the backend", f"the original has {len(one)}"
    return Observation(where=where, found=found, expected=expected, todo=COPY, hurts=hurts, parts=(*lacks, *adds))


def _hurt_by(originals: set[str], backends: set[str]) -> Hurts:
    """Say which system meets values that it does not know: the one with fewer choices. No choices allow any value."""
    if _meets(originals, backends) == _meets(backends, originals):
        return "both"
    return Side.ORIGINAL if _meets(originals, backends) else Side.BACKEND


def _meets(mine: set[str], theirs: set[str]) -> bool:
    return bool(mine) and (not theirs or bool(theirs - mine))


def _listed(values: tuple[str, ...]) -> str:
    return f"choices {', '.join(values)}" if values else "no choices"


def _unread(where: str, *choices: object) -> Observation:
    why = next(text for text in choices if isinstance(text, str))
    todo = "Compare them by hand, and accept it in the contract."
    return Observation(
        where=where,
        found=f"has choices that are made at run time ({why})",
        expected="they could not be compared",
        todo=todo,
        severity="unseen",
        hurts="both",
    )


@rule("HO112")
def defaults(subject: Subject) -> Iterator[Observation]:
    """Defaults are equal.

    What is wrong
    -------------
    A row that gives no value gets another value in each system. Two functions of the projects' own are compared by
    their code and are risky.

    Why it hurts
    ------------
    New rows behave differently, depending on which system made them.

    Example
    -------
    `lent_at` has the default `timezone.now` in one and `datetime.now` in the other.

    Mend
    ----
    Write the default in the backend as in the original.

    ```python
    lent_at = models.DateTimeField(default=timezone.now)
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            by_one = (one.db_default is None) != (other.db_default is None)
            if one.default.same_as(other.default) and not by_one:
                continue
            if by_one and _given(one) == _given(other):
                continue  # one system writes what the other leaves to the database to fill in
            severity = _of_callables(one.default, other.default)
            yield differs(where, f"default {_given(one)}", f"default {_given(other)}", severity)


def _given(field: Field) -> str:
    """Return what a row gets: the default of Python goes before the one in the database."""
    nothing = field.default.stored()[0] == "none"
    return field.db_default if nothing and field.db_default is not None else str(field.default)


def _of_callables(one: Given, other: Given) -> Severity:
    """Two functions of a project's own may do the same; that cannot be told from outside."""
    own = one.kind == other.kind == "callable" and (one.source or other.source)
    return "risky" if own else "breaking"


@rule("HO115")
def automatic_times(subject: Subject) -> Iterator[Observation]:
    """Times are set by the same side of a save.

    What is wrong
    -------------
    `auto_now` or `auto_now_add` differs.

    Why it hurts
    ------------
    One system sets the time and the other keeps it, so "last changed" is right for one kind of change only.

    Example
    -------
    `updated_at` has `auto_now=True` in the original only.

    Mend
    ----
    Write the same options.

    ```python
    updated_at = models.DateTimeField(auto_now=True)
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if (one.auto_now, one.auto_now_add) != (other.auto_now, other.auto_now_add):
                yield differs(where, _times(one), _times(other))


def _times(field: Field) -> str:
    return f"auto_now={field.auto_now}, auto_now_add={field.auto_now_add}"


@rule("HO116")
def blanks(subject: Subject) -> Iterator[Observation]:
    """Forms ask for the same fields.

    What is wrong
    -------------
    `blank` of the two fields differs.

    Why it hurts
    ------------
    A form of one system accepts an empty field that the form of the other refuses, so a row cannot be saved there.

    Example
    -------
    `display_name` is `blank=True` in the backend.

    Mend
    ----
    Write the same value.

    ```python
    display_name = models.CharField(max_length=80, blank=True)
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if one.blank != other.blank:
                yield differs(where, f"blank={one.blank}", f"blank={other.blank}", "risky")


@rule("HO117")
def validators(subject: Subject) -> Iterator[Observation]:
    """Validators are equal.

    What is wrong
    -------------
    The validators of a field differ: another class, other arguments, or other code of the project's own.

    Why it hurts
    ------------
    A value that one system accepted is refused when the other edits the row.

    Example
    -------
    `MaxLengthValidator(20)` in the original, `MaxLengthValidator(21)` in the backend.

    Mend
    ----
    Write the same validators.

    ```python
    number = models.CharField(max_length=40, validators=[MaxLengthValidator(20)])
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if one.kind != other.kind and canonical_type(one.type) != canonical_type(other.type):
                continue
            lacking, extra = (
                Counter(one.validators) - Counter(other.validators),
                Counter(other.validators) - Counter(one.validators),
            )
            if lacking or extra:
                yield differs(where, ", ".join(lacking) or "none of them", ", ".join(extra) or "without them", "risky")


@rule("HO118")
def upload_paths(subject: Subject) -> Iterator[Observation]:
    """New files get the same names.

    What is wrong
    -------------
    `upload_to` differs: another text, or other code.

    Why it hurts
    ------------
    New files lie in other folders. Clean-up jobs, quotas and rights by folder miss them.

    Example
    -------
    `videos/%Y/%m` in the original, `videos` in the backend.

    Mend
    ----
    Write the same `upload_to`.

    ```python
    path = models.FileField(upload_to="videos/%Y/%m")
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if one.upload_to and other.upload_to and not one.upload_to.same_as(other.upload_to):
                yield differs(where, f"upload_to {one.upload_to}", f"upload_to {other.upload_to}", "risky")


@rule("HO119")
def names(subject: Subject) -> Iterator[Observation]:
    """Fields keep their names.

    What is wrong
    -------------
    One column has fields of two names.

    Why it hurts
    ------------
    Serializers, fixtures, forms and saved queries use the field's name, so data moves between the systems under two
    names.

    Example
    -------
    `order.owner` in the original is `order.user` in the backend, both on `user_id`.

    Mend
    ----
    Keep the name, or accept it after looking at what leaves the system by that name.

    ```python
    owner = models.ForeignKey(User, models.CASCADE, db_column="user_id")
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if one.name != other.name:
                yield differs(where, f"field {one.name}", f"field {other.name}", "risky")


@rule("HO121")
def lengths(subject: Subject) -> Iterator[Observation]:
    """Lengths that only Python checks are equal.

    What is wrong
    -------------
    The columns are of one type, and `max_length` differs: on a `TextField`, say, which the database does not limit.

    Why it hurts
    ------------
    A form of one system refuses a text that the other stored.

    Example
    -------
    `TextField(max_length=500)` in the original, without a limit in the backend.

    Mend
    ----
    Write the same length.

    ```python
    note = models.TextField(max_length=500)
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if one.max_length != other.max_length and canonical_type(one.type) == canonical_type(other.type):
                yield differs(where, f"max_length {one.max_length}", f"max_length {other.max_length}", "risky")
