"""Both systems of a small pair write at once on a clone, in interpreters of their own, with real faults."""

import threading

import psycopg
import pytest

from handover.config.config import load_config
from handover.errors import ConfigurationError, RaisedError
from handover.journal.evidence import recording
from handover.proof.groups import concurrent_writes
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget, Size
from handover.proof.writer_processes import WritePlan
from handover.side import Side
from handover_testing.faults.concurrent import NARROW, SYSTEMS
from handover_testing.faults.concurrent_play import caught, play

PLAN = WritePlan(operations=240, batch=8, agents=2, rows=3, rows_last=120)
# A bench plants the others.
PLAYED = ("save() that ignores update_fields", "transactions without effect", "reads from a cache")


def proven(
    pair, *, throwaway: bool = True, size: Size = "small", say=lambda _: None, plan: WritePlan = PLAN
) -> Outcome:
    config = load_config(pair.folder / "handover.toml")
    target = ProofTarget(config, pair.database.url("owner"), throwaway, size, seed=1, say=say)
    with recording(config, "prove") as recorder:
        return concurrent_writes.prove(target, recorder, plan)


def writing(pair, *more: str, **styles: tuple[str, ...]) -> None:
    path = pair.folder / "handover.toml"
    lines = [f"{side} = {list(chosen)}" for side, chosen in styles.items()]
    path.write_text("\n".join([path.read_text(), "[prove.concurrent]", *lines, *more, ""]))


def places(outcome: Outcome) -> set[tuple[str, str, Side | None]]:
    return {(f.finding.code, f.finding.where, f.caused_by) for f in outcome.failures}


def left_behind(pair) -> list[tuple[str]]:
    query = """
        SELECT nspname FROM pg_namespace WHERE nspname LIKE 'handover%'
        UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE 'handover%'
        UNION ALL SELECT task_id FROM dance_tasks WHERE error LIKE 'prove-%'
    """
    with psycopg.connect(pair.database.url("owner")) as connection:
        return connection.execute(query).fetchall()


def test_prove__narrow_writes_on_both_sides__finds_only_the_control(pair):
    writing(pair, original=NARROW, backend=NARROW)
    outcome = proven(pair)
    assert places(outcome) == set()
    assert outcome.empty == ()
    assert outcome.figures["backend_anomalies"] == outcome.figures["unaccepted_anomalies"] == 0
    assert outcome.figures["planted_caught"] == 2
    assert outcome.figures["contended_pct"] >= 30
    assert outcome.figures["faults"] == 3
    assert "PostgreSQL is killed and restarted: not tried; set [prove] restart" in outcome.notes
    assert left_behind(pair) == []


def test_prove__original_saves_stale_objects__is_blamed_and_can_be_accepted(pair):
    writing(pair, original=("save", "update"), backend=NARROW)
    outcome = proven(pair)
    where = "dance_tasks: stale save by the original"
    assert ("HO320", where, "original") in places(outcome)
    assert {side for _, _, side in places(outcome)} == {"original"}
    assert outcome.figures["backend_anomalies"] == 0 < outcome.figures["unaccepted_anomalies"]
    (stale,) = [f for f in outcome.failures if f.finding.code == "HO320"]
    assert stale.reproduce[0].startswith("row ")
    assert stale.reproduce[-1].startswith("original (agent ")
    assert " knew [" in stale.reproduce[-1]


@pytest.mark.full
def test_prove__no_copy__injects_no_fault_leaves_nothing_and_the_full_run_is_not_green(pair):
    writing(pair, original=("save",), backend=NARROW)
    outcome = proven(pair, throwaway=False, size="full")
    assert ("HO320", "dance_tasks: stale save by the original", "original") in places(outcome)
    assert outcome.figures["planted_caught"] == 2
    (unseen,) = [f.finding for f in outcome.failures if f.finding.code == "HO336"]
    assert (unseen.where, unseen.found, unseen.severity) == ("all faults", "was not tried", "unseen")
    assert "versions" not in outcome.counts
    assert "no versions were recorded" in " ".join(outcome.notes)
    assert left_behind(pair) == []


@pytest.mark.full
def test_prove__one_side_works_at_repeatable_read__is_proven_at_both_levels(pair):
    settings = pair.folder / "backend" / "settings.py"
    module = "django.db.backends.postgresql.psycopg_any"
    level = f"__import__({module!r}, fromlist=['x']).IsolationLevel.REPEATABLE_READ"
    settings.write_text(f"{settings.read_text()}\nDATABASES['default']['OPTIONS'] = {{'isolation_level': {level}}}\n")
    writing(pair, "retries = { backend = 99 }", original=NARROW, backend=NARROW)
    outcome = proven(pair)
    assert places(outcome) == set()
    assert "isolation: read committed, repeatable read" in outcome.notes[0]
    assert outcome.counts["operations"] > 240


@pytest.mark.full
def test_prove__interrupted_while_all_write__leaves_no_trigger(pair):
    def interrupt(line: str) -> None:
        if "connections are cut" in line:
            raise KeyboardInterrupt

    writing(pair, original=NARROW, backend=NARROW)
    with pytest.raises(KeyboardInterrupt):
        proven(pair, say=interrupt)
    assert [name for (name,) in left_behind(pair) if name.startswith("handover")] == []
    assert [t for t in threading.enumerate() if t.name.endswith("writer")] == []


@pytest.mark.full
def test_prove__system_raises__its_error_is_quoted(pair):
    models = pair.folder / "backend/apps/dance/models.py"
    code = (
        "def update(self, **kwargs):\n    raise ValueError('no updates on Sundays')\nmodels.QuerySet.update = update\n"
    )
    models.write_text(f"{models.read_text()}\n\n{code}")
    writing(pair, original=NARROW, backend=("update",))
    with pytest.raises(RaisedError, match=r"the backend could not answer(.*\n)+.*no updates on Sundays"):
        proven(pair)


def test_prove__column_is_missing__says_which_and_what_to_do(pair):
    writing(pair, 'table = "dance_tasks"', 'number = "nothing"')
    with pytest.raises(
        ConfigurationError,
        match=r"HO337  no model fits(.*\n)*.*dance_tasks: no column for number \(nothing\)",
    ):
        proven(pair)


@pytest.mark.full
@pytest.mark.parametrize("fault", [f for f in SYSTEMS if f.name in PLAYED], ids=lambda f: f.name)
def test_prove__fault_in_the_backend__is_caught_and_the_backend_is_blamed(stage, python, tmp_path, fault):
    outcome = play(stage, fault, tmp_path, python=python, operations=240)
    assert caught(fault, outcome), places(outcome)
