"""A song in, a video out, kept, played and deleted, seen from both sides, on each installation that there is."""

import io
import re
from fractions import Fraction
from pathlib import Path

import av
import httpx
import pytest

from sandbox.cloud_run.server import JOB
from sandbox.systems import Systems
from tests.people import Browser, shell

# The fixture of each installation, and how the names of what makes a video begin there.
INSTALLATIONS = {
    "default": ("systems", "procrastinate/jobs/"),
    "gcs": ("systems_on_a_bucket", "procrastinate/jobs/"),
    "elasticsearch": ("systems_with_elasticsearch", "procrastinate/jobs/"),
    "cloud-run": ("systems_on_cloud_run", f"{JOB}/executions/"),
    "pgbouncer": ("systems_behind_pgbouncer", "procrastinate/jobs/"),
    "three-hosts": ("systems_on_three_hosts", "procrastinate/jobs/"),
}
SHORT_RUN = {"default"}


@pytest.fixture(
    scope="session",
    params=[name if name in SHORT_RUN else pytest.param(name, marks=pytest.mark.full) for name in INSTALLATIONS],
)
def installation(request: pytest.FixtureRequest) -> str:
    """The name of an installation."""
    return request.param


@pytest.fixture(scope="session")
def systems(installation: str, request: pytest.FixtureRequest) -> Systems:
    """Both systems on that installation."""
    return request.getfixturevalue(INSTALLATIONS[installation][0])


def decoded(video: bytes) -> tuple[float, int, float]:
    """Decode everything; return the video's length in seconds, its frames, and the sound's length."""
    with av.open(io.BytesIO(video)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        frames = samples = 0
        for frame in container.decode(picture, sound):
            if isinstance(frame, av.VideoFrame):
                frames += 1
            else:
                samples += frame.samples
        assert picture.duration is not None
        return float(picture.duration * picture.time_base), frames, float(Fraction(samples, sound.rate))


def length_s(song: Path) -> float:
    with av.open(str(song)) as container:
        return float(container.duration) / av.time_base


def test_song_uploaded_through_the_api__becomes_a_video_that_both_systems_play(
    dancer: Browser, demo_song: Path, installation: str, systems: Systems
):
    with demo_song.open("rb") as file:
        upload = dancer.post(dancer.backend, "/api/songs", files={"file": (f"{dancer.name}.mp3", file, "audio/mpeg")})
    assert upload.status_code == 201, upload.text
    wanted = {"song": upload.json()["id"], "difficulty": "beginner"}
    answer = dancer.post(dancer.backend, "/api/choreography/generate", json=wanted)
    assert answer.status_code == 202, answer.text
    task_id = answer.json()["task_id"]
    assert answer.headers["location"] == f"/api/choreography/tasks/{task_id}"

    task = dancer.until_ended(task_id)
    assert (task["status"], task["progress"], task["error"]) == ("completed", 100, None)
    assert task["job_execution_name"].startswith(INSTALLATIONS[installation][1])
    if server := systems.place.more.get("ELASTICSEARCH_URL"):
        stats = httpx.get(f"{server}/_stats/search").json()
        assert stats["_all"]["total"]["search"]["query_total"] > 0, "the moves were looked for there"
    assert [progress for _, progress in task["seen"]] == sorted(progress for _, progress in task["seen"])

    video = dancer.backend.get(f"/api/choreography/tasks/{task_id}/video").content
    seconds, frames, sound_s = decoded(video)
    assert seconds == pytest.approx(length_s(demo_song), abs=0.5)
    assert sound_s == pytest.approx(length_s(demo_song), abs=0.5)
    assert frames > 20 * seconds

    # The same in the original: its task, its list, its player.
    seen = dancer.original.get(f"/task/{task_id}/").json()
    assert (seen["status"], seen["stage"], seen["message"]) == ("completed", "completed", task["message"])
    saved = task["result"]["saved_choreography_id"]
    assert f"/collections/{saved}/" in dancer.original.get("/collections/").text
    player = dancer.original.get(f"/collections/{saved}/").text
    source = re.search(r'src="(/video/[^"]+)"', player)
    assert source, player
    assert dancer.original.get(source[1]).content == video
    assert dancer.name in player, "the song's title"
    # The song itself waits here: the original lists the common folder alone.
    assert dancer.name not in re.findall(r'value="([^"]*)"', dancer.original.get("/select-song/").text)


def test_video_kept_by_hand__is_played_and_deleted_in_both(dancer: Browser, systems: Systems, song_in_the_house: str):
    wanted = {"song": song_in_the_house, "difficulty": "beginner", "auto_save": False}
    task = dancer.until_ended(dancer.post(dancer.backend, "/api/choreography/generate", json=wanted).json()["task_id"])
    assert (task["status"], task["result"]["auto_saved"]) == ("completed", False)
    assert dancer.backend.get("/api/collections").json()["results"] == []
    kept = dancer.post(dancer.backend, "/api/collections", json={"task_id": task["task_id"], "title": "Kept"})
    assert kept.status_code == 201, kept.text
    mine = f"/api/collections/{kept.json()['id']}"
    video = dancer.backend.get(f"{mine}/video").content
    assert dancer.original.get(f"/video/{task['task_id']}.mp4/").content == video
    assert decoded(video)[1] > 0

    headers = {"X-CSRFToken": dancer.backend.cookies["csrftoken"], "Referer": str(dancer.backend.base_url)}
    assert dancer.backend.delete(mine, headers=headers).status_code == 204
    assert dancer.backend.get(f"{mine}/video").status_code == 404
    assert dancer.original.get(f"/video/{task['task_id']}.mp4/").status_code == 404
    if systems.place.bucket:
        assert not [name for name in systems.place.bucket.names("media/") if task["task_id"] in name]
    else:
        assert list(systems.place.media.rglob(f"{task['task_id']}*")) == []


def test_choreography_made_in_the_original__is_listed_and_played_with_range_by_the_backend(
    dancer: Browser, song_in_the_house: str, demo_song: Path
):
    form = {"song_selection": song_in_the_house, "difficulty": "intermediate", "auto_save": "true"}
    answer = dancer.post(dancer.original, "/create/", data=form)
    assert answer.status_code == 200, answer.text
    task = dancer.until_ended(answer.json()["task_id"])
    assert (task["status"], task["error"]) == ("completed", None)
    assert task["job_execution_name"] is None

    (row,) = dancer.backend.get("/api/collections").json()["results"]
    assert row["id"] == task["result"]["saved_choreography_id"]
    assert (row["title"], row["difficulty"]) == ("Auto-saved Choreography", "intermediate")
    assert dancer.backend.get(f"/api/collections/{row['id']}").json()["id"] == row["id"]

    address = f"/api/collections/{row['id']}/video"
    whole = dancer.backend.get(address)
    assert decoded(whole.content)[0] == pytest.approx(length_s(demo_song), abs=0.5)
    part = dancer.backend.get(address, headers={"Range": "bytes=100-299"})
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole.content)}"
    assert part.content == whole.content[100:300]


