"""Findings merged: one for both systems, and one for each cause."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from handover.finding import Finding

ORDER = {"breaking": 0, "risky": 1, "unseen": 2, "safe": 3}


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Merge findings that hurt both systems, and sort: the worst first, then by place."""
    result: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        key = (finding.code, finding.where, finding.said)
        known = result.setdefault(key, finding)
        if known is finding or known == finding:
            continue
        hurts = known.hurts if known.hurts == finding.hurts else "both"
        severity = min(known.severity, finding.severity, key=ORDER.__getitem__)
        expected = _joined(known.expected, finding.expected)
        cause = None
        if known.cause and finding.cause:
            cause = replace(known.cause, expected=_joined(known.cause.expected, finding.cause.expected))
        result[key] = replace(known, hurts=hurts, expected=expected, severity=severity, cause=cause)
    return _sorted(result.values())


def by_cause(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Merge findings with one cause; a finding that is alone with its cause stays as it is.

    The contract judges findings before that: one that was accepted stays so, whatever has the same cause later.
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for number, finding in enumerate(findings):
        cause = finding.cause
        alone = (str(number),)
        key = (finding.code, finding.severity, finding.hurts, cause.where, cause.found) if cause else alone
        groups.setdefault(key, []).append(finding)
    return _sorted(one for group in groups.values() for one in _one(group))


def _one(group: list[Finding]) -> Iterator[Finding]:
    first, cause = group[0], group[0].cause
    if cause is None or len(group) == 1:
        yield first
        return
    parts = tuple(dict.fromkeys(finding.cause.part for finding in group if finding.cause))
    todo = cause.todo or _advice(dict.fromkeys(finding.todo for finding in group))
    yield replace(first, where=cause.where, found=cause.found, expected=cause.expected, todo=todo, parts=parts)


def _advice(todos: Iterable[str]) -> str:
    """Return several pieces of advice as one; a line that introduces statements stands once above all of them.

    Examples
    --------
    >>> print(_advice(["Run this:\\nDROP a", "Tell the team.", "Run this:\\nDROP b"]))
    Run this:
    DROP a
    DROP b
    Tell the team.
    """
    introduced: dict[str, list[str]] = {}
    for todo in todos:
        head, colon, statements = todo.partition(":\n")
        introduced.setdefault(f"{head}:" if colon else todo, []).extend([statements] if colon else [])
    return "\n".join("\n".join([head, *statements]) for head, statements in introduced.items())


def _joined(known: str, other: str) -> str:
    return known if other in known else f"{known}, and {other}"


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (ORDER[f.severity], f.where, f.code, f.said)))
