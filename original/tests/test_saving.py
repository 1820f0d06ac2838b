"""Save to the collection, and its statistics."""

import pytest
from django.test import Client

from choreography.models import SavedChoreography
from tests.conftest import logged_in, make_user, save_choreography
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return make_user("ana")


SAVE = {
    "title": "Friday",
    "difficulty": "advanced",
    "video_path": "output/user_1/luna.mp4",
    "duration": "61.4",
    "music_info": '{"source": "luna.mp3"}',
    "generation_parameters": '{"task_id": "1"}',
}


def test_save_writes_a_row_and_says_which(ana: User):
    answer = logged_in(ana).post("/collections/save/", SAVE)

    saved = SavedChoreography.objects.get()
    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "choreography_id": str(saved.pk), "message": "Choreography saved successfully!"},
    )
    assert (saved.user, saved.title, saved.difficulty, saved.duration) == (ana, "Friday", "advanced", 61.4)
    assert (saved.video_path.name, saved.thumbnail_path.name) == ("output/user_1/luna.mp4", "")
    assert (saved.music_info, saved.generation_parameters) == ({"source": "luna.mp3"}, {"task_id": "1"})


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("", None), ("null", None), ("[1]", [1]), ('"\\\\u0000"', "\\u0000"), ('{"a": 1.5}', {"a": 1.5})],
)
def test_save_stores_any_json_that_the_database_takes(ana: User, sent: str, stored: object):
    assert logged_in(ana).post("/collections/save/", {**SAVE, "music_info": sent}).status_code == 200
    assert SavedChoreography.objects.get().music_info == stored


NO_JSON = "Enter a valid JSON."


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"title": " "}, {"title": ["This field is required."]}),
        ({"title": "a" * 201}, {"title": ["Ensure this value has at most 200 characters (it has 201)."]}),
        (
            {"difficulty": "expert"},
            {"difficulty": ["Select a valid choice. expert is not one of the available choices."]},
        ),
        ({"video_path": ""}, {"video_path": ["This field is required."]}),
        ({"video_path": "a" * 501}, {"video_path": ["Ensure this value has at most 500 characters (it has 501)."]}),
        ({"duration": "long"}, {"duration": ["Enter a number."]}),
        ({"duration": "nan"}, {"duration": ["Enter a number."]}),
        ({"duration": "-1"}, {"duration": ["Ensure this value is greater than or equal to 0."]}),
        ({"music_info": "{"}, {"music_info": [NO_JSON]}),
        ({"music_info": "[NaN]"}, {"music_info": [NO_JSON]}),
        ({"music_info": r'{"a": "\u0000"}'}, {"music_info": [NO_JSON]}),
        ({"music_info": r'"\ud800"'}, {"music_info": [NO_JSON]}),
        ({"music_info": "[" * 100_000 + "]" * 100_000}, {"music_info": [NO_JSON]}),
        ({"generation_parameters": "1" * 5_000}, {"generation_parameters": [NO_JSON]}),
        (
            {"title": "", "duration": ""},
            {"title": ["This field is required."], "duration": ["This field is required."]},
        ),
    ],
)
def test_save__a_bad_form__says_what_is_wrong_with_each_field(ana: User, changes: dict[str, str], errors: object):
    answer = logged_in(ana).post("/collections/save/", {**SAVE, **changes})

    assert (answer.status_code, answer.json()) == (400, {"success": False, "errors": errors})
    assert not SavedChoreography.objects.exists()


def test_save_is_a_post_of_a_user_who_is_logged_in(ana: User):
    assert logged_in(ana).get("/collections/save/").status_code == 405
    assert Client().post("/collections/save/", SAVE)["Location"] == "/auth/login/?next=/collections/save/"
    assert not SavedChoreography.objects.exists()


def test_statistics_count_ones_own_and_sum_what_is_a_length(ana: User):
    for difficulty, duration in [("beginner", 60), ("beginner", 120), ("advanced", 30), ("expert", 30)]:
        save_choreography(ana, difficulty=difficulty, duration=duration)
    for no_length in (float("nan"), float("inf"), -5):
        save_choreography(ana, difficulty="intermediate", duration=no_length)
    save_choreography(make_user("bea"))

    assert logged_in(ana).get("/collections/stats/").json() == {
        "total_count": 7,
        "total_duration": 240,
        "avg_duration": 60,
        "beginner_count": 2,
        "intermediate_count": 3,
        "advanced_count": 1,
    }


def test_statistics__of_an_empty_collection__are_zero(ana: User):
    assert set(logged_in(ana).get("/collections/stats/").json().values()) == {0}
    assert Client().get("/collections/stats/")["Location"] == "/auth/login/?next=/collections/stats/"