def test_choreography_of_somebody_else__is_not_there(dancer: Browser, visitor, systems, song_in_the_house: str):
    answer = dancer.post(
        dancer.backend, "/api/choreography/generate", json={"song": song_in_the_house, "difficulty": "beginner"}
    )
    task = dancer.until_ended(answer.json()["task_id"])
    for path in (f"choreography/tasks/{task['task_id']}", f"collections/{task['result']['saved_choreography_id']}"):
        assert dancer.backend.get(f"/api/{path}/video").status_code == 200
    dancer.post(dancer.backend, "/api/auth/logout")
    other = {"username": f"x{dancer.name}", "email": f"x{dancer.name}@example.org", "display_name": "B"}
    assert dancer.backend.post("/api/auth/register", json=other | {"password": "another-one"}).status_code == 201
    for path in (f"choreography/tasks/{task['task_id']}", f"collections/{task['result']['saved_choreography_id']}"):
        assert dancer.backend.get(f"/api/{path}").status_code == 404
        assert dancer.backend.get(f"/api/{path}/video").status_code == 404


def test_choreography_made_in_the_original__deleted_there__is_gone_in_both(dancer: Browser, song_in_the_house: str):
    form = {"song_selection": song_in_the_house, "difficulty": "beginner", "auto_save": "true"}
    task = dancer.until_ended(dancer.post(dancer.original, "/create/", data=form).json()["task_id"])
    saved = task["result"]["saved_choreography_id"]
    assert dancer.backend.get(f"/api/collections/{saved}/video").status_code == 200
    assert dancer.post(dancer.original, f"/collections/{saved}/delete/").status_code == 302
    assert dancer.backend.get(f"/api/collections/{saved}/video").status_code == 404
    assert dancer.backend.get(f"/api/collections/{saved}").status_code == 404


SWEEP = (
    "from django.core.management import call_command; call_command('sweep_files', '--min-age-hours', '0', '--apply')"
)


def test_choreography_of_the_backend__deleted_by_the_original_after_a_switch_back__what_it_leaves_is_swept(
    dancer: Browser, systems: Systems, song_in_the_house: str
):
    wanted = {"song": song_in_the_house, "difficulty": "beginner"}
    task = dancer.until_ended(dancer.post(dancer.backend, "/api/choreography/generate", json=wanted).json()["task_id"])
    mine = f"/api/choreography/tasks/{task['task_id']}"
    timeline, picture = dancer.backend.get(f"{mine}/timeline"), dancer.backend.get(f"{mine}/picture")
    assert timeline.json()["duration_s"] == task["result"]["sequence_duration"]
    assert picture.content.startswith(b"\xff\xd8\xff")

    saved = task["result"]["saved_choreography_id"]
    assert f"/collections/{saved}/" in dancer.original.get("/collections/").text
    assert dancer.original.get(f"/video/{task['task_id']}.mp4/").status_code == 200
    assert dancer.post(dancer.original, f"/collections/{saved}/delete/").status_code == 302
    assert dancer.original.get(f"/video/{task['task_id']}.mp4/").status_code == 404
    assert f"/collections/{saved}/" not in dancer.original.get("/collections/").text

    # The video went with the row; the original knows nothing of what lay beside it.
    gone = dancer.backend.get(f"{mine}/timeline")
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:compas:problem:file-missing")
    swept = [line for line in shell(systems, "backend", SWEEP).splitlines() if task["task_id"] in line]
    endings = sorted(line.split("  ")[1].partition(task["task_id"])[2] for line in swept)
    assert set(endings) >= {".captions.vtt", ".chapters.vtt", ".jpg", ".timeline.json"}
    assert all(line.endswith("its video is gone") for line in swept)
    assert task["task_id"] not in shell(systems, "backend", SWEEP)
