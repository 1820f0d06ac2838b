"""Edit and delete what is in the collection."""

import uuid
from pathlib import Path

import pytest
from django.test import Client

from choreography.forms import EditForm
from choreography.models import SavedChoreography
from tests.conftest import logged_in, make_user, save_choreography
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return make_user("ana")


@pytest.fixture
def videos(media: Path, ana: User) -> list[Path]:
    """A video of ana's, and one that is not hers."""
    hers, secret = media / "output" / f"user_{ana.pk}" / "la luna.mp4", media / "secret.mp4"
    hers.parent.mkdir(parents=True)
    for file in (hers, secret):
        file.write_bytes(b"0123456789")
    return [hers, secret]


@pytest.fixture
def saved(ana: User, videos: list[Path]) -> SavedChoreography:
    """A choreography of ana's whose file is there."""
    return save_choreography(ana, video_path=f"output/user_{ana.pk}/la luna.mp4")


def test_edit_changes_title_and_difficulty_and_nothing_else(ana: User, saved: SavedChoreography):
    before = SavedChoreography.objects.values().get()
    client = logged_in(ana)
    page = client.get(f"/collections/{saved.pk}/edit/")

    answer = client.post(
        f"/collections/{saved.pk}/edit/", {"title": "Saturday", "difficulty": "advanced", "duration": "1", "user": "9"}
    )

    assert page.context["form"].initial == {"title": "Friday", "difficulty": "beginner"}
    assert (answer.status_code, answer["Location"]) == (302, f"/collections/{saved.pk}/")
    assert SavedChoreography.objects.values().get() == {**before, "title": "Saturday", "difficulty": "advanced"}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"title": "", "difficulty": "beginner"}, "This field is required."),
        ({"title": "a" * 201, "difficulty": "beginner"}, "Ensure this value has at most 200 characters (it has 201)."),
        ({"title": "a\0", "difficulty": "beginner"}, "Null characters are not allowed."),
        (
            {"title": "Saturday", "difficulty": "expert"},
            "Select a valid choice. expert is not one of the available choices.",
        ),
    ],
)
def test_edit__a_bad_form__says_why_and_changes_nothing(
    ana: User, saved: SavedChoreography, form: dict[str, str], message: str
):
    answer = logged_in(ana).post(f"/collections/{saved.pk}/edit/", form)

    assert answer.status_code == 200
    assert [message] in answer.context["form"].errors.values()
    saved.refresh_from_db()
    assert (saved.title, saved.difficulty) == ("Friday", "beginner")


def test_edit_writes_every_column(ana: User, saved: SavedChoreography, monkeypatch: pytest.MonkeyPatch):
    """The backend has to cope with this."""

    def overtake(form: EditForm) -> str:
        SavedChoreography.objects.update(duration=1)
        return form.cleaned_data["title"]

    monkeypatch.setattr(EditForm, "clean_title", overtake, raising=False)

    logged_in(ana).post(f"/collections/{saved.pk}/edit/", {"title": "Saturday", "difficulty": "beginner"})

    saved.refresh_from_db()
    assert (saved.title, saved.duration) == ("Saturday", 61.4)


def test_delete_asks_then_takes_the_row_and_the_file(ana: User, saved: SavedChoreography, videos: list[Path]):
    client = logged_in(ana)

    assert "Delete “Friday”?" in client.get(f"/collections/{saved.pk}/delete/").content.decode()
    assert (SavedChoreography.objects.exists(), videos[0].exists()) == (True, True)
    answer = client.post(f"/collections/{saved.pk}/delete/", follow=True)

    assert answer.redirect_chain == [("/collections/", 302)]
    assert "“Friday” was deleted." in answer.content.decode()
    assert (SavedChoreography.objects.exists(), videos[0].exists()) == (False, False)


@pytest.mark.parametrize("path", ["output/user_{id}/la luna.mp4", "/srv/old/media/output/user_{id}/la luna.mp4"])
def test_delete__another_row_plays_the_same_file__the_file_stays(
    ana: User, saved: SavedChoreography, videos: list[Path], path: str
):
    other = save_choreography(ana, video_path=path.format(id=ana.pk))
    client = logged_in(ana)

    client.post(f"/collections/{saved.pk}/delete/")
    assert videos[0].exists()
    client.post(f"/collections/{other.pk}/delete/")

    assert not videos[0].exists()


@pytest.mark.parametrize("path", ["", "/", "..", "output/..", "gone.mp4", "/etc/passwd", "../../secret.mp4"])
def test_delete__a_path_that_is_no_file_of_ones_own__takes_the_row_only(ana: User, videos: list[Path], path: str):
    saved = save_choreography(ana, video_path=path)

    assert logged_in(ana).post(f"/collections/{saved.pk}/delete/").status_code == 302

    assert not SavedChoreography.objects.exists()
    assert all(file.exists() for file in videos)


def test_delete__the_video_of_another_user_was_typed_as_path__stays(ana: User, videos: list[Path]):
    bea = make_user("bea")
    thief = save_choreography(bea, video_path=f"output/user_{ana.pk}/la luna.mp4")

    logged_in(bea).post(f"/collections/{thief.pk}/delete/")

    assert videos[0].exists()


@pytest.mark.parametrize("page", ["edit", "delete"])
def test_edit_and_delete__of_another_user_or_missing__404(ana: User, page: str):
    hers = save_choreography(make_user("bea"))
    form = {"title": "mine now", "difficulty": "beginner"}

    for choreography_id in (hers.pk, uuid.uuid4()):
        path = f"/collections/{choreography_id}/{page}/"
        assert logged_in(ana).get(path).status_code == 404
        assert logged_in(ana).post(path, form).status_code == 404
        assert Client().post(path, form)["Location"] == f"/auth/login/?next={path}"
    assert SavedChoreography.objects.get().title == "Friday"
