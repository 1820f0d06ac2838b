"""Group 4: the same query gives the same moves, in the same order, with the same scores, from both systems."""

import os
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from handover.config.search import SharedSearch
from handover.errors import ConfigurationError, ProbeError, UnseenError
from handover.finding import Finding
from handover.http_client import http_client
from handover.journal.evidence import Recorder
from handover.probe.client import Probe
from handover.probe.words import error_line
from handover.proof.outcome import Failure, Outcome
from handover.proof.search.compare import differences, smallest
from handover.proof.search.queries import Query, queries
from handover.proof.search.sender import SearchAnswer, query_sender
from handover.proof.search.vectors import VectorField
from handover.proof.target import ProofTarget
from handover.schema.search_index import TIMEOUT_S, Document, IndexReader, declared, mapping_differences
from handover.side import Side
from handover.wording import counted, page_address

GROUP = "search"
QUERIES = {"small": 24, "full": 600}
SAMPLE = 50
EXAMPLES = 3


def prove(target: ProofTarget, recorder: Recorder) -> Outcome:
    """Send both systems the same queries, and check the content of the index.

    Parameters
    ----------
    target
        The pair, the size and the seed.
    recorder
        Receives a line of ``vectors`` for each vector field.

    Returns
    -------
    Outcome
        Counts ``search_queries``, ``hits``, ``documents``, ``vectors`` and, where clips are declared, ``clips``.
        Figures hold the mean pairwise cosine of each vector field.
    """
    search, index = target.config.search, target.config.index
    name = search and (search.index or (index and index.name))
    url_env = search and (search.url_env or (index and index.url_env))
    if search is None or not name or not url_env:
        missing = "[search]" if search is None else "name and url_env of the index"
        found = f"is not described: handover.toml has no {missing}"
        todo = (
            "Describe how each system is asked and where the index is "
            f"({page_address('reference/handover-toml', 'Search')}). "
            'If the systems have no search: handover contract accept HO340 search --because "there is no search"'
        )
        finding = Finding(
            code="HO340",
            where=GROUP,
            found=found,
            expected="nothing was compared",
            todo=todo,
            severity="unseen",
            hurts="both",
        )
        return Outcome(GROUP, {"search_queries": 0}, (Failure(finding),), nothing="no search is described")
    try:
        return _proved(target, recorder, search, name, url_env)
    except (UnseenError, ProbeError, ConfigurationError) as error:
        todo = str(error).strip()
        code = "HO341" if isinstance(error, UnseenError) else "HO343"
        words = error_line(error) if isinstance(error, ProbeError) else "the index or a system could not be asked"
        finding = Finding(
            code=code,
            where=GROUP,
            found=f"was not compared: {words}",
            expected="",
            todo=todo,
            severity="unseen",
            hurts="both",
        )
        return Outcome(GROUP, {"search_queries": 0}, (Failure(finding),))


def _proved(target: ProofTarget, recorder: Recorder, search: SharedSearch, name: str, url_env: str) -> Outcome:
    url = os.environ.get(url_env, "")
    if not url:
        raise UnseenError(f"the environment variable {url_env} is not set; it holds the address of the search index.")
    wanted = declared(target.config.root / search.mapping)
    with ExitStack() as stack:
        index = IndexReader(stack.enter_context(http_client(base_url=url, timeout_s=TIMEOUT_S)), name)
        live = index.mapping()
        seen = _IndexContent(search, live, target.seed)
        seen.read(index)
        with ThreadPoolExecutor(len(Side)) as pool:
            started = pool.map(lambda side: stack.enter_context(target.acting(side, "search")), Side)
            agents = dict(zip(Side, started, strict=True))
        asked = _Comparison(set(seen.ids))
        asked.ask(target, search, agents, _queries(target, search, seen), stack)
        findings = [*_of_mapping(wanted, live, name), *seen.findings(), *asked.unknown_ids()]
        counts = {"search_queries": asked.queries, "hits": asked.hits, "documents": len(seen.ids), **seen.counts()}
        if search.clips is not None:
            clips = {side: _clips(agent, search) for side, agent in agents.items()}
            counts["clips"] = len(clips[Side.ORIGINAL] | clips[Side.BACKEND])
            findings += _of_clips(seen, clips)
    for vector in seen.fields.values():
        recorder.line("vectors", {"field": vector.name, "count": vector.count, "mean_cosine": vector.mean_cosine})
    failures = (*map(Failure, findings), *smallest(asked.met))
    figures = {f"mean_cosine_{f.name}": f.mean_cosine for f in seen.fields.values() if f.mean_cosine is not None}
    return Outcome(GROUP, counts, failures, tuple(seen.notes()), figures)


