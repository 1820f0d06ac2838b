"""Group 5: both systems see and keep each other's files, also when both save at the same time."""

import base64
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg

from handover.config.journey import Journey
from handover.config.storage import StorageSettings
from handover.errors import HandoverError, ProbeError
from handover.finding import Finding
from handover.journal.evidence import Recorder
from handover.journal.own_requests import own_key
from handover.journeys.result import JourneyResult
from handover.journeys.run import run_journey
from handover.probe.client import Probe
from handover.probe.words import error_line
from handover.proof.addresses import base_urls
from handover.proof.outcome import Failure, Outcome
from handover.proof.storage.fields import FilePair, any_file_field, file_pairs
from handover.proof.storage.file_round_trip import SIZES, FileRoundTrip
from handover.proof.storage.listing import also_named, both_listed, named, of_rows, orphans, remove_all
from handover.proof.storage.places import kept_apart
from handover.proof.storage.race import SAVES, Race
from handover.proof.target import ProofTarget
from handover.side import Side
from handover.wording import page_address

GROUP = "storage"
# Processes of each system that save at the same time.
RACERS = {"small": 1, "full": 3}
STREAMED_BYTES = 20_000


def prove(target: ProofTarget, recorder: Recorder) -> Outcome:
    """Save, open, stream, list and delete files through both systems.

    Every saved file has a name of its own and is removed at the end, also after an interruption. The proof works on the
    storages that the systems' settings name, also when the database is a copy.

    Parameters
    ----------
    target
        The database with the rows that name files.
    recorder
        Receives a line of ``streaming`` for each flow.

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
            agents = dict(zip(Side, _started(stack, target, tuple(Side)), strict=True))
            pairs = file_pairs(target.config, agents)
            if not pairs:
                return _without_fields(any_file_field(agents))
            work = _Work(target, agents, run_name)
            more = tuple(Side) * (RACERS[target.size] - 1)
            racers = zip(more, _started(stack, target, more), strict=True)
            shared = work.shared(pairs)
            work.files_of(shared, [*agents.items(), *racers])
            if shared:
                work.stream(shared[0])
            work.list_all(shared)
            work.remove(pairs)
    except BaseException as error:
        if pairs:
            # An agent that was interrupted or has ended does not answer any more.
            with ExitStack() as stack:
                remove_all(pairs, dict(zip(Side, _started(stack, target, tuple(Side)), strict=True)), run_name)
        if not isinstance(error, ProbeError):
            raise
        words = str(error).strip()
        found = f"was not compared: {error_line(error)}"
        finding = Finding(
            code="HO374",
            where=GROUP,
            found=found,
            expected="",
            todo=f"The error:\n{words}",
            severity="unseen",
            hurts="both",
        )
        return Outcome(GROUP, {"files": 0}, (Failure(finding),))
    for result in work.streamed:
        recorder.line("streaming", {"flow": result.journey, "on": result.on, "failures": result.failures})
    return Outcome(GROUP, work.counts, tuple(work.failures), tuple(work.notes), {"listings": float(work.listings)})


def _without_fields(known: list[str]) -> Outcome:
    """Return the outcome without a file field to compare; a file field that is not mapped is a failure."""
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


def _started(stack: ExitStack, target: ProofTarget, sides: tuple[Side, ...]) -> list[Probe]:
    """Start agents, all at once: each takes a second or more."""
    with ThreadPoolExecutor(max(len(sides), 1)) as pool:
        return list(pool.map(lambda side: stack.enter_context(target.acting(side, "store")), sides))


@dataclass
class _Work:
    target: ProofTarget
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
        """Return the fields whose files are in one place; the others are reported and not compared further."""
        found: list[FilePair] = []
        for pair in pairs:
            apart = kept_apart(pair, self.agents, self.run_name, self.made)
            self.counts["files"] += len(Side)
            self._add([apart] if apart else [], _round_trip_lines(pair))
            found += [] if apart else [pair]
        if not found:
            self.counts = {"files": self.counts["files"]}
        return tuple(found)

    def files_of(self, pairs: tuple[FilePair, ...], racers: list[tuple[Side, Probe]]) -> None:
        size = self.target.size
        for pair in pairs:
            self.target.say(f"saving, opening and deleting files of {pair.where}")
            round_trip, race = FileRoundTrip(pair, self.agents, self.run_name), Race(pair, racers, self.run_name)
            self._add(round_trip.findings(SIZES[size]), _round_trip_lines(pair))
            self._add(race.findings(SAVES[size]), _race_lines(pair, len(racers)))
            self.made |= round_trip.made | race.made
            self.counts["files"] += round_trip.files + race.saved
            self.counts["reads"] += round_trip.reads
            self.counts["overlapping_saves"] += race.overlapping

    def remove(self, pairs: tuple[FilePair, ...]) -> None:
        """Remove the saved files through both systems: they may keep their files in two places."""
        for pair in pairs:
            for side in Side:
                self.agents[side].ask("store_delete", names=sorted(self.made), **pair.of(side))

    def list_all(self, pairs: tuple[FilePair, ...]) -> None:
        """Compare rows and files while this run's files exist; each system lists each storage once."""
        settings = self.target.config.storage or StorageSettings()
        by_place: dict[str, list[FilePair]] = {}
        for pair in pairs:
            by_place.setdefault(str(sorted(pair.places.items())), []).append(pair)
        with psycopg.connect(self.target.owner_url) as connection:
            others = also_named(connection, settings.named_by)
            for shared in by_place.values():
                seen, apart = both_listed(shared[0], self.agents)
                self._add(apart)
                there = seen[Side.ORIGINAL].names & seen[Side.BACKEND].names
                self.counts["listed"] += len(there)
                self.listings += sum(one.listings for one in seen.values())
                known = set(others)
                for pair in shared:
                    names = named(connection, pair.table, pair.column)
                    known |= names
                    self.counts["rows"] += len(names)
                    self._add(of_rows(pair, names, there))
                self._add(orphans(shared[0].where, settings.folders, known, self._not_ours(there)))

    def _not_ours(self, names: frozenset[str]) -> frozenset[str]:
        return frozenset(name for name in names if self.run_name not in name)

    def stream(self, pair: FilePair) -> None:
        """Let each system store a file, and fetch parts of it from both over HTTP, by the flows that store."""
        flows = [flow for flow in self.target.config.flows if flow.stores]
        if not flows:
            found = "is not described: handover.toml has no flow with a step that stores a file"
            address = page_address("reference/handover-toml", "Flows")
            todo = f"Write one ({address}). If files are not served over HTTP, accept it: "
            self._unseen("HO367", found, f'{todo}handover contract accept HO367 streaming --because "..."')
            for side in Side:  # the finding already says that this was not compared
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
            urls, root = base_urls(self.target.config), self.target.config.root
            result = run_journey(
                flow,
                urls,
                on=on,
                root=root,
                store=store,
                run_name=f"{self.run_name}{len(self.streamed)}",
                key=own_key(self.target.config),
            )
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

    def _add(self, findings: object, lines: tuple[str, ...] = ()) -> None:
        """Add findings; only the first of each code, place and system."""
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


def _round_trip_lines(pair: FilePair) -> tuple[str, ...]:
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
