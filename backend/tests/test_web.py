"""The page: the same services, for people."""

import re
import uuid
from html import unescape
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.jobs.models import Job
from apps.songs.models import OwnSong
from tests.evolving import spelled, stored
from tests.media import write_sound

HTMX = {"HX-Request": "true"}
NEW = {"username": "carla", "email": "carla@example.com", "display_name": "Carla", "password": "bailar"}


def text(answer) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def visitor(db) -> Client:
    return Client()


@pytest.fixture
def tone(tmp_path) -> SimpleUploadedFile:
    return SimpleUploadedFile("Mi Cielo.mp3", write_sound(tmp_path / "t.mp3").read_bytes())


@pytest.fixture
def song_of_ana(media_root) -> str:
    (media_root / "songs").mkdir()
    (media_root / "songs" / "s.mp3").write_bytes(b"not heard before the worker comes")
    return "s.mp3"


@pytest.fixture
def video(ana, media_root) -> str:
    path = media_root / "output" / f"user_{ana.pk}" / "t.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"moving pictures")
    return str(path.relative_to(media_root))


def make_task(user, **columns: object) -> ChoreographyTask:
    return ChoreographyTask.objects.create(task_id="t 1", user=user, **columns)


def save(user, **columns: object) -> SavedChoreography:
    tidy = {"title": "Noche", "video_path": f"output/user_{user.pk}/t.mp4", "difficulty": "beginner", "duration": 204.4}
    return SavedChoreography.objects.create(user=user, **(tidy | columns))


@pytest.mark.parametrize("path", ["/studio", "/studio/t", "/collection", f"/collection/{uuid.UUID(int=1)}"])
def test_page__visitor__logs_in_first_and_comes_back(visitor, path):
    answer = visitor.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={path}")


def test_home__is_the_studio(api):
    assert api.get("/")["Location"] == "/studio"


def test_login__leads_to_where_one_wanted_to_go(ana, visitor):
    assert "Welcome back" in text(visitor.get("/login?next=/collection"))
    answer = visitor.post("/login", {"login": "ana@example.com", "password": "secreto", "next": "/collection"})
    assert (answer.status_code, answer["Location"]) == (302, "/collection")


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "javascript:alert(1)", ""])
def test_login__never_leads_to_another_site(ana, visitor, elsewhere):
    answer = visitor.post("/login", {"login": "ana", "password": "secreto", "next": elsewhere})
    assert answer["Location"] == "/studio"


def test_login__wrong__says_so_and_keeps_what_was_typed_but_not_the_password(ana, visitor):
    answer = visitor.post("/login", {"login": "ana", "password": "wrong-one"})
    assert answer.status_code == 401
    assert "E-mail, username or password is wrong." in text(answer)
    assert 'value="ana"' in text(answer)
    assert "wrong-one" not in text(answer)


def test_login__locked__says_so(ana, visitor):
    for _ in range(5):
        visitor.post("/login", {"login": "ana", "password": "wrong-one"})
    answer = visitor.post("/login", {"login": "ana", "password": "secreto"})
    assert (answer.status_code, "Try again in 15 minutes" in text(answer)) == (429, True)


def test_login__without_csrf_token__is_refused(ana):
    answer = Client(enforce_csrf_checks=True).post("/login", {"login": "ana", "password": "secreto"})
    assert (answer.status_code, "This form had expired." in text(answer)) == (403, True)


def test_register__opens_the_studio(visitor):
    answer = visitor.post("/register", NEW, follow=True)
    assert answer.redirect_chain == [("/studio", 302)]
    assert "Carla" in text(answer)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "12345"}, "at least 6 characters"),
        ({"email": "ANA@example.com"}, "Has an account already."),
        ({"username": "ana"}, "Is taken."),
    ],
)
def test_register__wrong__is_explained_at_the_field(ana, visitor, change, words):
    answer = visitor.post("/register", NEW | change)
    assert (answer.status_code, words in text(answer), User.objects.count()) == (400, True, 1)
    assert 'aria-invalid="true"' in text(answer)


def test_logout__is_post_only(api):
    refused = api.get("/logout", headers={"Accept-Language": "es"})
    assert (refused.status_code, refused["Allow"]) == (405, "POST")
    assert "sola no muestra nada" in text(refused)  # with a way back, which a browser's own page has not
    assert 'href="/studio"' in text(refused)
    assert api.post("/logout")["Location"] == "/login"
    assert api.get("/studio").status_code == 302


