"""Content types and permissions: what people were granted on one system holds on the other."""

from collections.abc import Iterator

from handover.finding import Cause, Finding
from handover.rules.registry import rule
from handover.schema.models import Model
from handover.schema.subject import DescribedSystem, Pair, Subject
from handover.wording import counted


@rule("HO210", "Models of one table have one label")
def labels(subject: Subject) -> Iterator[Finding]:
    for pair in subject.pairs:
        one, other = ((m.app_label, m.model_name) for m in (pair.original, pair.backend))
        if one != other and not pair.automatic and one in {(m.app_label, m.model_name) for m in _on(subject, pair)[1]}:
            # Permissions and log entries go by the proxy's name, relations by content type by its concrete model's.
            found = f"is {'.'.join(other)} in the backend, and {'.'.join(one)} but a proxy of it"
            expected = "a relation by content type names the concrete model, so neither would find the other's"
            todo = "Accept it if no generic relation points here; else set for_concrete_model=False in both."
            yield Finding(
                code="HO210",
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
            yield Finding(code="HO210", where=str(pair.table), found=found, expected=expected, todo=todo, hurts="both")


def _on(subject: Subject, pair: Pair) -> tuple[list[Model], ...]:
    """Return what each system has on a pair's table: the model and its proxies."""
    models = {"original": pair.original, "backend": pair.backend}
    return tuple(
        [m for m in system.description.models if m.table == models[system.side].table] for system in subject.both or ()
    )


@rule("HO211", "Models of one table have the same permissions")
def codenames(subject: Subject) -> Iterator[Finding]:
    for pair in subject.pairs:
        # What a model grants may stand with a proxy of it in the other system.
        known = [{name for m in models for name, _ in m.permissions} for models in _on(subject, pair)]
        one, other = ({name for name, _ in m.permissions} for m in (pair.original, pair.backend))
        unknown = (one - known[1]) | (other - known[0])
        if unknown and not pair.automatic:
            found = f"has permissions that one system does not know: {', '.join(sorted(unknown))}"
            expected = "a grant on one is nothing on the other"
            todo = "Write Meta.permissions and default_permissions as in the original."
            yield Finding(
                code="HO211",
                where=str(pair.table),
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts="both",
            )


@rule("HO212", "Permissions can be granted")
def missing_rows(subject: Subject) -> Iterator[Finding]:
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
            cause = Cause(
                where="auth_permission",
                found="lacks permissions of models that are there",
                expected=expected,
                part=where,
                todo=todo,
            )
            yield Finding(
                code="HO212",
                where=where,
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=name,
                of=cause,
            )


@rule("HO239", "What is granted is known to both systems")
def grants(subject: Subject) -> Iterator[Finding]:
    """A permission that somebody holds, and that the code of one system knows, must be known to the other's."""
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
            expected = f"has_perm of the {system.side} is never asked for it: whoever holds it has lost it there"
            todo = "Declare it there: the model's app label, its name, Meta.permissions and default_permissions."
            where = f"permission {label}.{model}"
            yield Finding(
                code="HO239",
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
