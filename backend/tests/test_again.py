"""A dance is made again from its page: a move swapped, another one, or the counts corrected."""

import pytest
from django.core.management import call_command

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import task_of
from tests.conftest import make_user
from tests.generating import place_song, start

HEARD = {"shift_half_beat": True, "downbeat_at_s": None, "taps_s": None}


@pytest.fixture
def made(own_database, media_root, settings, moves_library, demo_song) -> ChoreographyTask:
    """A task that is done, with half a beat corrected."""
    settings.MOVES_LIBRARY, settings.USER_WAITING_LIMIT = moves_library, 20
    place_song(demo_song)
    task = start(make_user("ana"), difficulty="intermediate", corrections=HEARD)
    call_command("procrastinate", "worker", "--one-shot")
    return task


def test_again__by_its_page__asks_for_the_same_with_what_was_said(made, client):
    ana = User.objects.get(username="ana")
    client.force_login(ana)
    assert b"Not quite right?" in client.get(f"/studio/{made.pk}").content

    def again(**sent: str) -> dict[str, object]:
        answer = client.post(f"/studio/{made.pk}/again", sent)
        assert answer.status_code == 302, answer.content
        return task_of(ana, answer.url.rpartition("/")[2]).facts.inputs

    def corrected(**sent: str) -> list[object]:
        corrections = again(**sent)["corrections"]
        return [corrections[name] for name in ("shift_half_beat", "downbeat_at_s", "taps_s")]

    other = again()
    assert (other["song"], other["difficulty"]) == ("demo.mp3", "intermediate")
    assert other["seed"] != task_of(ana, made.pk).facts.inputs["seed"]
    assert corrected() == [True, None, None]
    assert corrected(downbeat_at_s="4.25") == [True, 4.25, None]
    assert corrected(taps_s="1.0 1.5 2.0 2.5") == [False, None, [1.0, 1.5, 2.0, 2.5]]
    # Half a beat once more leads back to where the song was heard first: nothing is left to correct.
    assert again(shift_half_beat="1")["corrections"] is None
    assert again(move="2")["swap"] == {"task_id": made.pk, "move": 2}
    twice = [client.post(f"/studio/{made.pk}/again", {"key": "k"}).url for _ in range(2)]
    assert twice[0] == twice[1]

    # What no page of ours sends.
    for wrong in ({"move": "x"}, {"move": "0"}, {"move": "99"}, {"downbeat_at_s": "nan"}, {"taps_s": "1 2"}):
        assert client.post(f"/studio/{made.pk}/again", wrong).status_code == 400, wrong
    client.force_login(make_user("ben"))
    assert client.post(f"/studio/{made.pk}/again").status_code == 404
