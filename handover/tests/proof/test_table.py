"""A run of the proofs as people read it."""

import io

from rich.console import Console

from handover.proof.outcome import Outcome
from handover.proof.run import JudgedOutcome, ProofRun
from handover.proof.table import show


def printed(*judged: JudgedOutcome) -> str:
    console = Console(file=io.StringIO(), width=120, highlight=False)
    show(ProofRun(judged), console)
    return console.file.getvalue()


def outcome(name: str, seconds: float, counts: dict[str, int]) -> JudgedOutcome:
    note = "tasks: 3 rows are refused by both systems alike"
    return JudgedOutcome(name, name, Outcome(name, counts, notes=(note,)), seconds=seconds)


def test_show__two_outcomes_of_one_group__say_their_time_and_their_note_once():
    said = printed(
        outcome("one", 7.25, {"rows": 1}), outcome("other", 7.25, {"rows": 2}), outcome("third", 3.5, {"rows": 2})
    )
    assert said.count("refused by both systems alike") == 1
    assert [line.split()[-1] for line in said.splitlines()[2:5]] == ["7.2", "″", "3.5"]


def test_show__counts__are_nouns_and_one_is_singular():
    counts = {"questions": 172, "counted": 2, "bulk": 8, "lists": 1, "existing_rows": 1, "rows of tasks": 4}
    said = printed(outcome("one", 1.0, counts))
    assert "172 lookups, 2 comparisons of counts, 8 rows in bulk, 1 comparison of order, 1 existing row" in said
    assert "rows of tasks" not in said
