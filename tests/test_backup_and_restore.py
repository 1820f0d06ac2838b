"""The running product is backed up, restored on another server and into other folders, and goes on there."""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import tomli_w
from psycopg.conninfo import conninfo_to_dict

from sandbox import house
from sandbox.fixtures import FAST, roomy_place
from sandbox.ports import free_port
from sandbox.postgres import Database, Server
from sandbox.systems import Place, Systems, running
from tests.people import Browser

VIDEO = bytes(range(256)) * 40


def write_pair(folder: Path) -> Path:
    """Write this repository's handover.toml so that it works from another folder."""
    values = tomllib.loads((house.ROOT / "handover.toml").read_text())
    for side in ("original", "backend"):
        values[side] |= {"path": str(house.ROOT / side), "python": [sys.executable]}
    values["prove"]["pg_bin"] = str(house.ROOT / values["prove"]["pg_bin"])
    path = folder / "handover.toml"
    path.write_text(tomli_w.dumps(values))
    return path


def handover(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from handover.cli import app; app()", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def second_server() -> Iterator[Server]:
    """Another server, as on the machine that takes over after a loss."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="second-", dir=roomy_place()))
        Path(folder).chmod(0o711)
        yield stack.enter_context(Server(Path(folder, "postgres"), settings=FAST))


@pytest.fixture(params=["systems", "systems_on_a_bucket"], ids=["directory", "gcs"])
def systems(request: pytest.FixtureRequest) -> Systems:
    """Both systems, once with their files in a directory and once in a bucket."""
    return request.getfixturevalue(request.param)


def store_video(dancer: Browser, systems: Systems) -> tuple[int, str]:
    """Let a dancer have a video in the collection; return its id and the name of its file."""
    user = dancer.backend.get("/api/auth/me").json()["id"]
    name = f"output/user_{user}/kept.mp4"
    if systems.place.bucket:
        systems.place.bucket.put(f"media/{name}", VIDEO)
    else:
        file = systems.place.media / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(VIDEO)
    form = {"title": "Kept", "difficulty": "beginner", "video_path": name, "duration": "9"}
    answer = dancer.post(dancer.original, "/collections/save/", data=form)
    assert answer.json()["success"], answer.text
    return answer.json()["choreography_id"], name


@pytest.mark.full
def test_backup_of_the_running_product__restored_elsewhere__plays_an_old_video_in_an_old_session(
    dancer: Browser, systems: Systems, second_server: Server, tmp_path: Path
):
    saved, name = store_video(dancer, systems)
    systems.place.put_song("kept.mp3", b"a song")
    toml = write_pair(tmp_path)
    url = systems.database.url("owner")
    made = handover(
        "backup",
        "--apply",
        "--untried",
        "--config",
        toml,
        **systems.environment("backend_app"),
        HANDOVER_DATABASE_URL=url,
    )
    assert made.returncode == 0, made.stderr
    (backup,) = (tmp_path / ".handover" / "backups").glob("2*")

    second_server.create_database("again")
    copy = Database("again", second_server)
    password = str(conninfo_to_dict(copy.url("backend_app"))["password"])
    folders = {"": tmp_path / "again" / "media", "MOVES_LIBRARY": tmp_path / "again" / "moves"}
    into = ["--into", "AGAIN", "--media", folders[""], "--folder", f"MOVES_LIBRARY={folders['MOVES_LIBRARY']}"]
    if systems.place.bucket:
        into += ["--folder", f"songs={folders[''] / 'songs'}"]
    words = ["restore", backup, *into, "--config", toml]
    environment = {
        **systems.environment("backend_app"),
        "AGAIN": copy.url("owner"),
        "BACKEND_DATABASE_PASSWORD": password,
    }
    planned = handover(*words, **environment)
    assert planned.returncode == 0, planned.stderr
    assert "Would make the role backend_app" in planned.stdout
    assert not folders[""].exists()
    done = handover(*words, "--apply", "--confirm", "again", **environment)
    assert done.returncode == 0, done.stderr
    assert "restored, and equal." in done.stdout
    assert (folders[""] / "songs" / "kept.mp3").read_bytes() == b"a song"

    place = Place(tmp_path / "again", folders["MOVES_LIBRARY"])
    (place.folder / "secret_key").write_text(systems.place.secret_key())
    with running(copy, place, port=free_port(), original_port=free_port()) as again:
        cookies = {"sessionid": dancer.backend.cookies["sessionid"]}
        with httpx.Client(cookies=cookies, timeout=60) as person:
            assert person.get(f"{again.backend_url}/api/auth/me").json()["username"] == dancer.name
            assert person.get(f"{again.original_url}/auth/profile/").status_code == 200
            address = f"{again.backend_url}/api/collections/{saved}/video"
            part = person.get(address, headers={"Range": "bytes=1000-1999"})
            assert (part.status_code, part.content) == (206, VIDEO[1000:2000])
            assert person.get(f"{again.original_url}/video/{Path(name).name}/").content == VIDEO
