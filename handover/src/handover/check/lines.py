"""Findings as lines of text: whole, or short enough for a screen."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.cells import cell_len

from handover.finding import Finding
from handover.wording import one_line

# A terminal in the night of the switch: what does not fit is not read.
WIDTH, SCREEN = 100, 40
FEW = 5
LONG = 400
INDENT = "     "


def height(lines: Iterable[str], width: int = WIDTH) -> int:
    """Return how many lines of a terminal some lines take, with those that it wraps."""
    return sum(max(math.ceil(cell_len(line) / width), 1) for line in lines)


def shortened(parts: Sequence[str], few: int = FEW, room: int = WIDTH) -> str:
    """Return the first few of many, as many as fit into ``room`` characters, and how many more there are.

    Parameters
    ----------
    parts
        All of them.
    few
        The number to show at most.
    room
        The number of characters at most.

    Examples
    --------
    >>> shortened("abc"), shortened("abcdefgh")
    ('a, b, c', 'a, b, c, d, e and 3 more')
    """
    if len(parts) <= few and len(", ".join(parts)) <= room:
        return ", ".join(parts)
    shown = list(parts[:few])
    while len(shown) > 1 and len(", ".join(shown)) > room:
        shown.pop()
    more = len(parts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def cut(text: str, length: int) -> str:
    """Return a text that is no longer than that."""
    return text if len(text) <= length else text[: length - 2].rstrip() + " …"


def head(finding: Finding, mark: str) -> str:
    """Return a finding in one line, its lists shortened."""
    said = one_line(f"{finding.found}: {shortened(finding.parts)}" if finding.parts else finding.found)
    expected = f"; {cut(one_line(finding.expected), LONG)}" if finding.expected else ""
    return f"{mark} {finding.code} {_effect(finding)}: {one_line(finding.where)} {cut(said, LONG)}{expected}."


def _effect(finding: Finding) -> str:
    return f"safe for {finding.hurts}" if finding.severity == "safe" else f"{finding.severity}, hurts {finding.hurts}"


def whole(finding: Finding, mark: str) -> list[str]:
    """Return everything that a finding says."""
    line = one_line(f"{mark} {finding.code} {_effect(finding)}: {finding.where} {finding.what}")
    return [line, *(INDENT + todo for todo in finding.todo.splitlines())]


def short(findings: Sequence[Finding], mark: Callable[[Finding], str], room: int, width: int = WIDTH) -> list[str]:
    """Return findings, the worst first, in as many words as fit into ``room`` lines.

    Each with what to do, if that fits; else those of one code together: with what to do, without, in one line; and at
    last as many codes as there is room for.

    Parameters
    ----------
    findings
        The worst first.
    mark
        Returns the mark of a finding.
    room
        The number of lines.
    width
        The number of characters in a line.
    """
    groups = _groups(findings)
    forms: tuple[Callable[[], list[str]], ...] = (
        lambda: [line for finding in findings for line in (head(finding, mark(finding)), *_todo(finding))],
        lambda: [line for group in groups for line in (*_together(group, mark, width), *_todo(group[0])[:1])],
        lambda: [line for group in groups for line in _together(group, mark, width)],
        lambda: [_line(group, mark, width) for group in groups],
    )
    for form in forms:
        lines = form()
        if height(lines, width) <= room:
            return lines
    shown = max(room - 1, 1)
    rest = [finding for group in groups[shown:] for finding in group]
    return [*lines[:shown], f"… and {len(rest)} more findings: {shortened(sorted({f.code for f in rest}), 8)}"]


def _groups(findings: Iterable[Finding]) -> list[list[Finding]]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.severity), []).append(finding)
    return list(groups.values())


def _todo(finding: Finding) -> list[str]:
    lines = finding.todo.splitlines()
    shown = [INDENT + cut(line, LONG) for line in lines[:FEW]]
    return [*shown, f"{INDENT}… and {len(lines) - FEW} more lines: --all"] if len(lines) > FEW else shown


def _together(group: Sequence[Finding], mark: Callable[[Finding], str], width: int) -> Iterator[str]:
    yield cut(head(group[0], mark(group[0])), 2 * width - 2)
    if len(group) > 1:
        places = list(dict.fromkeys(one_line(finding.where) for finding in group[1:]))
        words = f"{INDENT}and {len(group) - 1} more of its kind: "
        yield words + shortened(places, 8, width - len(words) - len(" and 99 more"))


def _line(group: Sequence[Finding], mark: Callable[[Finding], str], width: int) -> str:
    more = f" (and {len(group) - 1} more)" if len(group) > 1 else ""
    first = group[0]
    where = one_line(first.where)
    sentence = f"{mark(first)} {first.code} {where} {head(first, '').partition(f'{where} ')[2]}"
    return cut(sentence, width - 1 - len(more)) + more
