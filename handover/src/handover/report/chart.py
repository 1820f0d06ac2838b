"""Line charts as geometry: points, gaps, axes with round numbers; a template draws them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handover.report.timeline import Mark
from handover.report.watched import WatchedWindow

WIDTH, PLOT = 460, 174
LABEL_WIDTH, LABEL_HEIGHT = 66, 15
LEFT, RIGHT, BOTTOM = 70, 12, 28  # on the left as wide as "12,000 ms"
TICKS = 4
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


@dataclass(frozen=True)
class ChartLine:
    """One system's line: ``pieces`` are runs of points without a gap.

    ``last`` is what it says at its end, and ``worst`` what its worst window said, and when.
    """

    system: str
    name: str
    pieces: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    gaps: int
    last: str
    worst: str


@dataclass(frozen=True)
class Tick:
    """A mark on an axis; ``row`` counts from 0, and is higher where its text would cover another."""

    at: float
    text: str
    row: int = 0


@dataclass(frozen=True)
class Chart:
    """A chart, ready to be drawn; ``box`` is left, top, right and bottom of the plot in its ``width`` by ``height``."""

    id: str
    title: str
    unit: str
    lines: tuple[ChartLine, ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    marks: tuple[Tick, ...]
    limit: Tick | None
    summary: str
    height: int
    box: tuple[int, int, int, int]
    width: int = WIDTH

    @property
    def empty(self) -> bool:
        """Whether nothing was measured."""
        return not any(line.dots for line in self.lines)


def draw(
    id_: str,
    title: str,
    unit: str,
    series: Mapping[str, Sequence[WatchedWindow]],
    span: tuple[datetime, datetime],
    *,
    marks: Iterable[Mark] = (),
    limit: float | None = None,
) -> Chart:
    """Return a chart of one metric.

    Parameters
    ----------
    id_, title, unit
        For the template and for readers; ``unit`` is ms, s, % or nothing.
    series
        Windows by system; a window without a value is a gap, never a zero.
    span
        First and last moment of the horizontal axis.
    marks
        Moments at which people were moved; those outside the span are left out.
    limit
        The largest green value.
    """
    factor = 100.0 if unit == "%" else 1.0
    values = [w.value * factor for windows in series.values() for w in windows if w.value is not None]
    shown = None if limit is None else limit * factor
    # A limit far above everything would press the lines flat, so it is only drawn when it is near.
    near = shown is not None and (not values or shown <= 3 * max(values))
    top = _round_up(max([*values, *([shown] if near and shown is not None else [])], default=1.0) or 1.0)
    scale = _Scale(span[0], max((span[1] - span[0]).total_seconds(), 1.0), top)
    labels = tuple(_labels(scale, [mark for mark in marks if span[0] <= mark.at <= span[1]]))
    scale = replace(scale, above=LABEL_HEIGHT * (max((label.row for label in labels), default=0) + 1) + 6)
    lines = tuple(_line(system, windows, scale, factor, unit) for system, windows in series.items())
    limit_tick = Tick(scale.y(shown), f"limit {number(shown, unit)}") if near and shown is not None else None
    return Chart(
        id_,
        title,
        unit,
        lines,
        tuple(_times(scale)),
        tuple(Tick(scale.y(top * n / TICKS), number(top * n / TICKS, unit)) for n in range(TICKS + 1)),
        labels,
        limit_tick,
        "; ".join(f"{line.name} {line.last}" + (f", {line.worst}" if line.worst else "") for line in lines),
        scale.above + PLOT + BOTTOM,
        (LEFT, scale.above, WIDTH - RIGHT, scale.above + PLOT),
    )


@dataclass(frozen=True)
class _Scale:
    start: datetime
    seconds: float
    top: float
    above: int = 0

    def x(self, at: datetime) -> float:
        share = (at - self.start).total_seconds() / self.seconds
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        return round(self.above + PLOT - value / self.top * PLOT, 1)


def _line(system: str, windows: Sequence[WatchedWindow], scale: _Scale, factor: float, unit: str) -> ChartLine:
    pieces: list[list[tuple[float, float]]] = [[]]
    before: WatchedWindow | None = None
    for window in windows:
        if window.value is None or (before and window.start - before.end > 3 * (window.end - window.start)):
            pieces.append([])
        if window.value is not None:
            pieces[-1].append((scale.x(window.end), scale.y(min(window.value * factor, scale.top))))
        before = window
    drawn = [piece for piece in pieces if piece]
    dots = tuple(piece[0] for piece in drawn if len(piece) == 1) + tuple(piece[-1] for piece in drawn[-1:])
    last = windows[-1] if windows else None
    said = "no data" if last is None or last.value is None else number(last.value * factor, unit)
    texts = tuple(" ".join(f"{x},{y}" for x, y in piece) for piece in drawn if len(piece) > 1)
    gaps = sum(w.value is None for w in windows)
    return ChartLine(system, system.capitalize(), texts, dots, gaps, said, _worst(windows, factor, unit))


def _worst(windows: Sequence[WatchedWindow], factor: float, unit: str) -> str:
    """Return the highest value and when it was: a mean, and the last value, can hide an outage."""
    measured = [w for w in windows if w.value is not None]
    if not measured or not unit:
        return ""
    worst = max(measured, key=lambda w: w.value or 0)
    return f"worst {number((worst.value or 0) * factor, unit)} at {worst.end:%H:%M}"


def _labels(scale: _Scale, marks: Iterable[Mark]) -> Iterator[Tick]:
    """Yield each mark in the lowest row where its text covers no other."""
    ends: list[float] = []
    for mark in marks:
        at = scale.x(mark.at)
        row = next((number for number, end in enumerate(ends) if end <= at), len(ends))
        ends[row : row + 1] = [at + LABEL_WIDTH]
        yield Tick(at, mark.label, row)


def _times(scale: _Scale) -> Iterator[Tick]:
    step = next((s for s in STEPS_S if scale.seconds / s <= TICKS), STEPS_S[-1])
    form = "%d %b" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"  # noqa: PLR2004 - a day, a minute
    at = datetime.fromtimestamp(math.ceil(scale.start.timestamp() / step) * step, scale.start.tzinfo)
    while (at - scale.start).total_seconds() <= scale.seconds:
        yield Tick(scale.x(at), at.strftime(form))
        at += timedelta(seconds=step)


def _round_up(value: float) -> float:
    """Return the next number that divides well by the ticks.

    Examples
    --------
    >>> _round_up(37.0), _round_up(0.013), _round_up(1.0)
    (40.0, 0.016, 1.0)
    """
    power = 10.0 ** math.floor(math.log10(value))
    return next(round(step * power, 12) for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if step * power >= value)


def number(value: float, unit: str) -> str:
    """Return a value with its unit, short.

    Examples
    --------
    >>> number(12.0, "ms"), number(0.25, "%"), number(1500.0, "")
    ('12 ms', '0.25 %', '1,500')
    """
    text = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits
    return f"{text} {unit}".strip()
