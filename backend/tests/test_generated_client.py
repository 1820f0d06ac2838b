"""A client that a generator makes of the OpenAPI document, used as a program would use it."""

import importlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from django.core.wsgi import get_wsgi_application

from apps.authentication.models import User
from apps.tokens.services import issue_token
from tests.conftest import make_user
from tests.openapi import document
from tests.test_generation import work

GENERATOR = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--overwrite"]
# What the generator would leave out.
FILES = ("video/mp4", "image/*", "image/jpeg", "text/vtt", "text/event-stream")


@pytest.fixture(scope="module")
def client_folder(tmp_path_factory) -> Iterator[Path]:
    """Return the folder of the generated package; a warning of the generator fails."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(document(), default=str))
    others = "".join(f"  {kind}: application/octet-stream\n" for kind in FILES)
    overrides = f"content_type_overrides:\n  application/problem+json: application/json\n{others}"
    (folder / "config.yaml").write_text("post_hooks: []\n" + overrides)
    command = [*GENERATOR, "--path", "openapi.json", "--config", "config.yaml", "--output-path", "compas_client"]
    done = subprocess.run([*command, "--fail-on-warning"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def member(own_database, media_root, settings, moves_library, demo_song) -> User:
    settings.MOVES_LIBRARY = moves_library
    settings.BACHATEO_CACHE = demo_song.parent / "cache"
    return make_user("ana")


def of_client(name: str) -> ModuleType:
    return importlib.import_module(f"compas_client.{name}")


def test_client__uploads_generates_polls_and_keeps(client_folder, member, demo_song):
    _, secret = issue_token(user=member, name="x", scopes=["read", "songs:write", "choreographies:write"])
    transport = httpx.WSGITransport(app=get_wsgi_application())
    client = of_client("client").AuthenticatedClient(
        base_url="http://testserver",
        token=secret,
        raise_on_unexpected_status=True,
        httpx_args={"transport": transport},
    )
    models, types = of_client("models"), of_client("types")
    me = of_client("api.auth.get_me").sync(client=client)
    assert me.username == "ana"
    file = types.File(payload=io.BytesIO(demo_song.read_bytes()), file_name="demo.mp3", mime_type="audio/mpeg")
    song = of_client("api.songs.create_song").sync(client=client, body=models.CreateSongBody(file=file))
    assert song.name in {one.name for one in of_client("api.songs.list_songs").sync(client=client).results}
    wishes = models.Wishes(song=song.name, difficulty=models.DifficultyEnum.BEGINNER, auto_save=False)
    task = of_client("api.choreography.generate").sync(client=client, body=wishes)
    get_task = of_client("api.choreography.get_task")
    waiting = get_task.sync_detailed(client=client, task_id=task.task_id)
    assert (waiting.parsed.status, int(waiting.headers["Retry-After"]) > 0) == ("started", True)
    tag = waiting.headers["ETag"]
    assert get_task.sync_detailed(client=client, task_id=task.task_id, if_none_match=tag).status_code == 304
    work()
    assert get_task.sync(client=client, task_id=task.task_id).status == "completed"
    keep = models.Keep(task_id=task.task_id, title="Noche")
    kept = of_client("api.collections.create_choreography").sync(client=client, body=keep)
    assert kept.title == "Noche"
    one = of_client("api.collections.get_choreography").sync_detailed(client=client, choreography_id=kept.id)
    change = of_client("api.collections.change_choreography")
    body = models.PatchedChange(title="Luz")
    changed = change.sync(client=client, choreography_id=kept.id, body=body, if_match=one.headers["ETag"])
    assert changed.title == "Luz"
    lost = change.sync(client=client, choreography_id=kept.id, body=body, if_match=one.headers["ETag"])
    assert (type(lost).__name__, lost.status) == ("Problem", 412)
    refused = of_client("api.auth.list_tokens").sync(client=client)
    assert (refused.status, refused.type_) == (403, "urn:compas:problem:scope")
