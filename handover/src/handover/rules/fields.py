"""What only Python knows of a field, and the two systems must agree on."""

from collections import Counter
from collections.abc import Iterator

from handover.finding import Finding, Hurts, Severity
from handover.rules.foreign_keys import DELETING, FITTING
from handover.rules.registry import rule
from handover.schema.models import Field, Given, by_code
from handover.schema.subject import Pair, Subject
from handover.schema.types import canonical_type
from handover.side import Side
from handover.wording import apart

COPY = "Write it in the backend's model as in the original's."
# Kinds that differ in what a form accepts, not in what is stored.
FEW = 8  # lists of that many are shown whole
TEXTUAL = frozenset({"CharField", "SlugField", "FilePathField", "TextField"})


def _differs(
    code: str, where: str, original: object, backend: object, severity: Severity = "breaking", hurts: Hurts = "both"
) -> Finding:
    ours, theirs = apart(str(backend), str(original))
    return Finding(
        code=code,
        where=where,
        found=f"is {ours} in the backend",
        expected=f"the original has {theirs}",
        todo=COPY,
        severity=severity,
        hurts=hurts,
    )


def _pairs(subject: Subject) -> Iterator[Pair]:
    return (pair for pair in subject.pairs if not pair.automatic)


@rule("HO110", "Kinds of field are equal")
def kinds(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            # A type that differs is told by the live column already.
            if canonical_type(one.type) != canonical_type(other.type):
                continue
            if one.depth() != other.depth():
                yield _differs("HO110", where, _nested(one), _nested(other))
            if one.kind == other.kind:
                continue
            severity: Severity = "risky" if {one.kind, other.kind} <= TEXTUAL else "breaking"
            yield _differs("HO110", where, f"a {one.kind}", f"a {other.kind}", severity)


def _nested(field: Field) -> str:
    return f"an array within arrays, {field.depth()} deep" if field.depth() > 1 else "no array within arrays"


@rule("HO111", "Choices are equal")
def choices(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
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


def _other_choices(where: str, one: tuple[str, ...], other: tuple[str, ...]) -> Finding:
    """Return the two lists, of long ones only the difference."""
    hurts = _whom(set(one), set(other))
    if min(len(set(one)), len(set(other))) <= FEW:
        return _differs("HO111", where, _listed(one), _listed(other), hurts=hurts)
    lacks = [f"it lacks {value!r}" for value in one if value not in other]
    adds = [f"it adds {value!r}" for value in other if value not in one]
    found, expected = "has other choices in the backend", f"the original has {len(one)}"
    return Finding(
        code="HO111", where=where, found=found, expected=expected, todo=COPY, hurts=hurts, parts=(*lacks, *adds)
    )


def _whom(originals: set[str], backends: set[str]) -> Hurts:
    """Say who meets values that it does not know: whoever has fewer choices; no choices at all means any value."""
    if _meets(originals, backends) == _meets(backends, originals):
        return "both"
    return Side.ORIGINAL if _meets(originals, backends) else Side.BACKEND


def _meets(mine: set[str], theirs: set[str]) -> bool:
    return bool(mine) and (not theirs or bool(theirs - mine))


def _listed(values: tuple[str, ...]) -> str:
    return f"choices {', '.join(values)}" if values else "no choices"


def _unread(where: str, *choices: object) -> Finding:
    why = next(text for text in choices if isinstance(text, str))
    todo = "Compare them by hand, and accept it in the contract."
    return Finding(
        code="HO111",
        where=where,
        found=f"has choices that are made at run time ({why})",
        expected="nobody could compare them",
        todo=todo,
        severity="unseen",
        hurts="both",
    )


@rule("HO112", "Defaults are equal")
def defaults(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            by_one = (one.db_default is None) != (other.db_default is None)
            if one.default.same_as(other.default) and not by_one:
                continue
            if by_one and _given(one) == _given(other):
                continue  # one system writes what the other leaves to the database to fill in
            severity = _of_callables(one.default, other.default)
            yield _differs("HO112", where, f"default {_given(one)}", f"default {_given(other)}", severity)


def _given(field: Field) -> str:
    """Return what a row gets: the default of Python goes before the one in the database."""
    nothing = field.default.stored()[0] == "none"
    return field.db_default if nothing and field.db_default is not None else str(field.default)


def _of_callables(one: Given, other: Given) -> Severity:
    """Two functions of a project's own may do the same; nobody can tell from outside."""
    own = one.kind == other.kind == "callable" and (one.source or other.source)
    return "risky" if own else "breaking"


@rule("HO113", "Related names are equal")
def related_names(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            names = [(f.relation.accessor, f.relation.query_name) for f in (one, other) if f.relation]
            if names[0] != names[1] and not all(query.endswith("+") for _, query in names):
                yield _differs("HO113", where, _names(*names[0]), _names(*names[1]))
        backends = {field.table: field for field in pair.backend.many_to_many}
        for field in pair.original.many_to_many:
            twin = backends.get(field.table)
            if not twin or (field.query_name.endswith("+") and twin.query_name.endswith("+")):
                continue  # no name leads back, whatever it is called
            if (field.accessor, field.query_name) != (twin.accessor, twin.query_name):
                yield _differs(
                    "HO113",
                    f"{pair.table}.{field.name}",
                    _names(field.accessor, field.query_name),
                    _names(twin.accessor, twin.query_name),
                )


def _names(accessor: str | None, query_name: str) -> str:
    return f"reverse name {accessor or 'none'} (in queries {query_name})"


@rule("HO114", "Deletes do the same")
def deletes(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        actions = {key.columns: key.on_delete for key in pair.table.foreign_keys()}
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            if not one.relation.sets.same_as(other.relation.sets):
                yield _differs("HO114", where, f"SET({one.relation.sets})", f"SET({other.relation.sets})")
            if one.relation.on_delete == other.relation.on_delete:
                continue
            both = {one.relation.on_delete, other.relation.on_delete}
            action = actions.get((one.column,), "")
            if action not in DELETING or not both <= set(FITTING[action]):
                yield _differs(
                    "HO114", where, f"on_delete {one.relation.on_delete}", f"on_delete {other.relation.on_delete}"
                )


@rule("HO115", "Times are set by the same side of a save")
def automatic_times(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if (one.auto_now, one.auto_now_add) != (other.auto_now, other.auto_now_add):
                yield _differs("HO115", where, _times(one), _times(other))


def _times(field: Field) -> str:
    return f"auto_now={field.auto_now}, auto_now_add={field.auto_now_add}"


@rule("HO116", "Forms ask for the same fields")
def blanks(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.blank != other.blank:
                yield _differs("HO116", where, f"blank={one.blank}", f"blank={other.blank}", "risky")


@rule("HO117", "Validators are equal")
def validators(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.kind != other.kind and canonical_type(one.type) != canonical_type(other.type):
                continue
            lacking, extra = (
                Counter(one.validators) - Counter(other.validators),
                Counter(other.validators) - Counter(one.validators),
            )
            if lacking or extra:
                yield _differs(
                    "HO117", where, ", ".join(lacking) or "none of them", ", ".join(extra) or "without them", "risky"
                )


@rule("HO146", "Models are validated by the same code")
def model_validation(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        if not _same_code(pair.original.checks, pair.backend.checks):
            shown = _named(pair.original.checks), _named(pair.backend.checks)
            yield _differs("HO146", str(pair.table), *shown, "risky")


@rule("HO118", "New files get the same names")
def upload_paths(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.upload_to and other.upload_to and not one.upload_to.same_as(other.upload_to):
                yield _differs("HO118", where, f"upload_to {one.upload_to}", f"upload_to {other.upload_to}", "risky")


@rule("HO119", "Fields keep their names")
def names(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.name != other.name:
                yield _differs("HO119", where, f"field {one.name}", f"field {other.name}", "risky")


@rule("HO120", "Lists come in the same order")
def ordering(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        if pair.original.ordering != pair.backend.ordering:
            original, backend = (", ".join(m.ordering) or "none" for m in (pair.original, pair.backend))
            yield _differs("HO120", str(pair.table), f"ordering {original}", f"ordering {backend}", "risky")
        if pair.original.latest_by != pair.backend.latest_by:
            original, backend = (", ".join(m.latest_by) or "none" for m in (pair.original, pair.backend))
            yield _differs("HO120", str(pair.table), f"get_latest_by {original}", f"get_latest_by {backend}", "risky")


@rule("HO121", "Lengths that only Python checks are equal")
def lengths(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.max_length != other.max_length and canonical_type(one.type) == canonical_type(other.type):
                yield _differs(
                    "HO121", where, f"max_length {one.max_length}", f"max_length {other.max_length}", "risky"
                )


@rule("HO122", "Relations point at the same table")
def targets(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            if one.relation.to_table != other.relation.to_table:
                yield _differs(
                    "HO122", where, f"a key to {one.relation.to_table}", f"a key to {other.relation.to_table}"
                )
            elif one.references and other.references and one.references[1] != other.references[1]:
                shown = f"a key to {'.'.join(one.references)}", f"a key to {'.'.join(other.references)}"
                yield _differs("HO122", where, *shown)
            elif one.relation.parent_link != other.relation.parent_link:
                yield _differs("HO122", where, _link(one), _link(other))


def _link(field: Field) -> str:
    return "the link to its parent model" if field.relation and field.relation.parent_link else "an ordinary relation"


@rule("HO123", "Managers find the same rows")
def managers(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for name, one, other in zip(("default", "base"), pair.original.rows, pair.backend.rows, strict=True):
            if one is None or other is None:
                found = f"has a {name} manager that Django could not turn into SQL"
                todo = "Compare the two managers by hand, and accept it in the contract."
                yield Finding(
                    code="HO123",
                    where=str(pair.table),
                    found=found,
                    expected="nobody could compare them",
                    todo=todo,
                    severity="unseen",
                    hurts="both",
                )
            elif one != other:
                reads = f"a {name} manager that reads FROM"
                yield _differs("HO123", str(pair.table), f"{reads} {one}", f"{reads} {other}")


@rule("HO124", "Values are converted by the same code")
def conversions(subject: Subject) -> Iterator[Finding]:
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if not _same_code(one.converts, other.converts):
                yield _differs("HO124", where, _named(one.converts), _named(other.converts), "risky")


@rule("HO125", "Saves and deletes run the same code")
def writes(subject: Subject) -> Iterator[Finding]:
    everywhere = [side.description.settings.listeners for side in subject.both or ()]
    if everywhere:
        yield from _listeners("every model", *everywhere)
    for pair in _pairs(subject):
        one, other = pair.original, pair.backend
        if not _same_code(one.writes, other.writes):
            yield _differs("HO125", str(pair.table), _named(one.writes), _named(other.writes), "risky")
    for pair in subject.pairs:  # those of many-to-many fields are listened to as well
        yield from _listeners(str(pair.table), pair.original.signals, pair.backend.signals)


@rule("HO126", "Libraries are told the same of a model")
def library_options(subject: Subject) -> Iterator[Finding]:
    """A tree with another step or order, say, is damaged by the first write; an option of one version alone is not."""
    for pair in _pairs(subject):
        one, other = dict(pair.original.library), dict(pair.backend.library)
        for name in sorted(one.keys() & other.keys()):
            if one[name] != other[name]:
                original, backend = (f"{name} = {values[name].partition(':')[2]}" for values in (one, other))
                yield _differs("HO126", str(pair.table), original, backend, "risky")


def _listeners(where: str, one: tuple[Given, ...], other: tuple[Given, ...]) -> Iterator[Finding]:
    """Compare who listens; of a long list only what differs."""
    alone, other_alone = (
        [g for g in here if not any(g.same_as(o) for o in there)] for here, there in ((one, other), (other, one))
    )
    if alone or other_alone:
        yield _differs("HO125", where, _listener(alone), _listener(other_alone), "risky")


def _same_code(one: tuple[Given, ...], other: tuple[Given, ...]) -> bool:
    return len(one) == len(other) and all(a.same_as(b) for a, b in zip(one, other, strict=True))


def _listener(alone: list[Given]) -> str:
    return f"a listener to {', '.join(map(str, alone))}" if alone else "no such listener"


def _named(code: tuple[Given, ...]) -> str:
    return f"code of its own: {', '.join(map(str, code))}" if code else "Django's own code"
