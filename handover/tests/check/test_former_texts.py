"""What version 0.1 accepted stays accepted, though its texts are worded otherwise today."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import handover
from handover.check.contract import Accepted
from handover.check.former_texts import FORMER_TEXTS, todays
from handover.finding import Finding

# Code, the text of 0.1, today's; and a piece of today's that its source holds, word for word.
WRITER = [(f"HO{n}", "t: stale save by somebody unknown", "t: stale save by an unknown writer", "an unknown writer")
          for n in range(320, 334)]  # fmt: skip
UNCOMPARED = ("nobody could compare them", "they could not be compared", "they could not be compared")
LOGIN = (
    "whoever registers on one must get into the other",
    "an account of one system must log in on the other",
    "an account of one system must log in on the other",
)
TEXTS = [
    *WRITER,
    ("HO111", *UNCOMPARED),
    ("HO123", *UNCOMPARED),
    ("HO144",
     "a.B expects that it is late: ON CONFLICT refuses it, and a duplicate may be told of too late to be caught",
     "a.B expects that it is late: ON CONFLICT refuses it, and a duplicate may be reported too late to be caught",
     "ON CONFLICT refuses it, and a duplicate may be reported too late to be caught"),
    ("HO182", "a session of one system is none of the other: everybody is logged out at the switch",
     "a session of one system does not exist in the other: everybody is logged out at the switch",
     "a session of one system does not exist in the other: everybody is logged out at the switch"),
    ("HO239", "has_perm of the backend is never asked for it: whoever holds it has lost it there",
     "has_perm of the backend is never asked for it, so its holders lose it there",
     "has_perm of the {} is never asked for it, so its holders lose it there"),
    ("HO305", "the original reaches the rows so", "the original reaches the rows that way",
     "the {other} reaches the rows that way"),
    ("HO312", "many rows must come across like one", "many rows at once must be stored as one by one",
     "many rows at once must be stored as one by one"),
    ("HO320", "a write keeps what it does not mean",
     "a write keeps the columns that it does not mean",
     "a write keeps the columns that it does not mean"),
    ("HO321", "nobody sees what is rolled back",
     "what is rolled back stays unseen", "what is rolled back stays unseen"),
    ("HO334", "is written too calmly: 0.5 % of the operations met another on their row",
     "has too few concurrent writes: 0.5 % of the operations overlapped another one on their row",
     "{} % of the operations overlapped another one on their row"),
    ("HO335", "holds a planted stale save by the backend that the check did not see",
     "holds a planted stale save by the backend that the check did not find",
     "holds a planted stale save by the {} that the check did not find"),
    ("HO335", "the control has to be seen in every run", "the control must be found in every run",
     "the control must be found in every run"),
    ("HO336", "nothing is proven by it", "such a fault proves nothing", "such a fault proves nothing"),
    ("HO338", "both systems go on by themselves", "both systems must recover by themselves",
     "both systems must recover by themselves"),
    ("HO350", "it tells no two apart", "it cannot tell two documents apart", "it cannot tell two documents apart"),
    ("HO351", "is noise: no two of 90 documents are more alike than chance makes them",
     "is noise: no two of 90 documents are more alike than random vectors",
     "is noise: no two of {} documents are more alike than random vectors"),
    ("HO366", "names 'a.txt' of the original, which the backend deleted; it is still found by nobody",
     "names 'a.txt' of the original, which the backend deleted; delete() failed", "delete() failed"),
    ("HO380", *LOGIN),
    ("HO381", *LOGIN),
    ("HO383", "cannot be opened: authenticate() lets nobody in",
     "cannot be opened: authenticate() refuses the account", "authenticate() refuses the account"),
    ("HO383", "its bearer is logged in", "its user is logged in", "its user is logged in"),
    ("HO383", "makes nobody on the backend", "is anonymous on the backend", "is anonymous on the {}"),
    ("HO383", "its bearer must be logged in on both", "its user must be logged in on both",
     "its user must be logged in on both"),
    ("HO388", "what an account may do on one it may do on the other", "an account may do the same on both",
     "an account may do the same on both"),
    ("HO388", "held by accounts that are there does not hold on the backend: a, b",
     "held by stored accounts does not hold on the backend: a, b",
     "held by stored accounts does not hold on the {}: {}"),
    ("HO391", "was not hung on a row of t: no model of either system writes u, which a foreign key leads to.",
     "could not be filled with a reference to a row of t: no model of either system writes u, "
     "which a foreign key points at.",
     "could not be filled with a reference to a row of {}: {}"),
    ("HO391", "so it is not known whether the other system can still delete such rows",
     "it is not known whether the other system can still delete such rows",
     "it is not known whether the other system can still delete such rows"),
    ("HO401", "does not answer at http://a (ConnectError); no flow was made",
     "does not answer at http://a (ConnectError); no flow was run", "does not answer at {} ({}); no flow was run"),
    ("HO402", "has {run} in no step, so nobody can tell in which database its rows are",
     "has {run} in no step, so its rows cannot be found in any database",
     "has {run} in no step, so its rows cannot be found in any database"),
    ("HO402",
     "left no row with its {run} in any mapped table when made on the backend: the systems run on another database",
     "left no row with its {run} in any mapped table after a run on the backend: it uses another database",
     "left no row with its {run} in any mapped table after a run on the {}: it uses another database"),
    ("HO615", "equal failures compare nothing", "equal failures prove nothing", "equal failures prove nothing"),
    ("HO617", "was nothing but noise in 1 place", "was only noise in 1 place", "was only noise in {}"),
]  # fmt: skip


def accepted(code: str, text: str) -> tuple[Accepted, ...]:
    """Return acceptances that hold a text as the place, as what was found and as what was expected."""
    rest = [{"place": "p", "found": "f", "expected": "e"} | {name: text} for name in ("place", "found", "expected")]
    return tuple(Accepted(code=code, because="x", severity="risky", **one) for one in rest)


def findings(code: str, text: str) -> tuple[Finding, ...]:
    """Return findings that say a text at the same three places."""
    rest = [{"where": "p", "found": "f", "expected": "e"} | {name: text} for name in ("where", "found", "expected")]
    return tuple(Finding(code=code, todo="x", severity="risky", **one) for one in rest)


@cache
def sources() -> frozenset[str]:
    """Return every text in the toolkit's code, with {} for what is filled in; the table itself is left out."""
    folder = Path(handover.__file__).parent
    files = (f for f in folder.rglob("*.py") if f.name != "former_texts.py")
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    return frozenset(filter(None, map(_text, nodes)))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@pytest.mark.parametrize(("code", "former", "today", "source"), TEXTS)
def test_covers__accepted_with_the_former_text__covers_todays_finding_and_only_that(code, former, today, source):
    for entry, finding, other in zip(
        accepted(code, former), findings(code, today), findings(code, f"{today} x"), strict=True
    ):
        assert entry.covers(finding)
        assert not entry.covers(other)
    for entry, finding in zip(accepted("HO112", former), findings("HO112", today), strict=True):
        assert not entry.covers(finding)
    assert any(source in text for text in sources()), "worded otherwise again: FORMER_TEXTS must say today's text"
    assert todays(code, today) == today


def test_covers__accepted_of_the_other_system__does_not_cover():
    for entry, finding in zip(
        accepted("HO383", "makes nobody on the original"), findings("HO383", "is anonymous on the backend"), strict=True
    ):
        assert not entry.covers(finding)


def test_former_texts__each_one__has_an_example():
    used = {
        (code, former)
        for code, pairs in FORMER_TEXTS.items()
        for former, _ in pairs
        for c, old, _, _ in TEXTS
        if c == code and re.search(former, old)
    }
    assert used == {(code, former) for code, pairs in FORMER_TEXTS.items() for former, _ in pairs}
