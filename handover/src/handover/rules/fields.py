"""What only Python knows of a field, and the two systems must agree on."""

from collections import Counter
from collections.abc import Iterator

from handover.finding import Hurts, Observation, Severity
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
    where: str, original: object, backend: object, severity: Severity = "breaking", hurts: Hurts = "both"
) -> Observation:
    ours, theirs = apart(str(backend), str(original))
    return Observation(
        where=where,
        found=f"is {ours} in the backend",
        expected=f"the original has {theirs}",
        todo=COPY,
        severity=severity,
        hurts=hurts,
    )


def _pairs(subject: Subject) -> Iterator[Pair]:
    return (pair for pair in subject.pairs if not pair.automatic)


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
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            # A type that differs is told by the live column already.
            if canonical_type(one.type) != canonical_type(other.type):
                continue
            if one.depth() != other.depth():
                yield _differs(where, _nested(one), _nested(other))
            if one.kind == other.kind:
                continue
            severity: Severity = "risky" if {one.kind, other.kind} <= TEXTUAL else "breaking"
            yield _differs(where, f"a {one.kind}", f"a {other.kind}", severity)


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


def _other_choices(where: str, one: tuple[str, ...], other: tuple[str, ...]) -> Observation:
    """Return the two lists, of long ones only the difference."""
    hurts = _hurt_by(set(one), set(other))
    if min(len(set(one)), len(set(other))) <= FEW:
        return _differs(where, _listed(one), _listed(other), hurts=hurts)
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
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            by_one = (one.db_default is None) != (other.db_default is None)
            if one.default.same_as(other.default) and not by_one:
                continue
            if by_one and _given(one) == _given(other):
                continue  # one system writes what the other leaves to the database to fill in
            severity = _of_callables(one.default, other.default)
            yield _differs(where, f"default {_given(one)}", f"default {_given(other)}", severity)


def _given(field: Field) -> str:
    """Return what a row gets: the default of Python goes before the one in the database."""
    nothing = field.default.stored()[0] == "none"
    return field.db_default if nothing and field.db_default is not None else str(field.default)


def _of_callables(one: Given, other: Given) -> Severity:
    """Two functions of a project's own may do the same; that cannot be told from outside."""
    own = one.kind == other.kind == "callable" and (one.source or other.source)
    return "risky" if own else "breaking"


@rule("HO113")
def related_names(subject: Subject) -> Iterator[Observation]:
    """Related names are equal.

    What is wrong
    -------------
    The name that leads back along a relation, or the name used in queries, differs.

    Why it hurts
    ------------
    Code and templates that use the name fail with `AttributeError` or `FieldError`.

    Example
    -------
    `related_name="tasks"` in the original; the backend has none, so it is `task_set`.

    Mend
    ----
    Write the same names.

    ```python
    user = models.ForeignKey(User, models.CASCADE, related_name="tasks", related_query_name="task")
    ```
    """
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            names = [(f.relation.accessor, f.relation.query_name) for f in (one, other) if f.relation]
            if names[0] != names[1] and not all(query.endswith("+") for _, query in names):
                yield _differs(where, _names(*names[0]), _names(*names[1]))
        backends = {field.table: field for field in pair.backend.many_to_many}
        for field in pair.original.many_to_many:
            twin = backends.get(field.table)
            if not twin or (field.query_name.endswith("+") and twin.query_name.endswith("+")):
                continue  # no name leads back, whatever it is called
            if (field.accessor, field.query_name) != (twin.accessor, twin.query_name):
                yield _differs(
                    f"{pair.table}.{field.name}",
                    _names(field.accessor, field.query_name),
                    _names(twin.accessor, twin.query_name),
                )


def _names(accessor: str | None, query_name: str) -> str:
    return f"reverse name {accessor or 'none'} (in queries {query_name})"


@rule("HO114")
def deletes(subject: Subject) -> Iterator[Observation]:
    """Deletes do the same.

    What is wrong
    -------------
    `on_delete`, or the value of `SET(…)`, differs, and the database does not decide it for both.

    Why it hurts
    ------------
    A delete on one system takes rows along, and on the other it empties a column or is refused.

    Example
    -------
    `CASCADE` in the original, `PROTECT` in the backend: accounts can no longer be deleted.

    Mend
    ----
    Write the same `on_delete`.

    ```python
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    ```
    """
    for pair in _pairs(subject):
        actions = {key.columns: key.on_delete for key in pair.table.foreign_keys()}
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            if not one.relation.sets.same_as(other.relation.sets):
                yield _differs(where, f"SET({one.relation.sets})", f"SET({other.relation.sets})")
            if one.relation.on_delete == other.relation.on_delete:
                continue
            both = {one.relation.on_delete, other.relation.on_delete}
            action = actions.get((one.column,), "")
            if action not in DELETING or not both <= set(FITTING[action]):
                yield _differs(where, f"on_delete {one.relation.on_delete}", f"on_delete {other.relation.on_delete}")


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
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if (one.auto_now, one.auto_now_add) != (other.auto_now, other.auto_now_add):
                yield _differs(where, _times(one), _times(other))


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
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.blank != other.blank:
                yield _differs(where, f"blank={one.blank}", f"blank={other.blank}", "risky")


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
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.kind != other.kind and canonical_type(one.type) != canonical_type(other.type):
                continue
            lacking, extra = (
                Counter(one.validators) - Counter(other.validators),
                Counter(other.validators) - Counter(one.validators),
            )
            if lacking or extra:
                yield _differs(where, ", ".join(lacking) or "none of them", ", ".join(extra) or "without them", "risky")


