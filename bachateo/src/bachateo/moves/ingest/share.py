"""A share of an ingest: several machines hear and encode the films of one library, each its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bachateo.cache import content_key
from bachateo.errors import ClipError
from bachateo.isolation import Limits
from bachateo.machine import number_of_cores
from bachateo.moves.ingest.annotations import Annotation, read_entries
from bachateo.moves.ingest.document import Record, parts_of
from bachateo.moves.ingest.records import Records
from bachateo.moves.ingest.run import LIMITS, Ingestion, Progress


@dataclass(frozen=True)
class Share:
    """What one share did.

    Attributes
    ----------
    films
        The films of this share.
    heard, encoded
        The films and the clips that were worked on now; what was finished before is not done again.
    waits_for
        Shares, counted from 1, that have not heard their films. While there are any, nothing is encoded: the size of
        the pictures, and where the 1 is, depend on all films.
    """

    films: int
    heard: int
    encoded: int
    waits_for: tuple[int, ...]


def ingest_share(
    folder: Path,
    annotations: Path,
    library: Path,
    *,
    number: int,
    of: int,
    height: int | None = None,
    width: int | None = None,
    rate_hz: int | None = None,
    workers: int | None = None,
    limits: Limits = LIMITS,
    on_progress: Progress | None = None,
) -> Share:
    """Do what one share of an ingest can do now.

    Every share is called twice, in any order and on any machine that has the films and the library's folder: the
    first round hears, the second encodes. Then :func:`ingest` finds everything done, and writes the library. Killed
    at any moment and called again, a share goes on where it was.

    Parameters
    ----------
    folder, annotations, library, height, width, rate_hz, workers, limits, on_progress
        As in :func:`ingest`; equal in all shares.
    number, of
        Which share this is, from 1, and how many there are.

    Returns
    -------
    Share
        What was done, and for which shares it waits.

    Raises
    ------
    ClipError
        There is no such share (CH097), the annotations cannot be read (CH080, CH081), or the library is not ingest's
        to write (CH093).
    AtWorkError
        Another process works on this share or on the whole library (CH093).
    """
    if not 1 <= number <= of:
        raise ClipError("CH097", f"share {number} of {of} is none. Shares are counted from 1.")
    entries = read_entries(annotations)
    records = Records(library)
    with records.claimed(part=f"{number}-of-{of}"):
        work = Ingestion(
            records,
            limits,
            workers or number_of_cores(),
            on_progress or (lambda _stage, _done, _total: None),
        )
        annotated = work.annotated(entries, folder)
        mine = {name: annotation for name, annotation in annotated.items() if annotation.number % of == number - 1}
        work.each("hearing", mine, work.examined)
        records.keep(_mark(annotations, number, of), {"heard": sorted(mine)})
        waits_for = tuple(other for other in range(1, of + 1) if not records.found(_mark(annotations, other, of)))
        if not waits_for:
            _encode(work, annotated, mine, (width, height, rate_hz))
    return Share(len(mine), len(work.heard), len(work.encoded), waits_for)


def _encode(
    work: Ingestion,
    annotated: dict[str, Annotation],
    mine: dict[str, Annotation],
    wanted: tuple[int | None, int | None, int | None],
) -> None:
    """Encode the clips of this share's films. A film without a record was refused by its share."""
    heard: dict[str, Record] = {name: found for name, each in annotated.items() if (found := work.found(each))}
    films = list(work.films({name: annotated[name] for name in heard}, heard).values())
    if not films:
        return
    size, rate_hz = work.settings(films, *wanted)
    parts = parts_of(films, set(annotated))
    own = {clip_id: part for clip_id, part in parts.items() if part.annotation.clip_id in mine}
    work.each("encoding", own, lambda part: work.clip(part, size, rate_hz))


def _mark(annotations: Path, number: int, of: int) -> str:
    return f"share-{content_key(annotations)[:16]}-{number}-of-{of}.json"