def test_studio__upload__answers_with_the_list_and_the_song_chosen(api, media_root, tone):
    answer = api.post("/studio/songs", {"file": tone}, headers=HTMX)
    assert answer.status_code == 200
    assert "<html" not in text(answer)
    assert "“Mi Cielo” is here and chosen." in text(answer)
    assert f'value="{OwnSong.objects.get().pk}" required checked' in text(answer)
    tone.seek(0)
    assert "was here already" in text(api.post("/studio/songs", {"file": tone}, headers=HTMX))
    tone.seek(0)
    spanish = api.post("/studio/songs", {"file": tone}, headers=HTMX | {"Accept-Language": "es"})
    assert "«Mi Cielo» ya estaba; queda elegida." in text(spanish)


def test_studio__upload_without_scripts__comes_back_to_the_studio(api, tone):
    answer = api.post("/studio/songs", {"file": tone})
    assert answer["Location"] == f"/studio?song={OwnSong.objects.get().pk}"
    assert f'value="{OwnSong.objects.get().pk}" required checked' in text(api.get(answer["Location"]))
    refused = api.post("/studio/songs", {})
    assert (refused.status_code, "Choose a file with a song first." in text(refused)) == (400, True)


def test_studio__own_song__can_be_renamed_and_deleted_without_scripts(api, tone):
    api.post("/studio/songs", {"file": tone})
    address = f"/studio/songs/{OwnSong.objects.get().pk}"
    assert f'href="{address}"' in text(api.get("/studio"))
    assert 'name="title" value="Mi Cielo"' in text(api.get(address))
    refused = api.post(address, {"title": "  "})
    assert (refused.status_code, "A title has 1 to 200 characters" in text(refused)) == (400, True)
    renamed = api.post(address, {"title": "Cielo <3"}, follow=True)
    assert "<b>Cielo &lt;3</b>" in renamed.content.decode()
    assert api.post(f"{address}/delete")["Location"] == "/studio"
    assert api.get(address).status_code == 404
    assert "No songs yet" in text(api.get("/studio"))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"file": SimpleUploadedFile("x.mp3", b"la la la")}, 400, "is no sound file (another format). Choose an mp3"),
        ({}, 400, "Choose a file with a song first."),
    ],
)
def test_studio__upload_refused__says_why_in_the_list(api, body, status, words):
    answer = api.post("/studio/songs", body, headers=HTMX)
    assert (answer.status_code, words in text(answer), 'role="alert"' in text(answer)) == (status, True, True)


def test_studio__upload_too_large__says_the_limit(api, settings, tone):
    settings.SONG_MAX_MB = 0
    answer = api.post("/studio/songs", {"file": tone}, headers=HTMX)
    assert (answer.status_code, "at most 0 MB" in text(answer)) == (413, True)


def test_studio__generate__leads_to_its_progress(api, ana, media_root):
    (media_root / "songs").mkdir()
    (media_root / "songs" / "mi_cielo.mp3").write_bytes(b"")
    assert "mi cielo" in text(api.get("/studio"))
    answer = api.post("/studio", {"song": "mi_cielo.mp3", "difficulty": "beginner", "energy": ""})
    task = ChoreographyTask.objects.get()
    assert answer["Location"] == f"/studio/{task.pk}"
    page = text(api.get(answer["Location"]))
    assert "Starting choreography generation..." in page
    assert 'hx-trigger="every 1s"' in page
    assert 'aria-live="polite"' in page
    assert "mi cielo" in text(api.get("/studio"))


@pytest.mark.parametrize(("body", "auto_save"), [({"auto_save": "on"}, True), ({}, False)])
def test_studio__tick__decides_about_saving(api, media_root, body, auto_save):
    (media_root / "songs").mkdir()
    (media_root / "songs" / "s.mp3").write_bytes(b"")
    api.post("/studio", {"song": "s.mp3", "difficulty": "beginner", **body})
    assert Job.objects.get().auto_save is auto_save


def test_studio__the_only_song__is_chosen(api, media_root):
    songs = media_root / "songs"
    songs.mkdir()
    (songs / "one.mp3").write_bytes(b"")
    assert 'value="one.mp3" required checked' in text(api.get("/studio"))
    (songs / "two.mp3").write_bytes(b"")
    assert " required checked" not in text(api.get("/studio"))


def test_studio__no_song_chosen__says_so(api):
    answer = api.post("/studio", {"difficulty": "beginner"})
    assert (answer.status_code, "Choose a song first." in text(answer)) == (400, True)
    assert not ChoreographyTask.objects.exists()


