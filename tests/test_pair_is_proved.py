"""This repository's own pair under ``handover prove``: all groups, while both systems run on the database."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import house
from sandbox.fixtures import roomy_place
from sandbox.search import SearchServer
from sandbox.systems import Systems
from tests import moves_of_the_pair
from tests.faults_of_the_pair import another_server

USERS = 6
GROUPS = {
    "backend-reads-original",
    "original-reads-backend",
    "concurrent-writes",
    "search",
    "storage",
    "identity",
    "flows",
}
# Each of the others has a test of its own for this pair; the long run proves all of them at once.
ALONE = ("read-across", "identity")


@pytest.fixture
def environment(systems: Systems, song_in_the_house: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What ``handover`` reads; the database has rows as production has them, the index a few moves."""
    environment = systems.environment("original_app")
    command = [sys.executable, "manage.py", "seed_production", "--append", "--users", str(USERS), "--seed", "7"]
    subprocess.run(command, cwd=house.ROOT / "original", env=environment, check=True, stdout=subprocess.DEVNULL)
    with SearchServer() as index:
        moves_of_the_pair.put(index.url, tmp_path)
        server, name = systems.database.server, systems.database.name
        yield (
            house.handover_environment(server, name)
            | systems.environment("backend_app")
            | {
                "ORIGINAL_DATABASE_URL": systems.database.url("original_app"),
                "HANDOVER_ORIGINAL_URL": systems.original_url,
                "HANDOVER_BACKEND_URL": systems.backend_url,
                "ELASTICSEARCH_URL": index.url,
                "MOVES_LIBRARY": str(tmp_path),
            }
        )


def prove(root: Path, environment: dict[str, str], *options: str) -> dict[str, Any]:
    """Run the command where a ``handover.toml`` lies; it must be green."""
    command = [str(house.PROGRAMS / "handover"), "prove", "--json", *options]
    done = subprocess.run(command, cwd=root, env=os.environ | environment, stdout=subprocess.PIPE, check=False)
    groups = json.loads(done.stdout)["groups"]
    red = {name: group for name, group in groups.items() if not group["green"]}
    assert done.returncode == 0, json.dumps(red, indent=1)
    return groups


def rows_are_read_across(groups: dict[str, Any]) -> None:
    """Check that both directions had something to compare."""
    for direction in ("backend-reads-original", "original-reads-backend"):
        for table in ("choreography_tasks", "saved_choreographies", "users"):
            assert groups[direction]["counts"][f"rows of {table}"] > 20
    assert groups["original-reads-backend"]["counts"]["new_fields"] > 0


def all_is_proved(groups: dict[str, Any], *, faults: int) -> None:
    """Check that every group ran, and that the writes at once met every fault and no anomaly."""
    assert groups.keys() == GROUPS
    rows_are_read_across(groups)
    assert groups["storage"]["counts"]["streamed_backend"] == 4
    assert groups["flows"]["counts"]["journeys"] == 3
    written = groups["concurrent-writes"]["figures"]
    assert written["backend_anomalies"] == written["unaccepted_anomalies"] == 0
    assert (written["planted_caught"], written["faults"]) == (2, faults)


@pytest.mark.full
def test_prove__this_pair__is_green_in_the_groups_without_a_test_of_their_own(environment):
    groups = prove(house.ROOT, environment, *(word for name in ALONE for word in ("--group", name)))
    assert groups.keys() == {"backend-reads-original", "original-reads-backend", "identity"}
    rows_are_read_across(groups)


@pytest.mark.full
def test_prove__this_pair__is_green_in_every_group(environment):
    all_is_proved(prove(house.ROOT, environment), faults=3)


@pytest.mark.full
def test_prove__full_on_a_server_that_may_break__is_green_in_every_group(environment, systems, tmp_path):
    with (
        tempfile.TemporaryDirectory(prefix="prove-", dir=roomy_place()) as folder,
        another_server(Path(folder), systems.database) as (server_url, faults),
    ):
        if "fill_disk" not in faults:
            pytest.skip("no file system of its own may be mounted here, so no disk can be full")
        settings = {"server_url_env": "COPIES_URL"} | faults
        root = tmp_path / "root"
        root.mkdir()
        for name in ("original", "backend", "handover", ".venv"):
            (root / name).symlink_to(house.ROOT / name)
        lines = "".join(f"{name} = {json.dumps(setting)}\n" for name, setting in settings.items())
        given = (house.ROOT / "handover.toml").read_text()
        (root / "handover.toml").write_text(given.replace("[prove]\n", f"[prove]\n{lines}"))
        groups = prove(root, environment | {"COPIES_URL": server_url}, "--full")
    all_is_proved(groups, faults=5)
    assert groups["concurrent-writes"]["counts"]["operations"] >= 100_000
