"""Files go through the storages of the settings, so a bucket is a change of settings."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

import choreography.media
from tests.conftest import logged_in, make_user, save_choreography

pytestmark = pytest.mark.django_db

IN_MEMORY = {"BACKEND": "django.core.files.storage.InMemoryStorage"}


def test_songs_and_videos_need_no_directory(media: Path, settings: Any):
    settings.STORAGES = {**settings.STORAGES, "default": IN_MEMORY, "songs": IN_MEMORY}
    ana = make_user("ana")
    client = logged_in(ana)

    storages["songs"].save("luna.mp3", ContentFile(b"a song"))
    path = choreography.media.save_video(ana.pk, "luna.mp3", ContentFile(b"a video"))
    saved = save_choreography(ana, video_path=path)

    assert choreography.media.song_names() == ["luna.mp3"]
    assert choreography.media.open_song("luna.mp3").read() == b"a song"
    assert b"".join(client.get(f"/video/{saved.video_name}/").streaming_content) == b"a video"
    assert client.post(f"/collections/{saved.pk}/delete/").status_code == 302
    assert choreography.media.open_video(ana.pk, saved.video_name) is None
    assert list(media.rglob("*.*")) == []
