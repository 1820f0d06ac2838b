"""This repository's own pair under ``handover check``: clean, but for what its contract accepts."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handover.check import contract
from handover.config.config import load_config
from sandbox import house
from sandbox.postgres import Database

USERS = 16  # the fewest with which every untidy kind is there
Check = Callable[[Database], tuple[int, dict[str, Any]]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Run the command in a process of its own; both systems get a media root of this test's."""

    def run(database: Database) -> tuple[int, dict[str, Any]]:
        environment = house.handover_environment(database.server, database.name) | {
            "ORIGINAL_DATABASE_URL": database.url("original_app"),
            "MEDIA_ROOT": str(tmp_path),
        }
        command = [str(house.PROGRAMS / "handover"), "check", "--json"]
        done = subprocess.run(
            command, cwd=house.ROOT, env=os.environ | environment, stdout=subprocess.PIPE, check=False
        )
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.fixture
def production(adopted_database: Database, tmp_path: Path) -> Database:
    """The adopted database with rows as years of use leave them."""
    environment = house.system_environment(
        database_url=adopted_database.url("original_app"), media=tmp_path, secret_key="unused"
    )
    command = ["manage.py", "seed_production", "--users", str(USERS), "--untidy", "--seed", "7"]
    subprocess.run(
        [sys.executable, *command], cwd=house.ROOT / "original", env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return adopted_database


def test_check__this_pair_on_untidy_rows__is_clean_but_for_the_contract(production, check):
    status, answer = check(production)
    assert answer["findings"] == answer["unseen"] == []
    assert status == 0
    assert {f["place"] for f in answer["safe"]} == {"choreography_tasks.job_execution_name"}
    # An acceptance that accepts nothing any more would hide the next finding at its place.
    accepted = contract.load(contract.path_of(load_config(house.ROOT / "handover.toml"))).of_checks().accepted
    assert answer["idle"] == answer["expired"] == []
    assert len(answer["accepted"]) == len(accepted)
    assert {c["table"] for c in answer["compared"] if c["rows"]} >= {
        "choreography_tasks",
        "saved_choreographies",
        "users",
    }


def test_check__this_pair_after_a_change_by_hand__is_not_clean(production, check):
    """The control: the contract accepts what it names and nothing else."""
    with psycopg.connect(production.url("owner")) as connection:
        connection.execute("ALTER TABLE users ALTER display_name TYPE varchar(150)")
    status, answer = check(production)
    assert status == 4
    assert [(f["code"], f["place"], f["hurts"]) for f in answer["findings"]] == [
        ("HO012", "users.display_name", "both")
    ]


@pytest.mark.full
def test_check__before_the_adoption__says_so_and_no_rows_are_called_clean(original_database, check):
    status, answer = check(original_database)
    assert status == 1
    assert "HO100" in [f["code"] for f in answer["findings"]]
    assert {f["code"] for f in answer["unseen"]} == {"HO240"}
