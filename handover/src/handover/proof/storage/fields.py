"""The file fields that both systems have on one column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from handover.config.config import Config
from handover.probe.client import Probe
from handover.side import Side

# The key of an example row; it is never saved.
KEY = "7f3c2a9e-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class FilePair:
    """One column that names files, with each system's model of it and the place where each keeps the files."""

    table: str
    column: str
    models: Mapping[Side, str]
    places: Mapping[Side, str]

    @property
    def where(self) -> str:
        """Its place in a finding."""
        return f"{self.table}.{self.column}"

    def of(self, side: Side) -> dict[str, str]:
        """Return the arguments that name the field to an agent."""
        return {"model": self.models[side], "column": self.column, "key": KEY}


FileFields = Mapping[tuple[str, str], Mapping[str, str]]


def file_pairs(config: Config, agents: Mapping[Side, Probe]) -> tuple[FilePair, ...]:
    """Ask both systems which fields of the mapped models hold files; a parent model's field is returned once."""
    found: dict[Side, FileFields] = {}
    for side in Side:
        paths = [getattr(pair, side) for pair in config.models]
        facts = agents[side].ask("store_fields", models=paths)
        found[side] = {(fact["model"], fact["column"]): fact for fact in facts}
    by_column: dict[str, FilePair] = {}
    for pair in _pairs(config, found):
        by_column.setdefault(pair.where, pair)
    return tuple(by_column.values())


def any_file_field(agents: Mapping[Side, Probe]) -> list[str]:
    """Return every file field of either system, mapped or not, as ``app.Model.column``."""
    facts = [fact for side in Side for fact in agents[side].ask("store_fields", models=None)]
    return sorted({f"{fact['label']}.{fact['column']}" for fact in facts})


def _pairs(config: Config, found: Mapping[Side, FileFields]) -> Iterator[FilePair]:
    for pair in config.models:
        models: dict[Side, str] = {Side.ORIGINAL: pair.original, Side.BACKEND: pair.backend}
        columns = [{c for m, c in found[side] if m == models[side]} for side in Side]
        for column in sorted(columns[0] & columns[1]):
            facts = {side: found[side][models[side], column] for side in Side}
            places = {side: facts[side]["storage"] for side in Side}
            yield FilePair(facts[Side.ORIGINAL]["parent_table"] or pair.table, column, models, places)
