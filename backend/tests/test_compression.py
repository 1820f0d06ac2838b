"""Pages are compressed for those who asked for them, and tell a listener nothing about what others asked for."""

import gzip
import secrets

import pytest

from apps.collections.models import SavedChoreography
from apps.sharing.links import secret_of
from apps.sharing.services import change_share
from config.compression import CompressedPages

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def asked(client, path, **headers):
    return client.get(path, headers=GZIP | {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_page__asked_for_by_our_own_or_by_the_user__is_compressed(api, site):
    answer = asked(api, "/collection", Sec_Fetch_Site=site)
    assert answer["Content-Encoding"] == "gzip"
    assert {"Accept-Encoding", "Sec-Fetch-Site"} <= set(answer["Vary"].split(", "))
    assert "<h1>Your collection</h1>" in gzip.decompress(answer.content).decode()
    assert int(answer["Content-Length"]) == len(answer.content) < 0.5 * len(api.get("/collection").content)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", None])
def test_page__asked_for_by_another_site_or_by_a_program__is_not_compressed(api, site):
    answer = asked(api, "/collection", **({} if site is None else {"Sec_Fetch_Site": site}))
    assert "Content-Encoding" not in answer.headers
    assert "Sec-Fetch-Site" in answer["Vary"]
    assert "<h1>Your collection</h1>" in answer.content.decode()


def test_page__for_a_browser_that_takes_nothing_compressed__is_not(api):
    answer = api.get("/collection", headers={"Sec-Fetch-Site": "same-origin"})
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/schema", "/static/web/compas.css", "/tasks/", "/api/nowhere"])
def test_answer_that_is_no_page__is_as_it_was(api, path):
    answer = asked(api, path, Sec_Fetch_Site="same-origin", Accept="application/json")
    assert "Content-Encoding" not in answer.headers
    assert answer.getvalue()


def test_length_of_a_page__for_another_site__is_the_same_whether_its_guess_is_right(api, ana, monkeypatch):
    """The page has a secret link, and repeats its own address. What a listener of the line sees is the length."""
    saved = SavedChoreography.objects.create(user=ana, title="Noche", video_path="", difficulty="beginner", duration=1)
    secret = secret_of(change_share(user=ana, choreography_id=saved.pk, visibility="unlisted"))
    wrong = secrets.token_hex(len(secret))[: len(secret)]

    def shortest(guess, site):
        path = f"/collection/{saved.pk}?guess={guess}"
        return min(len(asked(api, path, Sec_Fetch_Site=site).content) for _ in range(5))

    assert shortest(secret, "cross-site") == shortest(wrong, "cross-site")
    # What would be seen if it were compressed, without the bytes that Django adds at random.
    monkeypatch.setattr(CompressedPages, "max_random_bytes", 0)
    assert shortest(secret, "same-origin") < shortest(wrong, "same-origin") - 10
