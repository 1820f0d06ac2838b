"""Other commands ask here whether an evolution stands in their way."""

from collections.abc import Sequence

import psycopg

from handover.config.config import Config
from handover.errors import HandoverError, Refused
from handover.evolve.position import begun_evolutions, current_evolution, evolution_position, plan_of
from handover.evolve.session import open_session
from handover.evolve.states import AT_REST
from handover.journal.journal import is_there, opened
from handover.wording import one_line

IN_THE_WAY = "HO652"


def require_no_evolution(config: Config, what: str) -> None:
    """Raise when an evolution is under way: both shapes are there, and its plan names what it will remove.

    Parameters
    ----------
    config, what
        The pair, and what would be done, for the message.

    Raises
    ------
    Refused
        One is neither contracted nor rolled back.
    JournalError
        The journal is not as it was written, or cannot be compared here.
    """
    if not _has_journal(config):
        return
    with opened(config) as journal:
        journal.require()
        current = current_evolution(journal.entries())
    if current:
        message = f"the evolution {current.name} is under way (its state is {current.position.state}): {what} would"
        todo = "Contract it, or roll it back first: handover evolve rollback"
        raise Refused(
            f"{message} take from under it what it keeps in step. Nothing was changed. {todo}", code=IN_THE_WAY
        )


def require_former_shape(config: Config, what: str) -> None:
    """Raise when an evolution is under way, or has changed the shape that the original knows for good.

    Parameters
    ----------
    config, what
        The pair, and what would be done, for the message.

    Raises
    ------
    Refused
        The tables have not, or not only, the shape of before.
    """
    require_no_evolution(config, what)
    if not _has_journal(config):
        return
    with opened(config) as journal:
        entries = journal.entries()
    for name in begun_evolutions(entries):
        if evolution_position(entries, name).state == "contracted" and (tables := plan_of(entries, name).tables):
            message = (
                f"the evolution {name} has changed {', '.join(tables)} for good; the original does not know them so."
            )
            todo = "Restore a backup of before it, if the original must come back: handover restore"
            raise Refused(
                f"{message} {what.capitalize()} cannot bring back its schema. Nothing was changed. {todo}",
                code=IN_THE_WAY,
            )


def evolved_lines(config: Config) -> list[str]:
    """Return what evolutions mean for a check that has findings: one line each; empty when there is none.

    Parameters
    ----------
    config
        The pair.
    """
    try:
        if not _has_journal(config):
            return []
        with opened(config) as journal:
            entries = journal.entries()
    except (HandoverError, psycopg.Error) as error:
        return [f"It is not known whether an evolution has changed the tables: {one_line(str(error))}"]
    places = [
        (name, evolution_position(entries, name).state, plan_of(entries, name)) for name in begun_evolutions(entries)
    ]
    return [line for name, state, plan in places if plan.two_shapes and (line := _meaning(name, state, plan.tables))]


def _meaning(name: str, state: str, tables: Sequence[str]) -> str:
    if state == "contracted":
        return (
            f"The evolution {name} has changed {', '.join(tables)} for good: a system that expects the old shape no"
            " longer fits. Give [backend] in handover.toml the new shape. The original cannot come back, except with a"
            " backup of before: handover restore"
        )
    if state in AT_REST:
        return ""
    return (
        f"The evolution {name} is {state}: {', '.join(tables)} have both shapes, so findings about them may come from"
        " it, above all where one system expects the old shape and the other the new one. See: handover status; and, to"
        " compare every row of both shapes: handover evolve validate"
    )


def _has_journal(config: Config) -> bool:
    with open_session(config) as connection:
        return is_there(connection)