def test_studio__song_gone__is_a_page_with_404(api):
    answer = api.post("/studio", {"song": "gone.mp3", "difficulty": "beginner"})
    assert (answer.status_code, "Missed a step" in text(answer)) == (404, True)


def test_studio__form_sent_twice__is_one_task(api, ana, song_of_ana):
    pressed = {"song": song_of_ana, "difficulty": "beginner"}
    keys = [re.search(r'name="key" value="([\w-]+)"', text(api.get("/studio")))[1] for _ in range(2)]
    first, again, changed, changed_again, other_form = (
        api.post("/studio", pressed | {"key": keys[form]} | change)["Location"]
        for form, change in ((0, {}), (0, {}), (0, {"energy": "low"}), (0, {"energy": "low"}), (1, {}))
    )
    assert (first, changed) == (again, changed_again)
    assert len({first, changed, other_form}) == Job.objects.count() == 3
    assert len(set(Job.objects.values_list("request__seed", flat=True))) == 3
    api.delete(f"/api/choreography/tasks/{first.rpartition('/')[2]}")
    anew = api.post("/studio", pressed | {"key": keys[0]})["Location"]
    assert anew not in {first, changed, other_form}, "what was cancelled is not shown again"


def test_studio__form_without_a_key__starts_a_task_each_time(api, ana, song_of_ana):
    pressed = {"song": song_of_ana, "difficulty": "beginner"}
    assert len({api.post("/studio", pressed | {"key": key})["Location"] for key in ("", "x" * 300, "\0")}) == 3


@pytest.mark.parametrize("task_id", ["t 1", "an/odd one"])
def test_progress__unfinished__can_be_cancelled_where_either_system_answers(api, ana, task_id):
    ChoreographyTask.objects.create(task_id=task_id, user=ana)
    page = text(api.get(f"/studio/{task_id}"))
    address = f"/task/{quote(spelled(task_id))}/cancel/"
    offered = f'<form method="post" action="{address}" hx-post="{address}" hx-swap="none">' in page
    assert offered == ("/" not in spelled(task_id))
    if offered:
        assert api.post(address).status_code == 200
        assert api.get(f"/studio/{task_id}", headers=HTMX).status_code == 286


def test_choreography__can_be_deleted_where_either_system_answers(api, ana):
    saved = save(ana)
    address = f"/collections/{saved.pk}/delete/"
    assert f'<form method="post" action="{address}">' in text(api.get(f"/collection/{saved.pk}"))
    assert api.post(address)["Location"] == "/collections/"
    assert not SavedChoreography.objects.exists()


def test_progress__polling__answers_only_what_changed_and_stops_at_the_end(api, ana, video):
    task = make_task(ana, status=stored("running"), progress=40, stage="selecting", message="Selecting dance moves...")
    url = f"/studio/{quote(spelled(task.pk))}"
    seen = f"{task.updated_at.isoformat()} {task.message}"
    first = api.get(url, headers=HTMX)
    assert (first.status_code, "<html" in text(first)) == (200, False)
    assert 'aria-current="step">Choose the moves' in text(first)
    assert f'name="seen" value="{seen}"' in text(first)
    assert api.get(url, {"seen": seen}, headers=HTMX).status_code == 204
    task.status, task.result = "completed", {"video_path": video, "sequence_duration": 61.5}
    task.save()
    last = api.get(url, {"seen": seen}, headers=HTMX)
    assert last.status_code == 286  # htmx stops asking
    assert f'<video src="/api/choreography/tasks/{quote(spelled(task.pk))}/video"' in text(last)
    assert 'data-speed="0.75"' in text(last)
    assert "1:02" in text(last)
    assert "HX-Request" in last["Vary"]
    # The page shows the same when it is opened later, and does not poll.
    assert "hx-trigger" not in text(api.get(url))


def test_progress__task_of_the_original__is_shown(api, ana, video):
    make_task(ana, status="completed", message="Choreography generated successfully!", result={"video_path": video})
    page = text(api.get("/studio/t%201"))
    assert "Your choreography is ready" in page
    assert "Keep it in my collection" in page


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"status": "failed", "error": "The song is <silent>."}, "The song is <silent>."),
        ({"status": "failed", "error": None}, "No reason was recorded."),
        ({"status": "completed", "result": None}, "The video is not there any more"),
        (
            {"status": "completed", "result": {"video_path": "gone.mp4", "sequence_duration": "long"}},
            "The video is not there any more",
        ),
        ({"status": stored("running"), "stage": "unknown", "progress": 55}, "Making your choreography"),
    ],
)
def test_progress__untidy_or_failed__is_explained(api, ana, columns, words):
    make_task(ana, **columns)
    assert words in text(api.get("/studio/t%201"))
    assert words in text(api.get("/studio/t%201", headers=HTMX))


