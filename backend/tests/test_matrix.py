"""The access matrix finds no grant, no forged write and no leak; and it notices each where one is planted."""

import os
import re
from pathlib import Path

import pytest
from django.db.models import UUIDField
from django.test import Client

from apps.collections.models import SavedChoreography
from apps.open_sessions import seen
from apps.tokens.models import PersonalToken
from config import security
from config.prepared import GivenValue, Prepared
from tests import matrix
from tests.matrix import KEPT, TASK, TOKEN, Matrix, changes, rows_of
from tests.test_access import DECLARED, house

__all__ = ["house"]

KEPT_PAGE, TASK_PAGE, TOKEN_PAGE = f"/api/collections/{KEPT}", f"/studio/{TASK}", f"/api/auth/tokens/{TOKEN}"


@pytest.fixture
def asked(house, settings, media_root: Path) -> Matrix:
    settings.SECOND_FACTOR = True
    return Matrix(media_root)


def test_matrix__everyone_at_every_address__gets_what_is_declared_and_nothing_of_ana(
    house, settings, media_root: Path, record_testsuite_property
):
    settings.SECOND_FACTOR = True
    figures = matrix.run(media_root, full=os.environ.get("COMPAS_FULL") == "1")
    for name, number in figures.numbers().items():
        record_testsuite_property(name, number)
    assert not figures.wrong(), "\n".join(figures.wrong()[:60])
    assert figures.answers > 700


ASKED_WITH_GET = [address for address in DECLARED if "GET" in DECLARED[address]]


def changed_by_get(asked: Matrix, name: str, addresses: list[str]) -> list[str]:
    """Ask as a browser would, GET and HEAD, and return what became of the rows and files of all users."""
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = asked.asker(name).session
    client.get("/studio")  # the first request of a session notes that it was seen
    found = []
    rows, files = rows_of(None), asked._files()
    for address in addresses:
        for method in ("GET", "HEAD"):
            answer = client.generic(method, address)
            answer.getvalue()
            after = rows_of(None)
            found += [f"{method} {address}: {change}" for change in changes(rows, after)]
            found += [f"{method} {address}: files changed"] * (files != asked._files())
            rows = after
    return found


@pytest.mark.parametrize("name", ["owner", pytest.param("superuser", marks=pytest.mark.full)])
def test_get__of_every_address__changes_no_row_and_no_file(asked, name, monkeypatch):
    monkeypatch.setattr(seen, "NOTED_EVERY_S", 3600)  # however long all these requests take
    changed = changed_by_get(asked, name, [*ASKED_WITH_GET, "/admin/", "/admin/users/user/"])
    # The service's own note, written when a video is first sent: whose the file is.
    noted = [change for change in changed if re.search(r"/video: file_owners \S+ appeared$", change)]
    assert [change for change in changed if change not in noted] == []
    assert len(noted) == (name == "owner")


def test_planted__get_that_ends_tokens__is_noticed(asked, monkeypatch):
    def end_all(_: object) -> list[object]:
        PersonalToken.objects.filter(pk=TOKEN).delete()
        return []

    monkeypatch.setattr("web.profile.tokens_of", end_all)
    assert f"GET /account: tokens {TOKEN} is gone" in changed_by_get(asked, "owner", ["/account"])


def test_planted__rows_of_all_users__are_granted_leaked_and_written(asked, monkeypatch):
    of_anyone = Prepared(lambda: SavedChoreography.objects.filter(pk=GivenValue("id", UUIDField())))
    monkeypatch.setattr("apps.collections.selectors._ONE", {False: of_anyone, True: of_anyone})
    asked.walk(asked.asker("other"), [KEPT_PAGE])
    assert f"other: GET {KEPT_PAGE} answers 200, declared is 404" in asked.figures.unexpected_grants
    assert f"other: GET {KEPT_PAGE}" in asked.figures.leaks


def test_planted__anyone_ends_tokens__is_a_forged_write(asked, monkeypatch):
    every = PersonalToken.objects.all()
    monkeypatch.setattr("apps.tokens.services.tokens_of", lambda _: every.all())
    asked.walk(asked.asker("other"), [TOKEN_PAGE])
    assert asked.figures.forged_writes == [f"other: DELETE {TOKEN_PAGE}: tokens {TOKEN} is gone"]


def test_planted__video_of_another_is_removed__is_a_forged_write(asked, monkeypatch, media_root):
    def remove(**_: object) -> None:
        next((media_root / "output").rglob("v.mp4")).unlink()

    monkeypatch.setattr("apps.collections.services.change_choreography", remove)
    asked.walk(asked.asker("other"), [KEPT_PAGE])
    assert f"other: PATCH {KEPT_PAGE}: v.mp4 changed" in asked.figures.forged_writes
    assert asked.files == asked._files(), "and is there again for the next request"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("token, expired", "apps.tokens.services.end_of"),
        ("token of other: songs:write", "apps.tokens.services.scope_needed"),
    ],
)
def test_planted__token_that_is_not_checked__is_granted(asked, monkeypatch, name, place):
    monkeypatch.setattr(place, lambda *_: "songs:write" if "scope" in place else "")
    asked.walk(asked.asker(name), ["/api/auth/me"])
    assert len(asked.figures.unexpected_grants) == 2, "GET and PATCH"


def test_ask__twice__does_the_same_twice(asked):
    """What the process remembers of a request is taken back, too: told apart are things, not moments."""
    first, second = (asked.ask(asked.asker("other"), "GET", TASK_PAGE) for _ in range(2))
    assert first.statements == second.statements


def test_planted__other_words_for_what_is_anothers__are_told_apart(asked, monkeypatch):
    asked.tell_apart(asked.asker("other"), {}, [TASK_PAGE])
    assert not asked.figures.told_apart
    monkeypatch.setattr(matrix, "TELL_OTHERS", set())
    asked.tell_apart(asked.asker("other"), {}, [f"/task/{TASK}/"])
    assert f"other: GET /task/{TASK}/ {{}}" in asked.figures.told_apart


def test_planted__answer_without_the_header__is_cacheable(asked, monkeypatch):
    monkeypatch.delitem(security.HEADERS, "Cache-Control")
    asked.walk(asked.asker("other"), ["/api/auth/me"])
    # What is read says itself that it is private; what is written does not.
    assert asked.figures.cacheable == ["other: PATCH /api/auth/me"]
