"""This repository's own pair under ``handover prove``: each system lives with what the other writes."""

import json
import os
import subprocess

from sandbox import house

GROUPS = ("read-across", "identity")
OUTCOMES = {"backend-reads-original", "original-reads-backend", "identity"}


def test_prove__this_pair__rows_and_logins_are_those_of_the_other(adopted_database, tmp_path):
    environment = house.handover_environment(adopted_database.server, adopted_database.name) | {
        "ORIGINAL_DATABASE_URL": adopted_database.url("original_app"),
        "MEDIA_ROOT": str(tmp_path),
    }
    command = [str(house.PROGRAMS / "handover"), "prove", "--json"]
    command += [word for group in GROUPS for word in ("--group", group)]
    done = subprocess.run(command, cwd=house.ROOT, env=os.environ | environment, stdout=subprocess.PIPE, check=False)
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout.decode()
    assert {name for name, group in found["groups"].items() if group["green"]} == OUTCOMES
    reads, writes = found["groups"]["backend-reads-original"], found["groups"]["original-reads-backend"]
    for table in ("choreography_tasks", "saved_choreographies", "users"):
        assert reads["counts"][f"rows of {table}"] > 20
        assert writes["counts"][f"rows of {table}"] > 20
    assert writes["counts"]["new_fields"] > 0
