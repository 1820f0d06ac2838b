"""The printed lines of a failure show its finding again when they run in each system's own shell."""

import re
import subprocess
import sys

import psycopg
import pytest

from handover.journal.evidence import recording
from handover.proof.groups import identity as accounts
from handover.proof.groups import read_across as round_trip
from handover.proof.outcome import Failure
from handover_testing.faults import identity, read_across
from handover_testing.faults.play import planted
from sandbox import template

GROUPS = {read_across.GROUP: round_trip.prove, identity.GROUP: accounts.prove}
BRIEFLY = ("another default",)
# One of each kind of line.
CHOSEN = (
    *BRIEFLY,
    "a float is rounded when read",
    "text is stripped when written",
    "NaN is refused when written",
    "a save leaves out a column",
    "an object is read as its text",
    "a new column is lost by the original's save",
    "delete does nothing",
    "rows are not made in bulk",
    "a foreign key that blocks deletes",
    "another related_name",
    "another order",
    "a manager hides rows",
    "auto_now on one side only",
    "a many-to-many leads back by another name",
    "the backend logs in by e-mail only",
    "e-mail logs in on one side only",
)
KNOWN = [*read_across.faults(), *identity.faults()]
FAULTS = [fault for name in CHOSEN for fault in KNOWN if fault.name == name]


@pytest.mark.parametrize(
    "fault", [pytest.param(f, id=f.name, marks=[] if f.name in BRIEFLY else pytest.mark.full) for f in FAULTS]
)
@pytest.mark.full
def test_lines_of_a_failure__run_in_their_shells__show_what_it_claims(players, python, tmp_path, fault):
    stage = players[fault.shape].stage
    with planted(stage, fault, python, tmp_path) as target:
        with recording(target.config, "prove") as recorder:
            found = GROUPS[fault.group](target, recorder)
        outcomes = found if isinstance(found, tuple) else (found,)
        failures = [f for outcome in outcomes for f in outcome.failures]
        assert {f.finding.code for f in failures if f.finding.code.startswith(fault.code)}
        for failure in failures:
            assert 2 <= len(failure.reproduce) <= 5
            # Each on a database of its own: a reader can begin with any of them.
            with template.clone(stage.server, name_of(target)) as database:
                printed = [run(target, stage, database.name, line) for line in failure.reproduce]
            assert shows(failure, printed), (str(failure.finding), printed)


def test_every_fault_of_the_list__is_known():
    assert [fault.name for fault in FAULTS] == list(CHOSEN)


def name_of(target) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(target.owner_url)["dbname"])


def run(target, stage, name: str, line: str) -> str:
    """Return the output of a line, or the last line of its error."""
    code, _, side = line.partition("  # in the shell of the ")
    environment = stage.environment(side, name) | {"DJANGO_SETTINGS_MODULE": "settings"}
    command = [sys.executable, "-c", f"import django; django.setup(); {code}"]
    place = target.config.root / side
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else f"raised {done.stderr.strip().splitlines()[-1]}"


def shows(failure: Failure, printed: list[str]) -> bool:
    """Say whether the outputs show the finding; the rows are made first, so only the finding itself may raise."""
    finding = failure.finding
    made = printed[:-2] if finding.code != "HO311" else printed[:-1]
    if any(text.startswith("raised") for text in made):
        return False
    if finding.code == "HO311":
        return printed[-1].startswith("raised") or printed[-1].endswith(f" {printed[-2]}")
    if finding.code in ("HO308", "HO309"):
        values = re.search(r"Smallest example: .* in the \w+, (.*) in the \w+\.", finding.todo)
        return bool(values) and printed[-1] == values[1]
    if finding.code == "HO318":
        return (printed[-2] == printed[-1]) != (printed[-3] == printed[-2])
    return printed[-1] != printed[-2]
