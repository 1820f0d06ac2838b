"""A plan as a JSON file: all that assembly needs, checked when it is read."""

from __future__ import annotations

import json
import types
from dataclasses import MISSING, asdict, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bachateo.errors import BachateoError, SequencingError
from bachateo.files import written_aside
from bachateo.moves import Move
from bachateo.music import Analysis
from bachateo.sequence.plan import PlacedMove, Plan
from bachateo.sequence.wishes import Wishes

KIND, FORMAT = "bachateo plan", 1
SAME_TIME_S = 1e-4  # a cut is on its beat

T = TypeVar("T")


def write_plan(plan: Plan, path: Path, *, says_where: bool = True) -> None:
    """Write a plan to a JSON file, whole or not at all; an existing file is replaced.

    Parameters
    ----------
    plan
        The plan.
    path
        The file.
    says_where
        Name the folders of song and library. Without them the file tells nothing of this machine, and whoever reads
        it says where the library is.

    Notes
    -----
    ``kind`` and ``format`` say what it is. ``song`` holds its path and SHA-256, ``analysis`` what was heard in it,
    ``library`` the folder of the clips, ``wishes`` and ``relaxed`` what was asked for and given up, ``distinct_share``
    and ``changes_share`` how varied the films are and how often the clothes change, ``moves`` one
    object a move: its place, its reasons and the move as it stands in the library, with the clip (``video_path``)
    relative to the library's folder.
    """
    document = {
        "kind": KIND,
        "format": FORMAT,
        "song": {"path": str(plan.song.resolve()) if plan.song and says_where else None, "sha256": plan.song_sha256},
        "library": str(plan.library.resolve()) if says_where else "",
        "wishes": asdict(plan.wishes),
        "relaxed": plan.relaxed,
        "distinct_share": plan.distinct_share,
        "changes_share": plan.changes_share,
        "analysis": asdict(plan.analysis),
        "moves": [{name: value for name, value in asdict(placed).items() if name != "clip"} for placed in plan.moves],
    }
    with written_aside(path) as aside:
        aside.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")


def read_plan(path: Path, *, library: Path | None = None) -> Plan:
    """Read a plan and check that it can be danced.

    Parameters
    ----------
    path
        A file of :func:`write_plan`.
    library
        The folder of the clips, when it is no longer where the plan says.

    Returns
    -------
    Plan
        As it was written. That the song and the clips are still there, and still the same, is not looked at.

    Raises
    ------
    SequencingError
        There is no such file, it is no plan, or what it says does not fit together.
    """
    document = _load(path)
    song = _part(document, "song", dict, path)
    folder = library or Path(_part(document, "library", str, path))
    analysis = _built(Analysis, _part(document, "analysis", dict, path), f"analysis in {path}")
    moves = tuple(
        _placed(placed, folder, f"move {number} in {path}")
        for number, placed in enumerate(_part(document, "moves", list, path), 1)
    )
    song_path = _checked(song.get("path"), str | None, f"path of the song in {path}")
    plan = Plan(
        analysis=analysis,
        moves=moves,
        relaxed=_checked(document.get("relaxed"), tuple[str, ...], f"relaxed in {path}"),
        wishes=_built(Wishes, _part(document, "wishes", dict, path), f"wishes in {path}"),
        library=folder,
        song=Path(song_path) if song_path else None,
        song_sha256=_checked(song.get("sha256"), str, f"sha256 of the song in {path}"),
    )
    problem = _problem(plan)
    if problem:
        raise SequencingError("CH059", f"{path} does not fit together: {problem}. Plan the song again.")
    return plan


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SequencingError("CH054", f"{path} cannot be read ({reason}). Give the file of a plan.") from error
    except (ValueError, RecursionError) as error:
        raise SequencingError("CH055", f"{path} is not valid JSON ({error}). Plan the song again.") from error
    if not isinstance(document, dict) or (document.get("kind"), document.get("format")) != (KIND, FORMAT):
        raise SequencingError(
            "CH056", f"{path} is not a plan of format {FORMAT}. Plan the song again with this version."
        )
    return document


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _part(document: dict[str, Any], name: str, kind: type[T], path: Path) -> T:
    value = document.get(name)
    if not isinstance(value, kind):
        raise _wrong(f"{name} in {path}", value, kind.__name__)
    return value


