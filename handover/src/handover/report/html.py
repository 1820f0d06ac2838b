"""The verdict as one HTML page that needs nothing else."""

from collections.abc import Iterable
from html import escape

from handover.errors import Finding
from handover.report.table import critical_points, mapped, mark_of
from handover.report.verdict import Verdict

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 0 0 2rem; }
td, th { border-bottom: 1px solid #8884; padding: .4rem .6rem; text-align: left; vertical-align: top; }
code { font-size: .9em; } .todo { white-space: pre-wrap; } :root { color-scheme: light dark; }
"""


def as_html(verdict: Verdict) -> str:
    """Return the verdict as a page."""
    judged = verdict.judged
    accepted = [(f, f"{a.because}" + (f" (until {a.until})" if a.until else "")) for f, a in judged.accepted]
    parts = [
        f"<h1>{mark_of(judged.open)} handover check</h1><p>{escape(verdict.summary())}</p>",
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
    head = f'<meta charset="utf-8"><title>handover check</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _findings(title: str, findings: Iterable[Finding]) -> str:
    rows = [(mark_of([f]), f.code, f.severity, f.hurts, f.where, f.what, f.todo) for f in findings]
    return _section(title, ("", "code", "severity", "hurts", "place", "what is, what was expected", "what to do"), rows)


def _section(title: str, headings: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td class=todo>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