def _queries(target: ProofTarget, search: SharedSearch, seen: "_IndexContent") -> list[Query]:
    dims = {query: seen.fields[name].dims for query, name in search.vectors.items()}
    return list(queries(search, dims, seen.sample, QUERIES[target.size], target.seed))


@dataclass
class _IndexContent:
    """The content of the index, read once."""

    search: SharedSearch
    live: dict[str, dict[str, object]]
    seed: int
    ids: list[str] = field(default_factory=list)
    sample: list[Document] = field(default_factory=list)
    clip_of: dict[str, str] = field(default_factory=dict)
    fields: dict[str, VectorField] = field(default_factory=dict)

    def read(self, index: IndexReader) -> None:
        for name in self.search.vectors.values():
            dims = self.live.get(name, {}).get("dims")
            if not isinstance(dims, int):
                raise UnseenError(f"the index has no vector field {name}; correct [search].vectors in handover.toml.")
            self.fields[name] = VectorField(name, dims, self.seed)
        rng = random.Random(self.seed)  # noqa: S311 - a sample, no secret
        clip_field = self.search.clips.field if self.search.clips else None
        for document in index.documents([clip_field] if clip_field else [], list(self.fields)):
            self.ids.append(document.id)
            for name, vector in document.vectors.items():
                self.fields[name].add(document.id, vector)
            if clip_field:
                self.clip_of[document.id] = str(document.fields.get(clip_field, ""))
            if len(self.sample) < SAMPLE:
                self.sample.append(document)
            elif (place := rng.randrange(len(self.ids))) < SAMPLE:
                self.sample[place] = document

    def counts(self) -> dict[str, int]:
        return {"vectors": sum(f.count for f in self.fields.values())}

    def notes(self) -> Iterator[str]:
        for f in self.fields.values():
            if f.count < len(self.ids):
                yield f"{f.name}: {len(self.ids) - f.count} of {counted(len(self.ids), 'document')} have no vector"

    def findings(self) -> Iterator[Finding]:
        todo = "Rebuild the index from its source; a query by this vector finds nothing useful."
        for f in self.fields.values():
            if f.wrong:
                found = f"has another length in {counted(len(f.wrong), 'document')} (for example {_some(f.wrong)})"
                yield Finding(
                    code="HO348",
                    where=f.name,
                    found=found,
                    expected=f"the mapping says {f.dims}",
                    todo=todo,
                    severity="breaking",
                    hurts="both",
                )
            if f.zero:
                found = f"is zero or not finite in {counted(len(f.zero), 'document')} (for example {_some(f.zero)})"
                yield Finding(
                    code="HO349",
                    where=f.name,
                    found=found,
                    expected="such a vector has no cosine",
                    todo=todo,
                    severity="breaking",
                    hurts="both",
                )
            if f.is_one:
                found = f"is the same vector in all {f.count} documents"
                yield Finding(
                    code="HO350",
                    where=f.name,
                    found=found,
                    expected="it cannot tell two documents apart",
                    todo=todo,
                    severity="breaking",
                    hurts="both",
                )
            if f.is_noise:
                found = f"is noise: no two of {f.count} documents are more alike than random vectors"
                yield Finding(
                    code="HO351",
                    where=f.name,
                    found=found,
                    expected=f"mean pairwise cosine {f.mean_cosine:.3f}",
                    todo=todo,
                    severity="risky",
                    hurts="both",
                )


