"""The verdict as one HTML page that needs nothing else."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from handover.check.steps import answer, steps
from handover.check.table import critical_points, mapped, mark_of
from handover.check.verdict import Verdict
from handover.finding import Finding
from handover.wording import printable


def style() -> str:
    """Return the style that every page of the toolkit shares."""
    return files("handover.check").joinpath("style.css").read_text()


def as_html(verdict: Verdict) -> str:
    """Return the verdict as a page."""
    judged = verdict.judged
    accepted = [(f, f"{a.because}" + (f" (until {a.until})" if a.until else "")) for f, a in judged.accepted]
    parts = [
        f"<h1>{mark_of(verdict.open)} handover check</h1>",
        f"<p>{escape(printable(answer(verdict)))}</p><p>{escape(printable(verdict.summary()))}</p>",
        _section("Do this first, in this order", ("", "what", "where", "codes"), _steps(verdict)),
        _section("Models Mapped", ("", "table", "original", "backend", "rows compared"), mapped(verdict)),
        _section("Critical Compatibility Points", ("", "point"), critical_points(verdict)),
        _findings("Findings", verdict.problems),
        _findings("Could not be looked at", verdict.unseen),
        _findings("Safe", verdict.safe),
        _section(
            "Accepted in the contract",
            ("code", "place", "is", "because"),
            [(f.code, f.where, f.what, because) for f, because in accepted],
        ),
    ]
    head = f'<meta charset="utf-8"><title>handover check</title><style>{style()}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _steps(verdict: Verdict) -> list[tuple[str, ...]]:
    found = enumerate(steps(verdict), 1)
    return [(f"{number}.", s.words, ", ".join(s.places), ", ".join(s.codes)) for number, s in found]


def _findings(title: str, findings: Iterable[Finding]) -> str:
    rows = [(mark_of([f]), f.code, f.severity, f.hurts, f.where, f.what, f.todo) for f in findings]
    return _section(title, ("", "code", "severity", "hurts", "place", "what is, what was expected", "what to do"), rows)


def _section(title: str, headings: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join(
        f"<tr>{''.join(f'<td class=todo>{escape(printable(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    if not body:
        return ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
