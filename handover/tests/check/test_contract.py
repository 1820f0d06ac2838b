"""Findings that are accepted, for a time and for a reason."""

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from importlib.resources import files

import pytest

from handover.check.contract import Accepted, Contract, judge
from handover.finding import Finding

ADDED = "ALTER TABLE dance_videos ADD source text NOT NULL DEFAULT 'x'"
ACCEPT = ("contract", "accept", "HO131", "dance_videos.source", "--because", "Both leave it to the database.")


def test_accept__finding_that_is_there__makes_the_pair_clean(pair):
    pair.superuser(ADDED)
    assert pair.check().returncode == 4
    done = pair.handover(*ACCEPT)
    assert done.returncode == 0, done.stderr
    check = pair.check("--json")
    assert check.returncode == 0
    (accepted,) = check.json()["accepted"]
    assert accepted["because"] == "Both leave it to the database."
    file = json.loads((pair.folder / "handover" / "contract.json").read_text())
    assert file["accepted"][0]["found"] == "is NOT NULL and filled by the database ('x'::text)"
    assert "✅ HO131 dance_videos.source: Both leave it to the database." in pair.handover("contract").stdout


def test_accept__something_else_is_there_later__is_open_again(pair):
    pair.superuser(ADDED)
    pair.handover(*ACCEPT)
    pair.superuser("ALTER TABLE dance_videos ALTER source SET DEFAULT 'y'")
    assert pair.check("--json").codes() == ["HO131"]
    assert "⏳ the contract accepts HO131 dance_videos.source, which was not found: take it out" in pair.check().stdout


def test_accept__slip_of_the_pen__is_told_and_writes_nothing(pair):
    pair.superuser(ADDED)
    done = pair.handover("contract", "accept", "HO131", "dance_videos.sourze", "--because", "x")
    assert done.returncode == 2
    assert "HO001  there is no finding HO131 at 'dance_videos.sourze'; nothing was written." in done.stderr
    assert "  HO131 'dance_videos.source'" in done.stderr
    assert not (pair.folder / "handover").exists()


def test_accept__findings_of_one_cause__accepts_those_that_are_there_and_no_other(pair):
    stranger = "CREATE TABLE stranger_{} (at int REFERENCES dancers)"
    pair.superuser(stranger.format(1))
    assert pair.handover("contract", "accept", "HO019", "public.stranger_1.at", "--because", "x").returncode == 0
    assert pair.check().returncode == 0
    pair.superuser(";".join(map(stranger.format, (2, 3))))
    (finding,) = pair.check("--json").json()["findings"]
    assert finding["is"].endswith(": public.stranger_2.at, public.stranger_3.at")
    assert pair.handover("contract", "accept", "HO019", "schema public", "--because", "y").returncode == 0
    assert pair.check().returncode == 0
    pair.superuser("DROP TABLE stranger_2;" + stranger.format(4))
    (finding,) = pair.check("--json").json()["findings"]
    assert finding["place"] == "public.stranger_4.at"
    assert pair.check("--json").json()["idle"] == []


@pytest.mark.full
def test_accept__two_findings_at_one_place__accepts_both(pair):
    task = "class Task(models.Model):\n    def save(self, *a, **b):\n        return super().save(*a, **b)\n\n"
    pair.change("backend/apps/dance/models.py", "class Task(models.Model):\n", task)
    path = pair.folder / "backend/apps/dance/models.py"
    hear = "\nfrom django.db.models.signals import post_save\npost_save.connect(print, sender=Task, weak=False)\n"
    path.write_text(path.read_text() + hear)
    assert pair.check("--json").codes() == ["HO125", "HO125"]
    assert pair.handover("contract", "accept", "HO125", "dance_tasks", "--because", "x").returncode == 0
    assert pair.check().returncode == 0


def test_accept__what_it_is_compared_with_changes__is_open_again(pair):
    progress = "progress = models.IntegerField(default={})".format
    pair.change("backend/apps/dance/models.py", progress(0), progress(1))
    assert pair.handover("contract", "accept", "HO112", "dance_tasks.progress", "--because", "x").returncode == 0
    assert pair.check().returncode == 0
    pair.change("original/dance/models.py", progress(0), progress(2))
    assert pair.check("--json").codes() == ["HO112"]


FINDING = Finding(
    code="HO220", where="t.c", found="has 3 rows of this kind", expected="no", todo="todo", severity="risky"
)


def test_judge__its_time_is_over__is_open_again():
    today = date(2026, 1, 15)
    entry = Accepted(code="HO220", place="t.c", because="Until the backfill.", until=today)
    assert judge(Contract(accepted=(entry,)), [FINDING], today).open == ()
    late = judge(Contract(accepted=(entry,)), [FINDING], today + timedelta(days=1))
    assert late.open == (FINDING,)
    assert late.expired == (entry,)


def test_judge__accepts_nothing_that_was_found__is_idle():
    entry = Accepted(code="HO220", place="t.other", because="x")
    judged = judge(Contract(accepted=(entry,)), [FINDING], date(2026, 1, 15))
    assert judged.idle == (entry,)
    assert judged.open == (FINDING,)


def test_contract__file_that_is_none__is_told(pair):
    file = pair.folder / "handover" / "contract.json"
    file.parent.mkdir()
    file.write_text('{"accepted": [{"code": "12", "place": "x", "because": ""}]}')
    done = pair.handover("contract")
    assert done.returncode == 2
    assert "accepted.0.code: String should match pattern" in done.stderr


def test_contract__read_alone__knows_every_code():
    """In a process of its own: here other tests have imported everything."""
    alone = "import handover.check.contract; from handover.codes import CODES; print(*CODES)"
    done = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True)
    sources = [path.read_text() for room in ("rules", "census") for path in files(f"handover.{room}").glob("*.py")]
    declared = set(re.findall(r"^@(?:rule|question|finds)\(\s*\"(HO\d{3})\"", "\n".join(sources), re.MULTILINE))
    assert len(declared) > 100
    assert declared <= set(done.stdout.split())
