"""A folder of films becomes a library: every clip heard, cut, encoded alike, or refused with the reason."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import av

from bachateo.cache import content_key
from bachateo.errors import BachateoError, ClipError, LibraryError
from bachateo.files import written_aside
from bachateo.isolation import Limits, UnexpectedError, run_limited
from bachateo.machine import number_of_cores
from bachateo.media.opening import LARGEST_BYTES
from bachateo.moves.ingest.annotations import Annotation, ClipEntry, annotation_of, read_entries
from bachateo.moves.ingest.answers import checked_answer, machine_works
from bachateo.moves.ingest.document import VERSION, Film, Part, Record, accepted_of, move_of, parts_of
from bachateo.moves.ingest.landmarks import find_overlaps
from bachateo.moves.ingest.recordings import KNOWN, SAID, Counted, agree, with_contradictions
from bachateo.moves.ingest.records import SETTINGS, Records
from bachateo.moves.ingest.report import MARGIN, AcceptedClip, RefusedClip, Report
from bachateo.moves.ingest.span import MoveSpan, choose_spans
from bachateo.moves.ingest.wardrobes import Colours, joined, wardrobes
from bachateo.moves.library import COUNTS, Library, Move
from bachateo.music.analyzing import HEARING_VERSION

# Another encoder may write other parameters.
ENCODING = f"{VERSION}-{av.__version__}"
HEIGHT, RATE_HZ = 720, 30
# An encoder of large pictures takes more than a decoder of sound.
LIMITS = Limits(seconds=300, cpu_seconds=300, memory_mb=2304, file_mb=256)
# A film of 20 s and 720 lines takes 1 s to be heard and seen, whatever its size. 0.007 s for each million pixels that
# are encoded. Pictures of 8K take 0.8 s a megabyte.
LEAST_CPU_S, CPU_S_PER_MB, CPU_S_PER_MEGAPIXEL = 10.0, 3.0, 0.05

Progress = Callable[[str, int, int], None]
Wanted = tuple[int | None, int | None, int | None]  # width, height, pictures a second
Item = TypeVar("Item", Annotation, Part)
Result = TypeVar("Result")


def ingest(
    folder: Path,
    annotations: Path,
    library: Path,
    *,
    height: int | None = None,
    width: int | None = None,
    rate_hz: int | None = None,
    workers: int | None = None,
    limits: Limits = LIMITS,
    on_progress: Progress | None = None,
) -> Report:
    """Make a library from a folder of films, or bring it up to date.

    Killed at any moment and started again, it goes on where it was: what is finished is found again by the content of
    the film and by what was made of it.

    Parameters
    ----------
    folder, annotations
        The films, and what people say about them.
    library
        Where the library shall be: new, empty, or ingested before. ``library.json`` is written last.
    height, width
        Size of the pictures in pixels, rounded to even numbers. A library keeps the size it has; a new one gets
        ``HEIGHT``, and the width that fits the shape most clips have without their bars.
    rate_hz
        Pictures a second, ``RATE_HZ`` in a new library.
    workers
        How many clips are worked on at a time; one for each core by default.
    limits
        What the work on one clip may use.
    on_progress
        Called with what is being done, how many clips are done with it, and how many there are.

    Returns
    -------
    Report
        It is also written to ``ingest-report.json`` in the library.

    Raises
    ------
    ClipError
        The annotations cannot be read (CH080, CH081), or the library is not ingest's to write (CH093).
    AtWorkError
        Another process works on the library, or on a share of it (CH093).
    """
    entries = read_entries(annotations)
    if library.resolve() == folder.resolve():
        raise ClipError("CH093", f"{library} holds the films. Choose another folder for the library.")
    records = Records(library)
    with records.claimed():
        run = Ingestion(
            records,
            limits,
            workers or number_of_cores(),
            on_progress or (lambda _stage, _done, _total: None),
        )
        report = run.ingest(entries, folder, (width, height, rate_hz))
        report.save()
    return report


@dataclass
class Ingestion:
    """The work on one library, with what came of it so far."""

    records: Records
    limits: Limits
    workers: int
    on_progress: Progress
    refused: dict[int, RefusedClip] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    encoded: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)

    def ingest(self, entries: list[ClipEntry], folder: Path, wanted: Wanted) -> Report:
        """Do all of it; return the report.

        Parameters
        ----------
        entries, folder
            What is said of each film, and the folder with the films.
        wanted
            Width and height in pixels and the rate in Hz of all clips; None where the library decides.
        """
        annotated = self.annotated(entries, folder)
        examined = self.each("hearing", annotated, self.examined)
        films = [*self.films({name: annotated[name] for name in examined}, examined).values()]
        if not films:
            return self._report([], (0, 0), 0)
        size, rate_hz = self.settings(films, *wanted)
        parts = parts_of(films, set(annotated))
        made = self.each("encoding", parts, lambda part: self.clip(part, size, rate_hz))
        if odd := _odd_ones(made):
            # Finished by an encoder that wrote other parameters than the one that is installed now.
            again = {clip_id: parts[clip_id] for clip_id in odd}
            made |= self.each("encoding again", again, lambda part: self.clip(part, size, rate_hz, anew=True))
            for clip_id in _odd_ones(made):
                self._refuse(parts[clip_id].annotation, _other_parameters(made[clip_id]["video_path"]))
        clothes = _clothes(parts, made)
        moves = {
            clip_id: move_of(part, made[clip_id], size, rate_hz, clothes[part.annotation.clip_id])
            for clip_id, part in parts.items()
            # A film of which one part failed is refused as a whole.
            if part.annotation.number not in self.refused
        }
        if moves:
            self._save(tuple(moves.values()))
        accepted = [
            accepted_of(film, [moves[part.clip_id] for part in parts.values() if part.film is film])
            for film in sorted(films, key=lambda film: (min(film.certainty, MARGIN), not film.counted.on_five))
            if film.annotation.number not in self.refused
        ]
        return self._report(accepted, size, rate_hz)

    def annotated(self, entries: list[ClipEntry], folder: Path) -> dict[str, Annotation]:
        """Return what is said of each film by its name; refuse what cannot be meant."""
        annotated: dict[str, Annotation] = {}
        for entry in entries:
            try:
                annotation = annotation_of(entry, folder)
                _refuse_twin(annotation, annotated.get(annotation.clip_id))
                annotated[annotation.clip_id] = annotation
            except ClipError as error:
                self.refused[entry.number] = RefusedClip(entry.name, entry.line, error.code, error.message)
        return annotated

    def each(self, stage: str, items: Mapping[str, Item], work: Callable[[Item], Result]) -> dict[str, Result]:
        """Do the work on all items, as many at a time as there are workers; refuse those on which it fails.

        Parameters
        ----------
        stage
            What the progress is called.
        items, work
            Films or parts of films by name, and what is done with each.
        """
        done: dict[str, Result] = {}
        self.on_progress(stage, 0, len(items))
        with ThreadPoolExecutor(self.workers) as pool:
            futures = {pool.submit(work, item): clip_id for clip_id, item in items.items()}
            try:
                for count, future in enumerate(as_completed(futures), 1):
                    clip_id = futures[future]
                    try:
                        done[clip_id] = future.result()
                    except Exception as error:  # noqa: BLE001 - whatever one film does, the others go on
                        item = items[clip_id]
                        annotation = item.annotation if isinstance(item, Part) else item
                        self._refuse(annotation, self._of_film(annotation, error))
                    self.on_progress(stage, count, len(items))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return {clip_id: done[clip_id] for clip_id in items if clip_id in done}

    def _of_film(self, annotation: Annotation, error: Exception) -> BachateoError:
        """Return the error as one of this film; raise it if it is one of the machine."""
        if isinstance(error, BachateoError):
            return error
        name, reason = annotation.video.name, str(error) or type(error).__name__
        if not isinstance(error, OSError):
            return ClipError("CH091", f"{name} failed ({reason}). Export it again, or leave it out.")
        if not machine_works(self.records.folder, self.limits.file_mb):
            raise error
        return ClipError("CH091", f"{name} failed ({error.strerror or reason}). Export it again, or leave it out.")

    def _refuse(self, annotation: Annotation, error: BachateoError) -> None:
        self.refused[annotation.number] = RefusedClip(annotation.clip_id, annotation.line, error.code, error.message)

    def found(self, annotation: Annotation) -> Record | None:
        """Return how a film was heard, if it was."""
        try:
            content, name = self._heard_name(annotation)
        except ClipError:
            return None
        examined = self.records.found(name)
        return {**examined, "content": content} if examined else None

    def _heard_name(self, annotation: Annotation) -> tuple[str, str]:
        content = _content_of(annotation.video)
        return content, f"heard-{_digest(HEARING_VERSION, VERSION, content, bool(annotation.beats_s))}.json"

    def examined(self, annotation: Annotation) -> Record:
        """Return how a film is heard and seen; it is done once for each content."""
        content, name = self._heard_name(annotation)
        self.used.add(name)
        examined = self.records.found(name)
        if examined is None:
            arguments = (str(annotation.video), not annotation.beats_s)
            examined = self._limited(annotation, "examine", *arguments, least_s=LEAST_CPU_S)
            self.records.keep(name, examined)
            self.heard.add(name)
        return {**examined, "content": content}

    def films(self, annotated: Mapping[str, Annotation], examined: Mapping[str, Record]) -> dict[str, Film]:
        """Return what is known of each film; those that share a recording are counted alike."""
        counted = {name: _counted(annotated[name], record) for name, record in examined.items()}
        overlaps = find_overlaps({name: record["landmarks"] for name, record in examined.items()})
        agreed = agree(counted, overlaps)
        for name, annotation in annotated.items():
            if annotation.first_count is not None:
                agreed[name] = replace(
                    agreed[name], beats_s=counted[name].beats_s, first_count=annotation.first_count, bar_confidence=1.0
                )
        agreed = with_contradictions(agreed, overlaps)
        films: dict[str, Film] = {}
        for name, annotation in annotated.items():
            try:
                films[name] = _film(annotation, examined[name], agreed[name])
            except ClipError as error:
                self._refuse(annotation, error)
        return films

    def clip(self, part: Part, size: tuple[int, int], rate_hz: int, *, anew: bool = False) -> Record:
        """Encode a clip, unless that is finished.

        Parameters
        ----------
        part
            The film and the span of it.
        size, rate_hz
            Width and height in pixels, and the rate in Hz.
        anew
            Also if it is finished.
        """
        box, brightest_cd = part.film.examined["box"], part.film.examined["brightest_cd"]
        beats_s = list(part.span.beats_s)
        key = _digest(ENCODING, part.clip_id, part.film.content, beats_s, box, size, rate_hz)
        name = f"clip-{key}.json"
        self.used.add(name)
        finished = None if anew else self.records.finished(name)
        if finished is not None:
            return finished
        path = self.records.clip(part.clip_id, key)
        with written_aside(self.records.folder / path) as aside:
            arguments = (str(part.annotation.video), str(aside), beats_s, box, size, rate_hz, brightest_cd)
            megapixels = size[0] * size[1] * rate_hz * (beats_s[-1] - beats_s[0]) / 1e6
            least_s = LEAST_CPU_S + CPU_S_PER_MEGAPIXEL * megapixels
            made = self._limited(part.annotation, "normalise", *arguments, least_s=least_s, writes=[aside])
        record = {
            **made,
            "video_path": str(path),
            "sha256": content_key(self.records.folder / path),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.records.keep(name, record)
        self.encoded.add(name)
        return record

    def _limited(
        self, annotation: Annotation, work: str, *arguments: object, least_s: float, writes: Sequence[Path] = ()
    ) -> dict[str, Any]:
        film = annotation.video
        limits = self.limits.in_proportion(film, least_s=least_s, s_per_mb=CPU_S_PER_MB)
        function = f"bachateo.moves.ingest.clip.{work}"
        try:
            answer = run_limited(function, *arguments, about=film.name, limits=limits, reads=[film], writes=writes)
        except UnexpectedError as error:
            reason = str(error).splitlines()[-1]
            raise ClipError("CH091", f"{film.name} failed ({reason}). Export it again, or leave it out.") from error
        return checked_answer(answer, work, film.name)

    def settings(
        self, films: Iterable[Film], width: int | None, height: int | None, rate_hz: int | None
    ) -> tuple[tuple[int, int], int]:
        """Return the size and the rate of all clips, and keep them.

        Parameters
        ----------
        films
            Their shapes decide the width where nothing else does.
        width, height, rate_hz
            What is wanted, in pixels and Hz; None: as before, or as the films are.
        """
        before = self.records.found(SETTINGS) or {}
        lines = _even(height or before.get("height", HEIGHT))
        shape = median(film.examined["box"][2] / film.examined["box"][3] for film in films)
        kept = before.get("width") if before.get("height") == lines else None
        settings = {
            "width": _even(width or kept or lines * shape),
            "height": lines,
            "rate_hz": rate_hz or before.get("rate_hz", RATE_HZ),
        }
        if settings != before:
            self.records.keep(SETTINGS, settings)
        return (settings["width"], settings["height"]), settings["rate_hz"]

    def _save(self, moves: tuple[Move, ...]) -> None:
        library = Library(self.records.folder, moves)
        with suppress(LibraryError):
            if Library.load(library.folder) == library:
                self.records.sweep(self.used)
                return
        library.save()
        self.records.sweep(self.used)

    def _report(self, accepted: Iterable[AcceptedClip], size: tuple[int, int], rate_hz: int) -> Report:
        refused = tuple(self.refused[number] for number in sorted(self.refused))
        return Report(self.records.folder, size, rate_hz, tuple(accepted), refused, len(self.encoded))


def _counted(annotation: Annotation, record: Record) -> Counted:
    """Return how a film was heard, or what a person says of it."""
    beats_s = annotation.beats_s or tuple(record["beats_s"])
    clear = float(sum(record["confidence"])) or 1.0
    if annotation.first_count is not None:
        return Counted(beats_s, annotation.first_count, SAID * clear, KNOWN)
    scores = tuple(record["bar_scores"]) or KNOWN
    return Counted(beats_s, record["first_count"], clear, scores, record["count_confidence"])


def _film(annotation: Annotation, record: Record, counted: Counted) -> Film:
    """Return what is known of a film. One that is too short from its 1 on begins with its 5."""
    pictures_s = tuple(record["pictures_s"])

    def spans(first_count: int) -> tuple[MoveSpan, ...]:
        return choose_spans(counted.beats_s, first_count, pictures_s, beats=annotation.beats, role=annotation.role)

    try:
        return Film(annotation, record["content"], record, counted, spans(counted.first_count))
    except ClipError:
        if annotation.first_count is not None or counted.first_count < COUNTS // 2:
            raise
        early = replace(counted, first_count=counted.first_count - COUNTS // 2, on_five=True)
        return Film(annotation, record["content"], record, early, spans(early.first_count))


def _clothes(parts: Mapping[str, Part], made: Mapping[str, Record]) -> dict[str, str]:
    """Return the name of the clothes in each film."""
    colours: dict[str, list[Colours]] = defaultdict(list)
    for clip_id, record in made.items():
        colours[parts[clip_id].annotation.clip_id].append(record["colours"])
    said = {part.annotation.clip_id: part.annotation.wardrobe for part in parts.values()}
    return wardrobes({film: joined(seen) for film, seen in colours.items()}, said)


def _content_of(video: Path) -> str:
    try:
        if video.stat().st_size > LARGEST_BYTES:
            raise ClipError("CH091", f"{video.name} has more than {LARGEST_BYTES >> 30} GB. Cut it first.")
        return content_key(video)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ClipError("CH086", f"{video.name} cannot be read ({reason}). Restore the film, or its rights.") from error


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _refuse_twin(annotation: Annotation, first: Annotation | None) -> None:
    if first:
        raise ClipError(
            "CH084",
            f"clip_id {annotation.clip_id} (line {annotation.line}) is there twice; the first, on line {first.line}, "
            "was taken. Every clip needs its own.",
        )


def _other_parameters(video_path: str) -> ClipError:
    return ClipError(
        "CH092",
        f"{video_path} was encoded with other parameters than the rest of the library; a player would show garbage "
        "after the cut. Report this, and the version of av that is installed.",
    )


def _even(number: float) -> int:
    return max(2, round(number / 2) * 2)


def _odd_ones(made: Mapping[str, Record]) -> list[str]:
    """Return the clips whose parameters are not those of most."""
    (usual, _), *others = Counter(record["parameters"] for record in made.values()).most_common() or [("", 0)]
    return [clip_id for clip_id, record in made.items() if record["parameters"] != usual] if others else []