def test_progress__failed__no_longer_reads_out_what_it_was_doing(api, ana):
    make_task(ana, status="failed", error="The song is silent.", message="Analyzing the music...", stage="analyzing")
    for headers in ({}, HTMX):
        _, there, spoken = text(api.get("/studio/t%201", headers=headers)).partition('id="spoken"')
        assert (there, "Analyzing the music" in spoken) == ('id="spoken"', False)


def test_progress__row_gone__stops_polling_and_says_so(api):
    answer = api.get("/studio/t%201", headers=HTMX)
    assert (answer.status_code, "This one is gone" in text(answer)) == (286, True)


def test_progress__session_ended__leads_the_whole_page_to_login(visitor):
    answer = visitor.get("/studio/t", headers=HTMX | {"HX-Current-URL": "http://testserver/studio/t"})
    assert answer["HX-Redirect"] == "/login?next=/studio/t"


def test_keep__saves_once_and_leads_there(api, ana, video):
    make_task(ana, status="completed", result={"video_path": video, "sequence_duration": 61.5})
    first, again = api.post("/studio/t%201/keep"), api.post("/studio/t%201/keep")
    assert first["Location"] == again["Location"] == f"/collection/{SavedChoreography.objects.get().pk}"


def test_keep__nothing_to_keep__is_a_page_with_409(api, ana):
    make_task(ana, status=stored("running"))
    answer = api.post("/studio/t%201/keep")
    assert (answer.status_code, "it has no video" in text(answer)) == (409, True)


def test_collection__lists_mine_by_pages(api, ana, ben, video):
    for number in range(13):
        save(ana, title=f"Number {number:02}")
    save(ben, title="His")
    first, second = text(api.get("/collection")), text(api.get("/collection?page=2"))
    assert "13 choreographies" in first
    assert ("Number 12" in first, "Number 00" in first, "Number 00" in second) == (True, False, True)
    assert "His" not in first + second
    older = re.search(r'rel="next" href="/collections/\?([^"]+)"', first)[1]
    assert "Number 00" in text(api.get(f"/collections/?{older}", follow=True))
    # A number is an old bookmark's. Out of range is the last page, as in the original.
    assert "Number 00" in text(api.get("/collection?page=99"))


def test_collection__empty__invites(api):
    assert "Nothing here yet." in text(api.get("/collection"))


def test_choreography__has_its_player_facts_and_download(api, ana, video):
    saved = save(ana, music_info={"source": "songs/mi_cielo.mp3"})
    page = text(api.get(f"/collection/{saved.pk}"))
    assert f'<video src="/api/collections/{saved.pk}/video"' in page
    assert 'download="Noche.mp4"' in page
    for fact in ("Beginner", "3:24", "mi cielo"):
        assert fact in page


def test_choreography__auto_saved__is_called_by_its_song(api, ana):
    saved = save(ana, title="Auto-saved Choreography", music_info={"source": "mi_cielo.mp3"})
    assert ">mi cielo</h1>" in text(api.get(f"/collection/{saved.pk}"))


def test_choreography__of_another_user__is_404(api, ben):
    answer = api.get(f"/collection/{save(ben).pk}")
    assert (answer.status_code, "There is no such choreography." in text(answer)) == (404, True)


@pytest.mark.parametrize(
    "columns",
    [
        {"duration": float("nan")},
        {"duration": float("inf")},
        {"duration": -1.0},
        {"music_info": ["list"]},
        {"music_info": {"source": 7}},
        {"music_info": None, "generation_parameters": None},
        {"title": ""},
        {"video_path": ""},
        {"video_path": "/nowhere/x.mp4"},
        {"thumbnail_path": None},
    ],
)
def test_collection__untidy_row__is_shown(api, ana, columns):
    saved = save(ana, **columns)
    for path in ("/collection", f"/collection/{saved.pk}"):
        answer = api.get(path)
        assert answer.status_code == 200
        assert ("Noche" if columns.get("title") != "" else "Untitled") in text(answer)
        assert "nan" not in text(answer).split("<main")[1]


def test_text_of_users__is_escaped(api, ana):
    save(ana, title="<script>alert(1)</script>")
    assert "<script>alert" not in api.get("/collection").content.decode()
