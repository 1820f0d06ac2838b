"""What years have left behind, as `seed_production --untidy` writes it, is read by every address of both systems."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest

from sandbox import house
from sandbox.ports import free_port
from sandbox.systems import Place, Systems, running

USERS = 16  # the fewest with which every kind is there


@pytest.fixture
def seeded(adopted_database, moves_library: Path, tmp_path: Path) -> Iterator[Systems]:
    """Both systems on a database of their own, full of untidy rows and their files."""
    place = Place(tmp_path, moves_library)
    place.media.mkdir()
    subprocess.run(
        [sys.executable, "manage.py", "seed_production", "--users", str(USERS), "--untidy", "--seed", "7"],
        cwd=house.ROOT / "original",
        env=place.environment(adopted_database.url("original_app")),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with running(adopted_database, place, port=free_port(), original_port=free_port()) as systems:
        yield systems


def ids(systems: Systems, query: str) -> list[str]:
    with psycopg.connect(systems.database.url("owner")) as connection:
        return [str(value) for (value,) in connection.execute(query)]


def addresses_of(systems: Systems) -> list[str]:
    """Return every address that shows a row of the first user, who has one of every kind."""
    first = "(SELECT min(id) FROM users)"
    saved = ids(systems, f"SELECT id FROM saved_choreographies WHERE user_id = {first}")  # noqa: S608 - our own words
    tasks = ids(systems, f"SELECT task_id FROM choreography_tasks WHERE user_id = {first}")  # noqa: S608
    assert len(saved) > 20
    assert tasks
    names = [
        "/api/auth/me",
        "/api/auth/me/preferences",
        "/api/songs",
        "/api/moves",
        "/api/collections/stats",
        "/studio",
    ]
    names += ["/collection", "/collection?page=2", "/collection?page=99", "/tasks/", "/collections/stats/"]
    for key in saved:
        names += [
            f"/api/collections/{key}",
            f"/api/collections/{key}/video",
            f"/collection/{key}",
            f"/collections/{key}/",
        ]
    for key in map(quote, tasks):
        names += [
            f"/api/choreography/tasks/{key}",
            f"/api/choreography/tasks/{key}/video",
            f"/studio/{key}",
            f"/task/{key}/",
        ]
    return names


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_no_constant__nan_in_json__is_seen():
    with pytest.raises(AssertionError, match="NaN is no JSON"):
        json.loads('{"duration": NaN}', parse_constant=no_constant)


def test_untidy_rows__every_address_of_the_backend__no_fault_and_no_nan(seeded: Systems):
    with httpx.Client(base_url=seeded.backend_url, timeout=60) as client:
        (name,) = ids(seeded, "SELECT username FROM users ORDER BY id LIMIT 1")
        login = client.post("/api/auth/login", json={"login": name, "password": "secret"})
        assert login.status_code == 200, login.text
        wanted = addresses_of(seeded)
        for listed in ("/api/collections?page_size=7", "/api/choreography/tasks", "/api/collections?sort=duration"):
            page = listed
            while page:
                body = json.loads(client.get(page).raise_for_status().text, parse_constant=no_constant)
                page = body["next"]
        faults = []
        for address in wanted:
            answer = client.get(address)
            if answer.status_code >= 500:
                faults.append(f"{answer.status_code} {address}")
            elif "json" in answer.headers.get("content-type", ""):
                json.loads(answer.text, parse_constant=no_constant)
        assert not faults, "\n".join(faults)
