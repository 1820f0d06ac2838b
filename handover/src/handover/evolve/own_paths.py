"""What the sessions of each system find first: asked of the systems themselves before anything starts.

A role's setting is not all: the options of a session beat it. A system whose own options lead past the views of its
shape would meet the new names at the switch.
"""

from collections.abc import Iterator

from handover.check.run import gathered
from handover.check.systems import SystemAnswer, asking
from handover.config.config import Config, database_url
from handover.config.evolve import EvolveSettings
from handover.errors import HandoverError, Refused
from handover.finding import Finding
from handover.schema.subject import DescribedSystem, Subject, own_search_path
from handover.side import Side

PAST_THE_VIEWS = "HO671"


def require_own_paths(config: Config, sides: tuple[Side, ...]) -> None:
    """Raise unless the sessions of each system find the views of a shape before the tables.

    Parameters
    ----------
    config
        The pair.
    sides
        The systems that may still work.

    Raises
    ------
    Refused
        A system leads past the views, or cannot be asked.
    """
    try:
        with asking(config, sides) as answers, gathered(config, database_url(config), answers) as facts:
            findings = list(path_findings(facts.subject, config.evolve))
            findings += [_silent(answer.result()) for answer in answers if answer.result().description is None]
    except Refused:
        raise
    except HandoverError as error:
        message = f"it is not known which tables the sessions of both systems find first: {error}"
        raise Refused(f"{message} Mend that, then try again. Nothing was changed.", code=PAST_THE_VIEWS) from error
    if findings:
        summary = "a system would meet the new shape without expecting it; nothing was changed."
        raise Refused(summary, tuple(findings), code=PAST_THE_VIEWS)


def path_findings(subject: Subject, settings: EvolveSettings) -> Iterator[Finding]:
    """Yield a finding for each described system whose sessions lead past the views."""
    for system in subject.systems:
        if found := _wrong(system, settings):
            what, todo = found
            expected = "its sessions must find the views of the shape that it expects before the tables"
            yield _finding(f"the {system.side}", what, expected, todo)


def _wrong(system: DescribedSystem, settings: EvolveSettings) -> tuple[str, str] | None:
    role, own = system.description.settings.database.role, own_search_path(system.description)
    views = [settings.old_schema, settings.new_schema]
    if role in settings.old_roles and own is not None and not _first(own, [settings.old_schema], settings):
        return (
            f"sets search_path = {', '.join(own)} in its own options, which beats the setting of the old role {role}",
            f"Put {settings.old_schema} before {settings.shared_schema} in its own path (it is skipped while it is not"
            f" there), restart it, and name {role} in carrying_roles instead.",
        )
    if role in settings.carrying_roles and not _first(system.search_path, views, settings):
        return (
            f"has the search path {', '.join(system.search_path)}, and its role {role} is one of carrying_roles",
            f"Put {settings.old_schema} before {settings.shared_schema} in its own path (it is skipped while it is not"
            " there), and restart it; or name the role in old_roles.",
        )
    if role in settings.other_roles:
        return (
            f"connects as {role}, which is one of other_roles: roles that are no clients",
            "Name the role in old_roles or in carrying_roles.",
        )
    return None


def _first(path: tuple[str, ...], views: list[str], settings: EvolveSettings) -> bool:
    before = path[: path.index(settings.shared_schema)] if settings.shared_schema in path else path
    return any(view in before for view in views)


def _silent(answer: SystemAnswer) -> Finding:
    what = answer.finding.found if answer.finding else "did not describe itself"
    return _finding(f"the {answer.name}", what, "its search path is not known", "Mend that, then try again.")


def _finding(where: str, found: str, expected: str, todo: str) -> Finding:
    return Finding(
        code=PAST_THE_VIEWS, where=where, found=found, expected=expected, todo=todo, severity="breaking", hurts="both"
    )
