"""Options of fields and relations: the rows they offer, the table of their links, what a delete takes along."""

from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.comparison import COPY, compared_pairs
from handover.rules.registry import rule
from handover.schema.models import Generic, ManyToMany, Model
from handover.schema.subject import Pair, Subject


def _differs(where: str, original: object, backend: object, severity: Severity) -> Observation:
    found, expected = f"is {backend} in the backend", f"the original has {original}"
    return Observation(where=where, found=found, expected=expected, todo=COPY, severity=severity, hurts="both")


def _many_to_many(pair: Pair) -> Iterator[tuple[ManyToMany, ManyToMany, str]]:
    """Yield the two many-to-many fields of each name that both have, with its place."""
    others = {field.name: field for field in pair.backend.many_to_many}
    for one in pair.original.many_to_many:
        if one.name in others:
            yield one, others[one.name], f"{pair.table}.{one.name}"


@rule("HO134")
def options(subject: Subject) -> Iterator[Observation]:
    """Fields have the same options.

    What is wrong
    -------------
    Two fields of one class have different options that the other rules do not compare: `max_digits`, `protocol`,
    `encoder`, an option of the project's own.

    Why it hurts
    ------------
    The two accept or store different values.

    Example
    -------
    `GenericIPAddressField(protocol="IPv4")` in the original, `"both"` in the backend.

    Mend
    ----
    Write the same options.

    ```python
    address = models.GenericIPAddressField(protocol="IPv4")
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            # Of two classes, HO110 and HO124 report what differs; an option of one class may not exist in the other.
            if one.class_name != other.class_name or one.options == other.options:
                continue
            names = sorted(name for name in {**one.options, **other.options} if _of(one.options, other.options, name))
            yield _differs(where, _listed(one.options, names), _listed(other.options, names), "risky")


def _of(one: dict[str, str], other: dict[str, str], name: str) -> bool:
    return one.get(name) != other.get(name)


def _listed(options: dict[str, str], names: list[str]) -> str:
    return ", ".join(f"{name}={options[name]}" if name in options else f"without {name}" for name in names)


@rule("HO135")
def limits(subject: Subject) -> Iterator[Observation]:
    """Relations offer the same rows.

    What is wrong
    -------------
    `limit_choices_to` of the two relations differs.

    Why it hurts
    ------------
    Forms of one system offer rows that the other refuses.

    Example
    -------
    `limit_choices_to={"is_staff": True}` in the original only.

    Mend
    ----
    Write the same limit.

    ```python
    teacher = models.ForeignKey(User, models.PROTECT, limit_choices_to={"is_staff": True})
    ```
    """
    for pair in compared_pairs(subject):
        relations = [(one.relation, other.relation, where) for one, other, where in pair.fields()]
        limits = [(one.limit, other.limit, where) for one, other, where in relations if one and other]
        limits += [(one.limit, other.limit, where) for one, other, where in _many_to_many(pair)]
        for one, other, where in limits:
            if not one.same_as(other):
                shown = f"limit_choices_to {one}", f"limit_choices_to {other}"
                yield _differs(where, *shown, "risky")


@rule("HO136")
def many_to_many(subject: Subject) -> Iterator[Observation]:
    """Many-to-many relations are kept in the same rows.

    What is wrong
    -------------
    The two fields keep their links in different tables or columns, or one is symmetrical and the other is not.

    Why it hurts
    ------------
    Links that one system makes do not exist for the other.

    Example
    -------
    `shop_orders_tags` in the original, `orders_tags` in the backend.

    Mend
    ----
    Name the original's table, or the same `through` model.

    ```python
    tags = models.ManyToManyField(Tag, db_table="shop_orders_tags")
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in _many_to_many(pair):
            if _last(one.table) != _last(other.table):
                yield _differs(where, f"kept in {one.table}", f"kept in {other.table}", "breaking")
            elif one.columns != other.columns:
                yield _differs(where, _ends(one), _ends(other), "breaking")
            elif one.symmetrical != other.symmetrical:
                yield _differs(where, _symmetry(one), _symmetry(other), "breaking")


def _last(table: str) -> str:
    """Return a table's name without the schema that a model may have written before it."""
    return table.rpartition('"."')[2].strip('"')


def _ends(field: ManyToMany) -> str:
    return f"a relation from {field.columns[0]} to {field.columns[1]}" if field.columns else "a relation"


def _symmetry(field: ManyToMany) -> str:
    return "symmetrical: two rows a pair" if field.symmetrical else "one way: one row a pair"


@rule("HO138")
def generic(subject: Subject) -> Iterator[Observation]:
    """Deletes take the same rows along by content type.

    What is wrong
    -------------
    A `GenericRelation` is in one system's model only, or points at other columns; or a generic key goes by the proxy
    in one and by the concrete model in the other.

    Why it hurts
    ------------
    A delete leaves rows behind that no constraint reports: comments or tags of things that are gone.

    Example
    -------
    The original's `Video` has `comments = GenericRelation(Comment)`, the backend's has none.

    Mend
    ----
    Write the same relation.

    ```python
    comments = GenericRelation("comments.Comment")
    ```
    """
    for pair in compared_pairs(subject):
        lacking, extra = (_cascades(m) for m in (pair.original, pair.backend))
        if lacking != extra:
            yield _differs(str(pair.table), _to(lacking), _to(extra), "breaking")
        keys = {field.columns: field for field in pair.backend.generic if not field.table}
        for key in (field for field in pair.original.generic if not field.table):
            twin = keys.get(key.columns)
            if twin and twin.concrete != key.concrete:
                where = f"{pair.table}.{', '.join(key.columns)}"
                yield _differs(where, _kind(key), _kind(twin), "breaking")


def _to(names: set[str]) -> str:
    return f"a GenericRelation to {', '.join(sorted(names))}" if names else "a model without a GenericRelation"


def _cascades(model: Model) -> set[str]:
    return {f"{_last(field.table)} ({', '.join(field.columns)})" for field in model.generic if field.table}


def _kind(field: Generic) -> str:
    return "a key by the concrete model" if field.concrete else "a key by the proxy"
