"""Group 5: a file saved by either system is there for the other, whatever both do at the same time."""

import base64
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg

from handover.config.journey import Journey
from handover.config.storage import Storage
from handover.errors import HandoverError, ProbeError
from handover.finding import Finding
from handover.journal.evidence import Recorder
from handover.journeys.result import JourneyResult
from handover.journeys.run import run
from handover.probe.client import Probe
from handover.proof.addresses import base_urls
from handover.proof.outcome import Failure, Outcome
from handover.proof.storage.apart import kept_apart
from handover.proof.storage.crossing import SIZES, Crossing
from handover.proof.storage.fields import FilePair, any_file_field, file_pairs
from handover.proof.storage.listing import also_named, both_listed, named, of_rows, orphans, remove_all
from handover.proof.storage.race import SAVES, Race
from handover.proof.venue import Venue
from handover.side import Side

GROUP = "storage"
# Processes of each system that save at the same time.
RACERS = {"small": 1, "full": 3}
STREAMED_BYTES = 20_000


def prove(venue: Venue, recorder: Recorder) -> Outcome:
    """Save, open, stream, list and delete files through both systems.

    Everything it saves has a name of its own and is removed at the end, also when it is interrupted. It works on the
    storages that the systems' settings name, whatever database the venue is.

    Returns
    -------
    Outcome
        Counts ``files`` (saved, those of the race included), ``reads``, ``overlapping_saves``, ``listed`` objects,
        ``rows`` that name one, and ``streamed_original``, ``streamed_backend`` (ranges fetched over HTTP). Figures
        hold ``listings``, how many requests listing took.
    """
    pairs: tuple[FilePair, ...] = ()
    run_name = secrets.token_hex(6)
    try:
        with ExitStack() as stack:
            agents = dict(zip(Side, _started(stack, venue, tuple(Side)), strict=True))
            pairs = file_pairs(venue.config, agents)
            if not pairs:
                return _without_fields(any_file_field(agents))
            work = _Work(venue, agents, run_name)
            more = tuple(Side) * (RACERS[venue.size] - 1)
            racers = zip(more, _started(stack, venue, more), strict=True)
            shared = work.shared(pairs)
            work.files_of(shared, [*agents.items(), *racers])
            if shared:
                work.stream(shared[0])
            work.list_all(shared)
            work.remove(pairs)
    except BaseException as error:
        if pairs:
            # An agent that was interrupted, or has ended, answers nothing any more.
            with ExitStack() as stack:
                remove_all(pairs, dict(zip(Side, _started(stack, venue, tuple(Side)), strict=True)), run_name)
        if not isinstance(error, ProbeError):
            raise
        words = str(error).strip()
        found = f"was not compared: {words.splitlines()[-1]}"
        finding = Finding(
            code="HO374",
            where=GROUP,
            found=found,
            expected="",
            todo=f"Its own words:\n{words}",
            severity="unseen",
            hurts="both",
        )
        return Outcome(GROUP, {"files": 0}, (Failure(finding),))
    for result in work.streamed:
        recorder.line("streaming", {"flow": result.journey, "on": result.on, "failures": result.failures})
    return Outcome(GROUP, work.counts, tuple(work.failures), tuple(work.notes), {"listings": float(work.listings)})


def _without_fields(known: list[str]) -> Outcome:
    """Say that there is nothing to look at; a file field that is not mapped is something."""
    if not known:
        return Outcome(GROUP, {}, nothing="no model of either system has a file field")
    found = f"has no file field that both systems have on one column; there {'is' if len(known) == 1 else 'are'} "
    todo = "Map the model: [[models]] in handover.toml; or accept it, if only one system keeps such files."
    finding = Finding(
        code="HO360",
        where="models",
        found=found + ", ".join(known),
        expected="nothing was compared",
        todo=todo,
        severity="unseen",
        hurts="both",
    )
    return Outcome(GROUP, {"files": 0}, (Failure(finding),), nothing="no file field is mapped in both systems")


def _started(stack: ExitStack, venue: Venue, sides: tuple[Side, ...]) -> list[Probe]:
    """Start agents, all at once: each takes a second or more."""
    with ThreadPoolExecutor(max(len(sides), 1)) as pool:
        return list(pool.map(lambda side: stack.enter_context(venue.acting(side, "store")), sides))


