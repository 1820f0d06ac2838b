"""This repository's own pair under ``handover prove``: all groups, while both systems run on the database."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import house
from sandbox.search import SearchServer
from sandbox.systems import Systems
from tests.faults import own_moves

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


@pytest.fixture
def environment(systems: Systems, song_in_the_house: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What ``handover`` reads; the database has rows as production has them, the index a few moves."""
    environment = systems.environment("original_app")
    command = [sys.executable, "manage.py", "seed_production", "--append", "--users", str(USERS), "--seed", "7"]
    subprocess.run(command, cwd=house.ROOT / "original", env=environment, check=True, stdout=subprocess.DEVNULL)
    with SearchServer() as index:
        own_moves.put(index.url, tmp_path)
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


def test_prove__this_pair__is_green_in_every_group(environment):
    command = [str(house.PROGRAMS / "handover"), "prove", "--json"]
    done = subprocess.run(command, cwd=house.ROOT, env=os.environ | environment, stdout=subprocess.PIPE, check=False)
    found = json.loads(done.stdout)
    red = {name: group for name, group in found["groups"].items() if not group["green"]}
    assert done.returncode == 0, json.dumps(red, indent=1)
    assert found["groups"].keys() == GROUPS
    counts = {name: group["counts"] for name, group in found["groups"].items()}
    for direction in ("backend-reads-original", "original-reads-backend"):
        for table in ("choreography_tasks", "saved_choreographies", "users"):
            assert counts[direction][f"rows of {table}"] > 20
    assert counts["original-reads-backend"]["new_fields"] > 0
    assert counts["storage"]["streamed_backend"] == 4
    assert counts["flows"]["journeys"] == 3
    written = found["groups"]["concurrent-writes"]["figures"]
    assert written["backend_anomalies"] == written["unaccepted_anomalies"] == 0
    assert (written["planted_caught"], written["faults"]) == (2, 3)