def _placed(placed: Any, folder: Path, where: str) -> PlacedMove:
    if not isinstance(placed, dict) or not isinstance(placed.get("move"), dict):
        raise _wrong(where, placed, "an object with a move")
    move = _built(Move, placed["move"], where)
    clip = folder / move.video_path
    if not clip.resolve().is_relative_to(folder.resolve()):
        raise SequencingError("CH059", f"the clip of {where} leads out of the library. Plan the song again.")
    return _built(PlacedMove, {**placed, "move": move, "clip": clip}, where)


def _built(kind: type[T], values: dict[str, Any], where: str) -> T:
    """Make a dataclass of a JSON object; fields that are not known are left alone."""
    hints = get_type_hints(kind)
    known = {}
    for field in fields(kind):  # type: ignore[arg-type]  # every kind is a dataclass
        if field.name in values:
            known[field.name] = _checked(values[field.name], hints[field.name], f"{field.name} of {where}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise _wrong(f"{field.name} of {where}", None, str(field.type))
    try:
        return kind(**known)
    except BachateoError as error:
        raise SequencingError("CH057", f"{where}: {error.message} Plan the song again.") from error


def _checked(value: Any, hint: Any, where: str) -> Any:
    """Return a JSON value as its type: a list as a tuple, an object as its dataclass."""
    kind = get_origin(hint) or hint
    if kind in {Union, types.UnionType}:
        for one in get_args(hint):
            if _looks_like(value, get_origin(one) or one):
                return _checked(value, one, where)
    elif kind is tuple and isinstance(value, list):
        item, *others = get_args(hint)
        of_each = [item] * len(value) if others == [...] else [item, *others]
        if len(of_each) == len(value):
            return tuple(_checked(part, one, where) for part, one in zip(value, of_each, strict=True))
    elif is_dataclass(kind) and isinstance(value, dict):
        return _built(kind, value, where)  # type: ignore[arg-type]
    elif _looks_like(value, kind):
        return value
    raise _wrong(where, value, str(getattr(hint, "__name__", hint)))


def _looks_like(value: Any, kind: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is tuple:
        return isinstance(value, list)
    return isinstance(value, kind)


def _wrong(where: str, value: Any, expected: str) -> SequencingError:
    shown = repr(value) if len(repr(value)) < 40 else f"{repr(value)[:40]}…"  # noqa: PLR2004  # a line's worth
    return SequencingError("CH057", f"{where} is {shown}; it must be {expected}. Plan the song again.")


def _problem(plan: Plan) -> str | None:
    """Return why a plan contradicts itself, if it does."""
    beats_s, starts, slots = plan.analysis.beats_s, plan.analysis.starts, plan.analysis.eight_counts
    if not all(before < after for before, after in pairwise(beats_s)):
        return "the beats do not rise"
    counted = (plan.analysis.first_count, *plan.analysis.restarts)
    if counted != tuple(sorted(set(counted))) or counted[0] < 0 or not 0 < slots <= len(starts) or not plan.moves:
        return f"{slots} eight-counts and {len(plan.moves)} moves for {len(beats_s)} beats"
    slot = 0
    for number, placed in enumerate(plan.moves, 1):
        if slot >= slots or placed.first_beat != starts[slot]:
            return f"move {number} begins at beat {placed.first_beat}, not where the one before ends"
        slot += placed.move.eight_counts
        last = number == len(plan.moves)
        end_s = plan.analysis.duration_s if last or slot >= slots else beats_s[starts[slot]]
        if abs(placed.start_s - beats_s[placed.first_beat]) > SAME_TIME_S or abs(placed.end_s - end_s) > SAME_TIME_S:
            return f"move {number} lasts from {placed.start_s} to {placed.end_s} s, which is not on its beats"
    return None if slot >= slots else "the last move ends before the song does"
