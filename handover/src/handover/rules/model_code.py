"""Code of models and fields that runs at reads, saves, deletes and validations."""

from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.comparison import compared_pairs, differs
from handover.rules.registry import rule
from handover.schema.models import Given
from handover.schema.subject import Subject


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
    for pair in compared_pairs(subject):
        if not _same_code(pair.original.checks, pair.backend.checks):
            shown = _named(pair.original.checks), _named(pair.backend.checks)
            yield differs(str(pair.table), *shown, "risky")


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
    for pair in compared_pairs(subject):
        if pair.original.ordering != pair.backend.ordering:
            original, backend = (", ".join(m.ordering) or "none" for m in (pair.original, pair.backend))
            yield differs(str(pair.table), f"ordering {original}", f"ordering {backend}", "risky")
        if pair.original.latest_by != pair.backend.latest_by:
            original, backend = (", ".join(m.latest_by) or "none" for m in (pair.original, pair.backend))
            yield differs(str(pair.table), f"get_latest_by {original}", f"get_latest_by {backend}", "risky")


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
    for pair in compared_pairs(subject):
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
                yield differs(str(pair.table), f"{reads} {one}", f"{reads} {other}")


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
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if not _same_code(one.converts, other.converts):
                yield differs(where, _named(one.converts), _named(other.converts), "risky")


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
    for pair in compared_pairs(subject):
        one, other = pair.original, pair.backend
        if not _same_code(one.writes, other.writes):
            yield differs(str(pair.table), _named(one.writes), _named(other.writes), "risky")
    for pair in subject.pairs:  # those of many-to-many fields are listened to as well
        yield from _listeners(str(pair.table), pair.original.signals, pair.backend.signals)


@rule("HO126")
def library_options(subject: Subject) -> Iterator[Observation]:
    """Models give a library the same options.

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
    for pair in compared_pairs(subject):
        one, other = dict(pair.original.library), dict(pair.backend.library)
        for name in sorted(one.keys() & other.keys()):
            if one[name] != other[name]:
                original, backend = (f"{name} = {values[name].partition(':')[2]}" for values in (one, other))
                yield differs(str(pair.table), original, backend, "risky")


def _listeners(where: str, one: tuple[Given, ...], other: tuple[Given, ...]) -> Iterator[Observation]:
    """Compare who listens; of a long list only what differs."""
    alone, other_alone = (
        [g for g in here if not any(g.same_as(o) for o in there)] for here, there in ((one, other), (other, one))
    )
    if alone or other_alone:
        yield differs(where, _listener(alone), _listener(other_alone), "risky")


def _same_code(one: tuple[Given, ...], other: tuple[Given, ...]) -> bool:
    return len(one) == len(other) and all(a.same_as(b) for a, b in zip(one, other, strict=True))


def _listener(alone: list[Given]) -> str:
    return f"a listener to {', '.join(map(str, alone))}" if alone else "no such listener"


def _named(code: tuple[Given, ...]) -> str:
    return f"code of its own: {', '.join(map(str, code))}" if code else "Django's own code"
