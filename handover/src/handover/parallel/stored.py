"""Files that rows name: both systems look for them in their own storage."""

from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from handover.config.config import Config, ModelPair
from handover.errors import ConfigurationError, HandoverError
from handover.parallel.agents import ReadingAgent
from handover.parallel.database import Reader, first_line, table_of
from handover.parallel.parity import shared_table
from handover.parallel.sample import Sample, measured, unmeasured
from handover.side import Side


def file_samples(reader: Reader, config: Config, agents: Mapping[Side, ReadingAgent]) -> Iterator[Sample]:
    """Ask both systems for the files that the newest rows name.

    Parameters
    ----------
    reader, config
        The session, and the columns that name files.
    agents
        An agent in each system.
    """
    for place in config.watch.files:
        pair, column = mapped_column(config, place)
        try:
            names = _newest_names(reader, config, pair, column, agents)
        except (psycopg.Error, HandoverError) as error:
            for side in Side:
                yield from (
                    unmeasured(side, m, f"{place}: {first_line(error)}") for m in ("files_found", "files_missing")
                )
            continue
        for side in Side:
            yield from _files_of(side, agents[side], pair, column, names)


def _files_of(side: Side, agent: ReadingAgent, pair: ModelPair, column: str, names: list[str]) -> Iterator[Sample]:
    try:
        model = agent.model(side.of(pair))
        field = model.by_column()[column]
        found = agent.ask("files", model=model.label, field=field.name, names=names)["found"]
    except HandoverError as error:
        yield from (unmeasured(side, metric, first_line(error)) for metric in ("files_found", "files_missing"))
        return
    missing = sum(one is not True for one in found)
    said = next((one for one in found if isinstance(one, str)), "")
    reason = f"{missing} of {len(found)} files of {pair.table}.{column} not found. {said}".strip() if missing else ""
    yield measured(side, "files_found", len(found) - missing)
    yield measured(side, "files_missing", missing, ok=not missing, reason=reason)


def _newest_names(
    reader: Reader, config: Config, pair: ModelPair, column: str, agents: Mapping[Side, ReadingAgent]
) -> list[str]:
    shared = shared_table(config, pair, agents)
    query = sql.SQL("SELECT {0} FROM {1} WHERE {0} <> '' AND {2} IS NOT NULL ORDER BY {2} DESC LIMIT {3}").format(
        sql.Identifier(column), table_of(pair.table), sql.Identifier(shared.date), sql.Literal(config.watch.sample)
    )
    with reader.session() as connection:
        return [str(name) for (name,) in connection.execute(query)]


def mapped_column(config: Config, place: str) -> tuple[ModelPair, str]:
    """Return the mapped table and the column of a dotted place.

    Raises
    ------
    ConfigurationError
        No mapped table has that name.
    """
    table, _, column = place.rpartition(".")
    for pair in config.models:
        if pair.table == table:
            return pair, column
    tables = ", ".join(pair.table for pair in config.models)
    raise ConfigurationError(
        f"[watch] names {place}, but {table} is not a mapped table; these are: {tables}. Correct it."
    )
