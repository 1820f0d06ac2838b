"""A body that is too large is refused before it is read, at every address."""

from io import BytesIO
from itertools import product

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.test_web import HTMX

FORM = "multipart/form-data; boundary=x"
LARGE = 3 * 1024 * 1024


class Watched(BytesIO):
    """A body that knows how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        part = super().read(size)
        self.taken += len(part)
        return part


def form_with_file(size: int) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'
    return head + bytes(size) + b"\r\n--x--\r\n"


def send(client: Client, address: str, size: int):
    """Post a form with a file of so many bytes; also return how many bytes of it were read."""
    content = form_with_file(size)
    body = Watched(content)
    sent = {"wsgi.input": body, "CONTENT_LENGTH": str(len(content)), "CONTENT_TYPE": FORM}
    return client.generic("POST", address, **sent), body.taken


def addresses(patterns: list[URLPattern | URLResolver], before: str = "/") -> list[str]:
    """Return every address without parameters."""
    found = []
    for pattern in patterns:
        here = before + str(pattern.pattern).removeprefix("^").removesuffix(r"\Z").removesuffix("$")
        if isinstance(pattern, URLResolver):
            found += addresses(pattern.url_patterns, here)
        elif not set(here) & set("<(["):
            found.append(here)
    return sorted(set(found))


ADDRESSES = addresses(get_resolver().url_patterns)
OF_FILES = {"/api/songs", "/studio/songs"}


def test_addresses__are_found():
    assert {"/login", "/auth/login/", "/admin/login/", "/studio", "/create/", "/api/auth/login", *OF_FILES} <= set(
        ADDRESSES
    )


def test_large_body__is_refused_unread_for_strangers_and_members(api):
    people = {"stranger": Client(), "checked stranger": Client(enforce_csrf_checks=True), "member": api}
    for address, who in product((a for a in ADDRESSES if a not in OF_FILES), people):
        answer, taken = send(people[who], address, LARGE)
        assert (answer.status_code, taken) == (413, 0), (address, who)
        assert "What was sent has 3.0 MB; this address takes at most 2.5 MB." in answer.content.decode(), address


@pytest.mark.parametrize("address", sorted(OF_FILES))
def test_large_file_of_a_stranger__is_refused_unread(db, address):
    for client in (Client(), Client(enforce_csrf_checks=True)):
        answer, taken = send(client, address, LARGE)
        assert (answer.status_code in {401, 403, 413}, taken) == (True, 0)


@pytest.mark.parametrize("address", sorted(OF_FILES))
def test_file_beyond_the_limit_of_songs__is_refused_unread_for_members(api, settings, address):
    settings.SONG_MAX_MB = 3
    answer, taken = send(api, address, LARGE + 65 * 1024)
    assert (answer.status_code, taken) == (413, 0)


@pytest.mark.parametrize("address", sorted(OF_FILES))
def test_file_within_the_limit__is_read(api, settings, address):
    settings.SONG_MAX_MB = 3
    answer, taken = send(api, address, LARGE)
    assert (answer.status_code, taken > LARGE) == (400, True), "it is read, and is no song"


def test_small_body__is_read_as_before(db):
    answer, taken = send(Client(), "/login", 1000)
    assert (answer.status_code, taken > 1000) == (400, True)


def test_file_beyond_the_limit__is_told_beside_what_the_page_shows(api, settings):
    settings.SONG_MAX_MB = 1
    answer = api.post("/studio/songs", {"file": SimpleUploadedFile("a.mp3", bytes(LARGE))}, headers=HTMX)
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Reswap"]) == (413, "[role=status]", "innerHTML")
    assert answer.content.decode() == (
        '<p class="wrong" role="alert">What was sent has 3.0 MB; this address takes at most 2.5 MB.</p>'
    )
