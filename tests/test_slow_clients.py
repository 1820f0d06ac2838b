"""Slow clients of the running house: the page and ``/health`` answer while hundreds of connections are held."""

import os
from urllib.parse import urlsplit

import httpx

from sandbox.slow_clients import ANNOUNCED_BODY, HALF_A_HEADER, get, holding
from tests.people import Browser
from tests.test_every_address import VIDEO_FIELDS

COUNT = 167 if os.environ.get("COMPAS_FULL") else 100
FILM_BYTES = 30_000_000  # more than the buffers of a connection hold


def film_of(dancer: Browser, media) -> str:
    """Save a choreography whose film is large; return the film's address."""
    user_id = dancer.backend.get("/api/auth/me").json()["id"]
    film = media / "output" / f"user_{user_id}" / "large.mp4"
    film.parent.mkdir(parents=True, exist_ok=True)
    with film.open("wb") as file:
        file.truncate(FILM_BYTES)
    dancer.backend.get("/login")
    fields = VIDEO_FIELDS | {"video_path": f"output/user_{user_id}/large.mp4"}
    saved = dancer.post(dancer.backend, "/collections/save/", data=fields)
    return f"/api/collections/{saved.json()['choreography_id']}/video"


def test_held_connections__of_each_kind__leave_the_service_to_others(systems, dancer: Browser):
    address = film_of(dancer, systems.place.media)
    cookies = "; ".join(f"{name}={value}" for name, value in dancer.backend.cookies.items())
    unread = get(address, Cookie=cookies)
    with holding(urlsplit(systems.backend_url).port, HALF_A_HEADER, ANNOUNCED_BODY, unread, count=COUNT) as held:
        assert {client.recv(15) for client in held[-COUNT:]} == {b"HTTP/1.1 200 OK"}
        with httpx.Client(base_url=systems.backend_url, timeout=60) as visitor:
            assert visitor.get("/health").json()["status"] == "healthy"
            assert visitor.get("/login").status_code == 200
        part = dancer.backend.get(address, headers={"Range": "bytes=-5"})
        assert (part.status_code, part.content) == (206, bytes(5))
