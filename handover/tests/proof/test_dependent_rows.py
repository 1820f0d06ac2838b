"""Own rows that reference shared rows: a blocked delete is found, reproduced, and mended by the printed statement."""

import re
import subprocess
import sys

import psycopg
import pytest

from handover.journal.evidence import recording
from handover.proof.groups import read_across
from handover_testing.faults import own_rows
from handover_testing.faults.play import planted

BRIEFLY = "own table hangs on a shared row: a foreign key"
FAULTS = [fault for fault in own_rows.faults() if fault.code == "HO390"]


def proved(target) -> list:
    with recording(target.config, "prove") as recorder:
        return [f for outcome in read_across.prove(target, recorder) for f in outcome.failures]


def in_its_shell(target, stage, line: str) -> subprocess.CompletedProcess:
    code, _, side = line.partition("  # in the shell of the ")
    name = psycopg.conninfo.conninfo_to_dict(target.owner_url)["dbname"]
    environment = stage.environment(side, name) | {"DJANGO_SETTINGS_MODULE": "settings"}
    command = [sys.executable, "-c", f"import django; django.setup(); {code}"]
    place = target.config.root / side
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "fault", [pytest.param(f, id=f.name, marks=[] if f.name == BRIEFLY else pytest.mark.full) for f in FAULTS]
)
@pytest.mark.full
def test_prove__own_row_blocks_a_delete__is_found_reproduced_and_mended_by_the_statement(
    stage, python, tmp_path, fault
):
    with planted(stage, fault, python, tmp_path) as target:
        (failure,) = proved(target)
        finding = failure.finding
        assert (finding.code, finding.where, finding.hurts) == ("HO390", fault.place, "original")
        assert re.match(r"keeps the original from deleting rows of \w+: IntegrityError$", finding.found)

        *made, last = [in_its_shell(target, stage, line) for line in failure.reproduce]
        assert [one.stderr for one in made if one.returncode] == []
        assert "IntegrityError" in last.stderr, last

        (statement,) = re.findall(r"ALTER TABLE .*?;", finding.todo)
        name = psycopg.conninfo.conninfo_to_dict(target.owner_url)["dbname"]
        with stage.server.connect(str(name)) as connection:
            connection.execute(statement.encode())
        assert proved(target) == []


def test_prove__no_row_of_an_own_table_can_be_made__is_unseen(stage, python, tmp_path):
    (plain,) = [fault for fault in own_rows.faults() if fault.name == BRIEFLY]
    refused = "ALTER TABLE own_notes ADD CHECK (id < 0)"
    fault = plain.__class__(**{**vars(plain), "sql": plain.sql + refused})
    with planted(stage, fault, python, tmp_path) as target:
        (failure,) = proved(target)
    assert (failure.finding.code, failure.finding.severity) == ("HO391", "unseen")
    assert failure.finding.found.startswith(
        "could not be filled with a reference to a row of dance_tasks: the backend could not make a row of"
    )