@dataclass
class _Work:
    venue: Venue
    agents: Mapping[Side, Probe]
    run_name: str
    made: set[str] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    streamed: list[JourneyResult] = field(default_factory=list)
    listings: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("files", "reads", "overlapping_saves", "listed", "rows", "streamed_original", "streamed_backend"), 0
        )
    )

    def shared(self, pairs: tuple[FilePair, ...]) -> tuple[FilePair, ...]:
        """Return the fields whose files are in one place; of the others nothing more is said."""
        found: list[FilePair] = []
        for pair in pairs:
            apart = kept_apart(pair, self.agents, self.run_name, self.made)
            self.counts["files"] += len(Side)
            self._met([apart] if apart else [], _crossing_lines(pair))
            found += [] if apart else [pair]
        if not found:
            self.counts = {"files": self.counts["files"]}
        return tuple(found)

    def files_of(self, pairs: tuple[FilePair, ...], racers: list[tuple[Side, Probe]]) -> None:
        size = self.venue.size
        for pair in pairs:
            self.venue.say(f"saving, opening and deleting files of {pair.where}")
            crossing, race = Crossing(pair, self.agents, self.run_name), Race(pair, racers, self.run_name)
            self._met(crossing.findings(SIZES[size]), _crossing_lines(pair))
            self._met(race.findings(SAVES[size]), _race_lines(pair, len(racers)))
            self.made |= crossing.made | race.made
            self.counts["files"] += crossing.files + race.saved
            self.counts["reads"] += crossing.reads
            self.counts["overlapping_saves"] += race.overlapping

    def remove(self, pairs: tuple[FilePair, ...]) -> None:
        """Remove what was saved, through both systems: they may not keep their files in one place."""
        for pair in pairs:
            for side in Side:
                self.agents[side].ask("store_delete", names=sorted(self.made), **pair.of(side))

    def list_all(self, pairs: tuple[FilePair, ...]) -> None:
        """Compare rows and objects while this run's files are there; each storage is listed once by each system."""
        settings = self.venue.config.storage or Storage()
        by_place: dict[str, list[FilePair]] = {}
        for pair in pairs:
            by_place.setdefault(str(sorted(pair.places.items())), []).append(pair)
        with psycopg.connect(self.venue.owner_url) as connection:
            others = also_named(connection, settings.named_by)
            for shared in by_place.values():
                seen, apart = both_listed(shared[0], self.agents)
                self._met(apart)
                there = seen[Side.ORIGINAL].names & seen[Side.BACKEND].names
                self.counts["listed"] += len(there)
                self.listings += sum(one.listings for one in seen.values())
                known = set(others)
                for pair in shared:
                    names = named(connection, pair.table, pair.column)
                    known |= names
                    self.counts["rows"] += len(names)
                    self._met(of_rows(pair, names, there))
                self._met(orphans(shared[0].where, settings.folders, known, self._not_ours(there)))

    def _not_ours(self, names: frozenset[str]) -> frozenset[str]:
        return frozenset(name for name in names if self.run_name not in name)

    def stream(self, pair: FilePair) -> None:
        """Let each system store a file, and fetch parts of it from both over HTTP, as the flows that store say."""
        flows = [flow for flow in self.venue.config.flows if flow.stores]
        if not flows:
            found = "is not described: handover.toml has no flow with a step that stores a file"
            todo = "Write one: docs/reference/handover-toml.md. If files are not served over HTTP, accept it: "
            self._unseen("HO367", found, f'{todo}handover contract accept HO367 streaming --because "..."')
            for side in Side:  # that it was not looked at is said by the finding
                del self.counts[f"streamed_{side}"]
        for flow in flows:
            for side in flow.sides:
                self._streamed(flow, side, pair)

    def _streamed(self, flow: Journey, on: Side, pair: FilePair) -> None:
        def store(side: Side, name: str) -> tuple[str, bytes]:
            content = secrets.token_bytes(STREAMED_BYTES)
            sent = base64.b64encode(content).decode()
            stored = self.agents[side].ask("store_put", name=name, content=sent, **pair.of(side))["name"]
            self.made.add(stored)
            self.counts["files"] += 1
            return stored, content

        try:
            urls, root = base_urls(self.venue.config), self.venue.config.root
            result = run(flow, urls, on=on, root=root, store=store, run_name=f"{self.run_name}{len(self.streamed)}")
        except HandoverError as error:
            self._unseen("HO367", f"was not fetched over HTTP: {error}", "Start both systems and name their addresses.")
            return
        self.streamed.append(result)
        ranged = {step.line for step in flow.steps if step.range}
        for step in result.steps:
            self.counts[f"streamed_{step.on}"] += step.line in ranged and step.failure is None
        for words in result.failures:
            side: Side = next(step.on for step in result.steps if step.failure)
            found = f"fails on the {on}: {words}"
            todo = "Fetch that address by hand; both systems must serve what either stored."
            self.failures.append(
                Failure(
                    Finding(
                        code="HO367",
                        where=f"flow {flow.name!r}",
                        found=found,
                        expected="",
                        todo=todo,
                        severity="breaking",
                        hurts=side,
                    )
                )
            )

    def _met(self, findings: object, lines: tuple[str, ...] = ()) -> None:
        """Take in findings; of each kind and place the first is enough."""
        known = {(f.finding.code, f.finding.where, f.finding.hurts) for f in self.failures}
        for finding in findings:  # type: ignore[attr-defined]
            if (key := (finding.code, finding.where, finding.hurts)) not in known:
                known.add(key)
                self.failures.append(Failure(finding, lines))

    def _unseen(self, code: str, found: str, todo: str) -> None:
        self.failures.append(
            Failure(
                Finding(
                    code=code, where="streaming", found=found, expected="", todo=todo, severity="unseen", hurts="both"
                )
            )
        )


def _crossing_lines(pair: FilePair) -> tuple[str, ...]:
    return (
        f"one: from {_import(pair, Side.ORIGINAL)} as M",
        f"one: x = M(); x.{pair.column}.save(NAME, ContentFile(b'1'), save=False); print(x.{pair.column}.name)",
        f"other: from {_import(pair, Side.BACKEND)} as M; s = M._meta.get_field({pair.column!r}).storage",
        "other: s.exists(STORED), s.open(STORED).read(), s.url(STORED); s.delete(STORED)",
    )


def _race_lines(pair: FilePair, processes: int) -> tuple[str, ...]:
    line = f"from {_import(pair, Side.ORIGINAL)} as M; M().{pair.column}.save(NAME, ContentFile(CONTENT), save=False)"
    return (f"in {processes} processes of both systems at once, each with contents of its own:", line)


def _import(pair: FilePair, side: Side) -> str:
    module, _, name = pair.models[side].rpartition(".")
    return f"{module} import {name}"