@dataclass
class _Comparison:
    """The results of the queries."""

    known: set[str]
    queries: int = 0
    hits: int = 0
    met: dict[str, tuple[Query, Finding, int]] = field(default_factory=dict)
    unknown: dict[Side, set[str]] = field(default_factory=lambda: {side: set() for side in Side})

    def ask(
        self, target: ProofTarget, search: SharedSearch, agents: dict[Side, Probe], asked: list[Query], stack: ExitStack
    ) -> None:
        target.say(f"asking both systems {counted(len(asked), 'query').replace('querys', 'queries')}")
        answers = {side: stack.enter_context(query_sender(target, search, side, agents[side]))(asked) for side in Side}
        for number, query in enumerate(asked):
            self._compare(query, {side: found[number] for side, found in answers.items()})

    def _compare(self, query: Query, answers: dict[Side, SearchAnswer]) -> None:
        self.queries += 1
        for side, answer in answers.items():
            self.hits += len(answer.hits)
            self.unknown[side] |= {name for name, _ in answer.hits} - self.known
        for finding in differences(query, answers):
            key = f"{finding.code} {finding.where}"
            smallest, shown, count = self.met.get(key, (query, finding, 0))
            smaller = query.size < smallest.size
            self.met[key] = (query if smaller else smallest, finding if smaller else shown, count + 1)

    def unknown_ids(self) -> Iterator[Finding]:
        for side, names in self.unknown.items():
            if names:
                found = f"answers with {counted(len(names), 'id')} that the index does not have ({_some(names)})"
                todo = "It searches another index; compare its settings with [index] in handover.toml."
                yield Finding(
                    code="HO347",
                    where=side,
                    found=found,
                    expected="both search the one index",
                    todo=todo,
                    severity="breaking",
                    hurts=side,
                )


def _of_mapping(wanted: dict[str, object], live: dict[str, object], name: str) -> Iterator[Finding]:
    for place, found, expected in mapping_differences(wanted, live):
        todo = "Rebuild the index with the contract's mapping, or review the contract's file."
        yield Finding(
            code="HO342",
            where=f"{name}.{place}",
            found=found,
            expected=expected,
            todo=todo,
            severity="breaking",
            hurts="both",
        )


def _clips(agent: Probe, search: SharedSearch) -> set[str]:
    assert search.clips  # noqa: S101 - the caller looked
    values = search.clips.model_dump(include={"setting", "storage", "prefix"})
    return {name for name in agent.ask("clips", **values) if name.endswith(search.clips.suffix)}


def _of_clips(seen: _IndexContent, clips: dict[Side, set[str]]) -> Iterator[Finding]:
    if apart := clips[Side.ORIGINAL] ^ clips[Side.BACKEND]:
        found = f"are not the same in both systems: {counted(len(apart), 'file')} ({_some(apart)})"
        todo = "The two look in different places; make them one."
        yield Finding(
            code="HO354", where="clips", found=found, expected="", todo=todo, severity="breaking", hurts="both"
        )
    there = clips[Side.ORIGINAL] & clips[Side.BACKEND]
    if lost := [name for name, clip in seen.clip_of.items() if clip not in there]:
        found = f"have no clip: {counted(len(lost), 'document')} of {len(seen.clip_of)} ({_some(lost)})"
        todo = "Restore the clips, or delete the documents: a request that picks one fails."
        yield Finding(
            code="HO352", where="documents", found=found, expected="", todo=todo, severity="breaking", hurts="both"
        )
    if unknown := there - set(seen.clip_of.values()):
        found = f"have no document: {counted(len(unknown), 'file')} of {len(there)} ({_some(unknown)})"
        todo = "Index them, or remove the files: no search finds them."
        yield Finding(code="HO353", where="clips", found=found, expected="", todo=todo, severity="risky", hurts="both")


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:EXAMPLES])
