"""Compares two answers to one query: the ids, their order and their scores."""

from collections.abc import Iterator, Mapping

from handover.finding import Finding
from handover.proof.outcome import Failure
from handover.proof.search.queries import Query
from handover.proof.search.sender import SearchAnswer
from handover.side import Side
from handover.wording import counted

# The strategy says "same scores": two sums of the same products in double precision never differ by more than this.
TOLERANCE = 1e-6
SHOWN = 3


def differences(query: Query, answers: Mapping[Side, SearchAnswer]) -> Iterator[Finding]:
    """Yield the differences between the answers of both systems to a query; only the first kind of difference."""
    for side, answer in answers.items():
        if answer.error is not None:
            found = f"is answered by the {side} with {answer.error}"
            todo = "Search there by hand; or correct [search] in handover.toml."
            yield Finding(
                code="HO343",
                where=side,
                found=found,
                expected="hits were expected",
                todo=todo,
                severity="breaking",
                hurts=side,
            )
    if any(answer.error is not None for answer in answers.values()):
        return
    original, backend = answers[Side.ORIGINAL].hits, answers[Side.BACKEND].hits
    one, other = [name for name, _ in original], [name for name, _ in backend]
    if set(one) != set(other):
        yield _other_ids(query, one, other)
    elif one != other:
        place = next(n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
        found = f"has {one[place]} at place {place + 1} in the original and {other[place]} in the backend"
        todo = "Compare how the two rank, and what they do with a tie."
        yield Finding(
            code="HO345",
            where="order",
            found=f"of {query.title} {found}",
            expected="",
            todo=todo,
            severity="breaking",
            hurts=Side.BACKEND,
        )
    else:
        yield from _other_scores(query, original, backend)


def _other_ids(query: Query, one: list[str], other: list[str]) -> Finding:
    only = {Side.ORIGINAL: sorted({*one} - {*other}), Side.BACKEND: sorted({*other} - {*one})}
    parts = [f"only the {side} finds {counted(len(n), 'id')} ({', '.join(n[:SHOWN])})" for side, n in only.items() if n]
    found = f"of {query.title} differ: {' and '.join(parts)}, of {len(one)} and {len(other)}"
    todo = "Compare the filters, how many hits each asks for, and when each drops a filter."
    return Finding(
        code="HO344", where="ids", found=found, expected="", todo=todo, severity="breaking", hurts=Side.BACKEND
    )


def _other_scores(
    query: Query, original: tuple[tuple[str, float], ...], backend: tuple[tuple[str, float], ...]
) -> Iterator[Finding]:
    pairs = zip(original, backend, strict=True)
    name, one, other = max(
        ((name, a, b) for (name, a), (_, b) in pairs), key=lambda hit: _apart(*hit[1:]), default=("", 0.0, 0.0)
    )
    if _apart(one, other) > TOLERANCE:
        found = f"of {query.title} differ: {name} has {one!r} in the original and {other!r} in the backend"
        todo = "Compare the weights, the formula, and where each rounds."
        yield Finding(
            code="HO346",
            where="scores",
            found=found,
            expected=f"they may differ by {TOLERANCE:g}",
            todo=todo,
            severity="breaking",
            hurts=Side.BACKEND,
        )


def _apart(one: float, other: float) -> float:
    distance = abs(one - other)
    return distance if distance == distance else float("inf")  # noqa: PLR0124 - NaN is no score


def smallest(met: Mapping[str, tuple[Query, Finding, int]]) -> tuple[Failure, ...]:
    """Return one failure for each kind of difference, with the smallest query that shows it."""
    failures = []
    for query, finding, count in met.values():
        asked = {name: f"{len(vector)} numbers" for name, vector in query.vectors.items()}
        lines = (f"vectors: {asked}, from {query.origin}", f"filters: {dict(query.filters)}", f"queries: {count}")
        failures.append(Failure(finding, lines))
    return tuple(failures)
