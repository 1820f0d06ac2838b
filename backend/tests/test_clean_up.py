"""Make room: the videos that no choreography names, and the whole collection."""

import os
import time
from pathlib import Path

import pytest
from django.test import Client

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections import clean_up
from apps.collections.models import SavedChoreography
from apps.generation.services import start_generation
from apps.removals.models import Removal

LONG_AGO_S = 3600


def write(media_root: Path, user: User, name: str, *, age_s: float = LONG_AGO_S) -> Path:
    path = media_root / "output" / f"user_{user.pk}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"moving pictures")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def save(user: User, name: str, **columns: object) -> SavedChoreography:
    row = {"title": "Noche", "video_path": name, "difficulty": "beginner", "duration": 60.0} | columns
    return SavedChoreography.objects.create(user=user, **row)


def test_files__that_no_choreography_names__are_told_and_removed_and_no_others(own_database, media_root):
    ana, ben = (User.objects.create_user(name, email=f"{name}@example.com") for name in ("ana", "ben"))
    (media_root / "songs").mkdir()
    (media_root / "songs" / "s.mp3").write_bytes(b"")
    live = start_generation(user=ana, song="s.mp3", difficulty="beginner")
    kept = [
        write(media_root, ana, "luna.mp4"),
        write(media_root, ana, "luna.vtt"),
        write(media_root, ana, "luna.timeline.json"),
        write(media_root, ana, "la.noche.mp4"),
        write(media_root, ana, f"{live.pk}.mp4"),
        write(media_root, ana, "new.mp4", age_s=60),
        write(media_root, ben, "his.mp4"),
    ]
    doomed = [write(media_root, ana, name) for name in ("old.mp4", "old.vtt", "lun.mp4", "lunas.mp4")]
    save(ana, f"output/user_{ana.pk}/luna.mp4")
    save(ana, "/gone/machine/la.noche.mp4")
    ChoreographyTask.objects.create(task_id="t", user=ana, status="completed", result={"video_path": "old.mp4"})
    browser = Client()
    browser.force_login(ana)
    assert "4 files, 60" in browser.get("/collection/clean-up").content.decode().replace("\xa0", " ")
    assert all(path.exists() for path in doomed), "looking removes nothing"
    answer = browser.post("/collection/clean-up", {"do": "files"}, follow=True)
    assert "Files removed: 4." in answer.content.decode()
    assert [path.exists() for path in doomed] == [False] * 4
    assert [path.name for path in kept if not path.exists()] == []
    assert not Removal.objects.exists()


def test_everything__is_deleted_with_its_videos_and_nothing_of_others(own_database, media_root, monkeypatch):
    monkeypatch.setattr(clean_up, "BATCH", 2)
    ana, ben = (User.objects.create_user(name, email=f"{name}@example.com") for name in ("ana", "ben"))
    mine = [write(media_root, ana, f"{number}.mp4") for number in range(5)]
    his = write(media_root, ben, "his.mp4")
    for number, path in enumerate(mine):
        save(
            ana, str(path.relative_to(media_root)), generation_parameters=[None, {"task_id": "t"}, [], {}, None][number]
        )
    untidy = save(ana, "")
    others = save(ben, f"output/user_{ben.pk}/his.mp4")
    browser = Client()
    browser.force_login(ana)
    unsure = browser.post("/collection/clean-up", {"do": "everything"})
    assert (unsure.status_code, "Tick the box" in unsure.content.decode()) == (400, True)
    assert SavedChoreography.objects.filter(pk=untidy.pk).exists()
    answer = browser.post("/collection/clean-up", {"do": "everything", "sure": "on"}, follow=True)
    assert "Choreographies deleted: 6. Left: 0." in answer.content.decode()
    assert list(SavedChoreography.objects.all()) == [others]
    assert ([path.exists() for path in mine], his.exists()) == ([False] * 5, True)


def test_everything__takes_no_longer_than_a_request_may(db, ana, monkeypatch):
    monkeypatch.setattr(clean_up, "BATCH", 1)
    monkeypatch.setattr(clean_up, "AT_ONCE_S", -1.0)
    for _ in range(3):
        save(ana, "")
    assert clean_up.delete_collection(user=ana) == 1
    assert ana.choreographies.count() == 2


@pytest.mark.parametrize("body", [{}, {"do": "files "}, {"sure": "on"}])
def test_clean_up__without_a_button__does_nothing(api, ana, body):
    save(ana, "")
    assert api.post("/collection/clean-up", body).status_code == 400
    assert ana.choreographies.count() == 1
