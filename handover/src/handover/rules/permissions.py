"""Content types and permissions: what people were granted on one system holds on the other."""

from collections.abc import Iterator

from handover.finding import Observation, SharedCause
from handover.rules.registry import rule
from handover.schema.models import Model
from handover.schema.subject import DescribedSystem, Pair, Subject
from handover.wording import counted


@rule("HO210")
def labels(subject: Subject) -> Iterator[Observation]:
    """Models of one table have one label.

    What is wrong
    -------------
    The two models have another app label or model name. It is risky only if the original's label is a proxy in the
    backend.

    Why it hurts
    ------------
    Content types, permissions, grants and log entries go by the label, so they do not carry over.

    Example
    -------
    `users.User` in the original is `authentication.User` in the backend.

    Mend
    ----
    Set the label, and the model's name, as in the original.

    ```python
    class AuthenticationConfig(AppConfig):
        name = "apps.authentication"
        label = "users"
    ```
    """
    for pair in subject.pairs:
        one, other = ((m.app_label, m.model_name) for m in (pair.original, pair.backend))
        if one != other and not pair.automatic and one in {(m.app_label, m.model_name) for m in _on(subject, pair)[1]}:
            # Permissions and log entries go by the proxy's name, relations by content type by its concrete model's.
            found = f"is {'.'.join(other)} in the backend, and {'.'.join(one)} but a proxy of it"
            expected = "a relation by content type names the concrete model, so neither would find the other's"
            todo = "Accept it if no generic relation points here; else set for_concrete_model=False in both."
            yield Observation(
                where=str(pair.table),
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts="both",
            )
        elif one != other and not pair.automatic:
            found = f"is {'.'.join(other)} in the backend"
            expected = f"the original has {'.'.join(one)}: permissions, grants and log entries do not carry over"
            todo = "Set AppConfig.label or Meta.app_label, and the model's name, as in the original."
            yield Observation(where=str(pair.table), found=found, expected=expected, todo=todo, hurts="both")


def _on(subject: Subject, pair: Pair) -> tuple[list[Model], ...]:
    """Return what each system has on a pair's table: the model and its proxies."""
    models = {"original": pair.original, "backend": pair.backend}
    return tuple(
        [m for m in system.description.models if m.table == models[system.side].table] for system in subject.both or ()
    )


@rule("HO211")
def codenames(subject: Subject) -> Iterator[Observation]:
    """Models of one table have the same permissions.

    What is wrong
    -------------
    A permission is declared by one system's model only.

    Why it hurts
    ------------
    A grant on one system means nothing on the other.

    Example
    -------
    The original has `permissions = [("publish", "Can publish")]`; the backend has none.

    Mend
    ----
    Write `permissions` and `default_permissions` as in the original.

    ```python
    class Meta:
        permissions = [("publish", "Can publish")]
    ```
    """
    for pair in subject.pairs:
        # What a model grants may stand with a proxy of it in the other system.
        known = [{name for m in models for name, _ in m.permissions} for models in _on(subject, pair)]
        one, other = ({name for name, _ in m.permissions} for m in (pair.original, pair.backend))
        unknown = (one - known[1]) | (other - known[0])
        if unknown and not pair.automatic:
            found = f"has permissions that one system does not know: {', '.join(sorted(unknown))}"
            expected = "a grant on one is nothing on the other"
            todo = "Write Meta.permissions and default_permissions as in the original."
            yield Observation(
                where=str(pair.table),
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts="both",
            )


@rule("HO212")
def missing_rows(subject: Subject) -> Iterator[Observation]:
    """Permissions can be granted.

    What is wrong
    -------------
    A model's content type, or one of its permissions, has no row.

    Why it hurts
    ------------
    The system checks a permission that cannot be granted to anyone, so only superusers pass.

    Example
    -------
    The table was adopted without running the `post_migrate` signal.

    Mend
    ----
    Run `migrate` with that system: it writes the rows.

    ```console
    $ python manage.py migrate
    ```
    """
    types, permissions = subject.rows.content_types, subject.rows.permissions
    if types is None or permissions is None:
        return
    for mapped in subject.on_shared:
        model = mapped.model
        if model.made_for:
            continue
        label = (model.app_label, model.model_name)
        absent = [c for c, _ in model.permissions if (*label, c) not in permissions]
        if label not in types or absent:
            found = "has no row in django_content_type" if label not in types else f"lacks {', '.join(absent)}"
            expected = f"the {mapped.system.side} checks them"
            todo = f"Run migrate with the {mapped.system.side}: it writes them."
            where, name = f"{mapped.table} ({'.'.join(label)})", mapped.system.side
            cause = SharedCause(
                where="auth_permission",
                found="lacks permissions of models that are there",
                expected=expected,
                part=where,
                todo=todo,
            )
            yield Observation(
                where=where,
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=name,
                cause=cause,
            )


@rule("HO239")
def grants(subject: Subject) -> Iterator[Observation]:
    """What is granted is known to both systems.

    What is wrong
    -------------
    A permission is granted to users or groups, and no model of one system declares it.

    Why it hurts
    ------------
    `has_perm` of that system is never asked for it. Who holds it has lost it there.

    Example
    -------
    `library.publish_book` is granted 3 times, and the backend does not declare it.

    Mend
    ----
    Declare it: the model's app label, its name, `permissions` and `default_permissions`.

    ```python
    class Meta:
        permissions = [("publish_book", "Can publish a book")]
    ```
    """
    if subject.both is None:
        return
    known = [_permissions(subject, system) for system in subject.both]
    for system, mine, theirs in zip(subject.both, known, reversed(known), strict=True):
        lacking: dict[tuple[str, str], list[str]] = {}
        for label, model, codename in sorted(theirs - mine):
            if subject.rows.granted.get((label, model, codename)):
                lacking.setdefault((label, model), []).append(codename)
        for (label, model), codenames in lacking.items():
            number = sum(subject.rows.granted[label, model, codename] for codename in codenames)
            found = f"is granted {counted(number, 'time')} and declared by no model of the {system.side}: "
            expected = f"has_perm of the {system.side} is never asked for it, so its holders lose it there"
            todo = "Declare it there: the model's app label, its name, Meta.permissions and default_permissions."
            where = f"permission {label}.{model}"
            yield Observation(
                where=where,
                found=found + ", ".join(codenames),
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=system.side,
            )


def _permissions(subject: Subject, system: DescribedSystem) -> set[tuple[str, str, str]]:
    """Return what a system's models on shared tables declare, proxies as well."""
    tables = ((m, subject.catalog.find(system.search_path, m.table)) for m in system.description.models)
    models = [model for model, table in tables if table and table.key in subject.shared]
    return {(m.app_label, m.model_name, codename) for m in models for codename, _ in m.permissions}