@rule("HO146")
def model_validation(subject: Subject) -> Iterator[Observation]:
    """Models are validated by the same code.

    What is wrong
    -------------
    `clean()`, `clean_fields()`, `full_clean()` or `validate_unique()` of the two models is not the same code.

    Why it hurts
    ------------
    Forms of one system accept a row that the other refuses.

    Example
    -------
    The original's `clean()` demands an end after the start; the backend has none.

    Mend
    ----
    Copy the method, or accept it after reading both.

    ```console
    $ handover contract accept HO146 lessons --because "the backend validates in its serializer"
    ```
    """
    for pair in _pairs(subject):
        if not _same_code(pair.original.checks, pair.backend.checks):
            shown = _named(pair.original.checks), _named(pair.backend.checks)
            yield _differs(str(pair.table), *shown, "risky")


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
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.upload_to and other.upload_to and not one.upload_to.same_as(other.upload_to):
                yield _differs(where, f"upload_to {one.upload_to}", f"upload_to {other.upload_to}", "risky")


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
    `task.owner` in the original is `task.user` in the backend, both on `user_id`.

    Mend
    ----
    Keep the name, or accept it after looking at what leaves the system by that name.

    ```python
    owner = models.ForeignKey(User, models.CASCADE, db_column="user_id")
    ```
    """
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.name != other.name:
                yield _differs(where, f"field {one.name}", f"field {other.name}", "risky")


@rule("HO120")
def ordering(subject: Subject) -> Iterator[Observation]:
    """Lists come in the same order.

    What is wrong
    -------------
    `Meta.ordering` or `get_latest_by` differs.

    Why it hurts
    ------------
    Lists, pages and `latest()` give other rows.

    Example
    -------
    `["-total", "number"]` in the original, `["number"]` in the backend.

    Mend
    ----
    Write the same option.

    ```python
    class Meta:
        ordering = ["-total", "number"]
    ```
    """
    for pair in _pairs(subject):
        if pair.original.ordering != pair.backend.ordering:
            original, backend = (", ".join(m.ordering) or "none" for m in (pair.original, pair.backend))
            yield _differs(str(pair.table), f"ordering {original}", f"ordering {backend}", "risky")
        if pair.original.latest_by != pair.backend.latest_by:
            original, backend = (", ".join(m.latest_by) or "none" for m in (pair.original, pair.backend))
            yield _differs(str(pair.table), f"get_latest_by {original}", f"get_latest_by {backend}", "risky")


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
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if one.max_length != other.max_length and canonical_type(one.type) == canonical_type(other.type):
                yield _differs(where, f"max_length {one.max_length}", f"max_length {other.max_length}", "risky")


@rule("HO122")
def targets(subject: Subject) -> Iterator[Observation]:
    """Relations point at the same table.

    What is wrong
    -------------
    A foreign key points at another table or column in each system, or is the link to a parent model in one only.

    Why it hurts
    ------------
    Following the relation finds other rows, or none.

    Example
    -------
    `customer` points at `shop_customers` in one and at `users` in the other.

    Mend
    ----
    Let both point at the same model.

    ```python
    customer = models.ForeignKey("shop.Customer", models.PROTECT)
    ```
    """
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            if one.relation.to_table != other.relation.to_table:
                yield _differs(where, f"a key to {one.relation.to_table}", f"a key to {other.relation.to_table}")
            elif one.references and other.references and one.references[1] != other.references[1]:
                shown = f"a key to {'.'.join(one.references)}", f"a key to {'.'.join(other.references)}"
                yield _differs(where, *shown)
            elif one.relation.parent_link != other.relation.parent_link:
                yield _differs(where, _link(one), _link(other))


def _link(field: Field) -> str:
    return "the link to its parent model" if field.relation and field.relation.parent_link else "an ordinary relation"


@rule("HO123")
def managers(subject: Subject) -> Iterator[Observation]:
    """Managers find the same rows.

    What is wrong
    -------------
    The SQL of the default manager, or of the base manager, differs. A manager that Django could not turn into SQL is
    `unseen`.

    Why it hurts
    ------------
    Rows are hidden by one system, so lists, counts and relations differ.

    Example
    -------
    The backend's manager adds `WHERE deleted_at IS NULL`.

    Mend
    ----
    Make the default manager plain, and hide rows where they are listed.

    ```python
    objects = models.Manager()
    ```
    """
    for pair in _pairs(subject):
        for name, one, other in zip(("default", "base"), pair.original.rows, pair.backend.rows, strict=True):
            if one is None or other is None:
                found = f"has a {name} manager that Django could not turn into SQL"
                todo = "Compare the two managers by hand, and accept it in the contract."
                yield Observation(
                    where=str(pair.table),
                    found=found,
                    expected="they could not be compared",
                    todo=todo,
                    severity="unseen",
                    hurts="both",
                )
            elif one != other:
                reads = f"a {name} manager that reads FROM"
                yield _differs(str(pair.table), f"{reads} {one}", f"{reads} {other}")


@rule("HO124")
def conversions(subject: Subject) -> Iterator[Observation]:
    """Values are converted by the same code.

    What is wrong
    -------------
    `from_db_value`, `to_python`, `get_prep_value` or the like is not the same code.

    Why it hurts
    ------------
    The same stored value means something else, or is stored in another form.

    Example
    -------
    The original's field encrypts, the backend's does not.

    Mend
    ----
    Use the same field class in both systems, in the same version.

    ```console
    $ pip freeze | grep -i fields
    ```
    """
    for pair in _pairs(subject):
        for one, other, where in pair.fields():
            if not _same_code(one.converts, other.converts):
                yield _differs(where, _named(one.converts), _named(other.converts), "risky")


@rule("HO125")
def writes(subject: Subject) -> Iterator[Observation]:
    """Saves and deletes run the same code.

    What is wrong
    -------------
    `save()`, `delete()` or a listener to a signal of the model differs, or listens in one system only.

    Why it hurts
    ------------
    What happens along with a save (a counter, a mail, a log entry) happens in one system only.

    Example
    -------
    The original has a `post_save` receiver that makes a profile; the backend has none.

    Mend
    ----
    Do the same in the backend, or accept it after reading both.

    ```python
    @receiver(post_save, sender=User)
    def make_profile(sender, instance, created, **kwargs):
        if created:
            Profile.objects.create(user=instance)
    ```
    """
    everywhere = [side.description.settings.listeners for side in subject.both or ()]
    if everywhere:
        yield from _listeners("every model", *everywhere)
    for pair in _pairs(subject):
        one, other = pair.original, pair.backend
        if not _same_code(one.writes, other.writes):
            yield _differs(str(pair.table), _named(one.writes), _named(other.writes), "risky")
    for pair in subject.pairs:  # those of many-to-many fields are listened to as well
        yield from _listeners(str(pair.table), pair.original.signals, pair.backend.signals)


@rule("HO126")
def library_options(subject: Subject) -> Iterator[Observation]:
    """Libraries are told the same of a model.

    What is wrong
    -------------
    An option that a library reads from the model (the classes of a tree, of a history or of tags) has another value.
    An option that only one version of the library has does not count.

    Why it hurts
    ------------
    A tree with another step or order is damaged by the first write.

    Example
    -------
    `TreeMeta.step` is 5 in the original and 10 in the backend.

    Mend
    ----
    Write the same options, and use the same version of the library.

    ```python
    class TreeMeta:
        step = 5
    ```
    """
    for pair in _pairs(subject):
        one, other = dict(pair.original.library), dict(pair.backend.library)
        for name in sorted(one.keys() & other.keys()):
            if one[name] != other[name]:
                original, backend = (f"{name} = {values[name].partition(':')[2]}" for values in (one, other))
                yield _differs(str(pair.table), original, backend, "risky")


def _listeners(where: str, one: tuple[Given, ...], other: tuple[Given, ...]) -> Iterator[Observation]:
    """Compare who listens; of a long list only what differs."""
    alone, other_alone = (
        [g for g in here if not any(g.same_as(o) for o in there)] for here, there in ((one, other), (other, one))
    )
    if alone or other_alone:
        yield _differs(where, _listener(alone), _listener(other_alone), "risky")


def _same_code(one: tuple[Given, ...], other: tuple[Given, ...]) -> bool:
    return len(one) == len(other) and all(a.same_as(b) for a, b in zip(one, other, strict=True))


def _listener(alone: list[Given]) -> str:
    return f"a listener to {', '.join(map(str, alone))}" if alone else "no such listener"


def _named(code: tuple[Given, ...]) -> str:
    return f"code of its own: {', '.join(map(str, code))}" if code else "Django's own code"
