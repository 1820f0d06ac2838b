"""What the API and the pages say of a song in which the beat may have been heard wrongly; it is danced all the same."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.urls import reverse

from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation.services import start_generation
from apps.jobs.models import Job
from bachateo.music.instruments import RATE_HZ, bass, kick, pluck
from bachateo.music.recording import write_sound
from tests.conftest import make_user

OTHER_METER = {
    "en": "This song does not look like four beats a bar.",
    "es": "Esta canción no parece tener cuatro tiempos por compás.",
}
UNCERTAIN = {"en": "The beat is uncertain here: {}.", "es": "El ritmo no es seguro aquí: {}."}


def write_waltz(path: Path, *, seconds: int = 40, bpm: int = 140) -> None:
    samples = np.zeros(seconds * RATE_HZ, np.float32)
    for beat in range(int((seconds - 3) * bpm / 60)):
        bar, place = divmod(beat, 3)
        root = (45, 50, 52, 45)[bar // 2 % 4]
        sounds = [pluck(root + step, 0.4) for step in (12, 16, 19)] if place else [bass(root - 12, 0.8), kick()]
        start = round((0.5 + beat * 60 / bpm) * RATE_HZ)
        for sound in sounds:
            samples[start : start + len(sound)] += 0.2 * sound
    write_sound(path, samples, rate_hz=RATE_HZ)


@pytest.fixture
def dance(own_database, media_root, settings, moves_library, demo_song):
    settings.MOVES_LIBRARY = moves_library
    settings.BACHATEO_CACHE = demo_song.parent / "cache"
    (media_root / "songs").mkdir()
    shutil.copy(demo_song, media_root / "songs" / "bachata.mp3")
    write_waltz(media_root / "songs" / "waltz.mp3")

    def made(song: str) -> ChoreographyTask:
        user = make_user("ana")
        task = start_generation(user=user, song=song, difficulty="beginner")
        call_command("procrastinate", "worker", "--one-shot")
        return task

    return made


def pages(client, task: ChoreographyTask, language: str) -> list[str]:
    """Return what the page of the task and that of the kept choreography say."""
    kept = SavedChoreography.objects.get(user_id=task.user_id).pk
    addresses = reverse("web:progress", args=[task.pk]), reverse("web:choreography", args=[kept])
    return [client.get(each, headers={"Accept-Language": language}).content.decode() for each in addresses]


def test_waltz__is_danced__and_api_and_pages_say_that_it_does_not_look_like_four_beats(dance, client):
    task = dance("waltz.mp3")
    client.force_login(task.user)
    told = client.get(f"/api/choreography/tasks/{task.pk}").json()
    assert told["status"] == "completed"
    assert told["hearing"]["looks_like_four_beats"] is False
    assert told["hearing"]["four_beats"] < 0.5
    assert "This does not look like four beats a bar." in told["hearing"]["doubts"]
    for language, sentence in OTHER_METER.items():
        assert [sentence in page for page in pages(client, task, language)] == [True, True]


def test_bachata__api_and_pages_say_nothing_of_the_kind__and_how_varied_it_is(dance, client):
    task = dance("bachata.mp3")
    client.force_login(task.user)
    told = client.get(f"/api/choreography/tasks/{task.pk}").json()
    assert (told["hearing"]["looks_like_four_beats"], told["hearing"]["doubts"]) == (True, [])
    assert told["hearing"]["four_beats"] > 0.9
    assert 0 < told["variety"]["distinct_share"] <= 1
    assert told["variety"]["changes_share"] == 0, "all moves of the library are danced in the same clothes"
    for language in OTHER_METER:
        for page in pages(client, task, language):
            assert not any(each[language].partition("{")[0] in page for each in (OTHER_METER, UNCERTAIN))


def test_part_of_a_song_is_uncertain__pages_say_where(dance, client):
    task = dance("bachata.mp3")
    client.force_login(task.user)
    heard = Job.objects.get().hearing
    spans = [{"start_s": 0.0, "end_s": 9.6}, {"start_s": 61.2, "end_s": 75.0}]
    Job.objects.update(hearing=heard | {"uncertain": spans})
    for language, sentence in UNCERTAIN.items():
        assert [sentence.format("0:00-0:09, 1:01-1:15") in page for page in pages(client, task, language)] == [True] * 2


def test_task_of_before_that_was_told__says_nothing_of_it(dance, client):
    task = dance("bachata.mp3")
    client.force_login(task.user)
    Job.objects.update(hearing=None, variety=None)
    told = client.get(f"/api/choreography/tasks/{task.pk}").json()
    assert (told["hearing"], told["variety"]) == (None, None)
    assert not any(OTHER_METER["en"] in page for page in pages(client, task, "en"))
