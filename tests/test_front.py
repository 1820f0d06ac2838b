"""The backend behind the fronts that deploy/ recommends: TLS, cookies, headers, bodies, slow clients, videos."""

import json
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox import house, slow_clients
from sandbox.ports import LOOPBACK, free_port
from sandbox.systems import SystemProcess, Systems, until_healthy
from tests import fronts
from tests.fronts import HOST, Front
from tests.people import PASSWORD, Browser
from tests.test_slow_clients import FILM_BYTES, film_of

SETTINGS = {"TLS": "shared", "TRUSTED_PROXIES": "1", "ALLOWED_HOSTS": f"{HOST},{LOOPBACK}"}
HELD = 60  # of each kind; one address may have 100 connections


@pytest.fixture(scope="module", params=["nginx", pytest.param("haproxy", marks=pytest.mark.full)])
def front(request, systems: Systems, tmp_path_factory) -> Iterator[Front]:
    """A front, and behind it a backend with the settings that its file names."""
    if not fronts.program(request.param):
        pytest.skip(fronts.missing(request.param))
    folder, port = tmp_path_factory.mktemp("front"), free_port()
    settings = SETTINGS | ({"X_ACCEL_MEDIA": "/protected-media/"} if request.param == "nginx" else {})
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{LOOPBACK}:{port}"]
    environment = systems.environment("backend_app") | settings
    backend = SystemProcess("backend", command, environment, folder / "backend.log", house.ROOT / "backend")
    backend.start()
    try:
        until_healthy(f"http://{LOOPBACK}:{port}", [backend])
        if request.param == "nginx":
            running = fronts.nginx(folder, backend_port=port, media=systems.place.media)
        else:
            running = fronts.haproxy(folder, backend_port=port)
        with running as started:
            yield started
    finally:
        backend.stop()


def browser(front: Front, **headers: str) -> httpx.Client:
    context = ssl.create_default_context(cafile=front.certificate)
    context.check_hostname = False  # it is asked for by its address
    host = {"Host": f"{HOST}:{front.port}", "Referer": f"https://{HOST}:{front.port}/"}
    return httpx.Client(base_url=f"https://{LOOPBACK}:{front.port}", verify=context, headers=host | headers, timeout=60)


def asked(client: httpx.Client, method: str, path: str, **more: object) -> httpx.Response:
    return client.request(method, path, extensions={"sni_hostname": HOST}, **more)


@pytest.fixture
def logged_in(front: Front, dancer: Browser) -> Iterator[httpx.Client]:
    with browser(front) as client:
        answer = asked(client, "POST", "/api/auth/login", json={"login": dancer.name, "password": PASSWORD})
        assert answer.status_code == 200
        yield client


def test_plain_http__leads_to_https(front):
    with httpx.Client(base_url=f"http://{LOOPBACK}:{front.plain_port}", headers={"Host": HOST}) as client:
        answer = client.get("/login?a=1")
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{HOST}/login?a=1")


def test_login_page__over_tls__has_secure_cookies_hsts_and_its_policies(front):
    with browser(front) as client:
        answer = asked(client, "GET", "/login")
    assert answer.status_code == 200
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"] == "max-age=3600"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_other_host_name__gets_no_answer(front):
    with browser(front, Host="evil.example") as client:
        try:
            answer = asked(client, "GET", "/login")
        except httpx.RemoteProtocolError:
            return
    assert answer.status_code in {400, 421}


def test_form__with_the_origin_of_the_front__is_accepted_and_another_is_refused(front, logged_in):
    token = logged_in.cookies["csrftoken"]
    for origin, status in ((f"https://{HOST}:{front.port}", 302), ("https://evil.example", 403)):
        headers = {"Origin": origin, "X-CSRFToken": token}
        assert asked(logged_in, "POST", "/logout", headers=headers).status_code == status, origin
        if status == 302:
            assert asked(logged_in, "GET", "/api/auth/me").status_code == 401


def test_forwarded_headers_of_a_client__are_replaced(front, dancer):
    """Another address in each attempt does not escape the count of failed logins."""
    for attempt in range(6):
        headers = {"X-Forwarded-For": f"198.51.100.{attempt}", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil"}
        with browser(front, **headers) as client:
            wrong = {"login": dancer.name, "password": "wrong"}
            answer = asked(client, "POST", "/api/auth/login", json=wrong)
    assert answer.status_code == 429


def test_large_body__is_refused_by_the_front(front):
    with browser(front) as client:
        answer = asked(client, "POST", "/login", content=bytes(3 * 1024 * 1024))
    assert answer.status_code == 413


SMALL_LIMIT, SONG_LIMIT = 2624 * 1024, 51264 * 1024
TOO_LARGE = "What was sent is too large. A song may have at most 50 MB."


def announced(front: Front, path: str, length: int, *headers: str) -> tuple[HTTPResponse, str]:
    """Send the header of a POST of so many bytes and the first 16 KiB, for which HAProxy waits; return the answer."""
    context = ssl.create_default_context(cafile=front.certificate)
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {length}", *headers, "", ""]
    with (
        slow_clients.connect(front.port, b"") as raw,
        context.wrap_socket(raw, server_hostname=HOST) as client,
    ):
        client.settimeout(30)
        client.sendall("\r\n".join(lines).encode() + bytes(16 * 1024))
        answer = HTTPResponse(client)
        answer.begin()
        return answer, answer.read().decode()


@pytest.mark.parametrize(
    ("path", "length"), [("/studio/songs", SONG_LIMIT), ("/studio", SMALL_LIMIT), ("/account/profile", SMALL_LIMIT)]
)
def test_large_body__of_a_page__is_refused_in_words_that_htmx_puts_beside_the_list(front, path, length):
    answer, said = announced(front, path, length + 1, "HX-Request: true")
    assert (answer.status, said) == (413, f'<p class="wrong" role="alert">{TOO_LARGE}</p>')
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("[role=status]", "innerHTML")
    assert answer.headers.get_content_type() == "text/html"
    answer, said = announced(front, path, length + 1)
    assert (answer.status, f"{TOO_LARGE}</p>" in said) == (413, True), "also without htmx"


@pytest.mark.parametrize(("path", "length"), [("/api/songs", SONG_LIMIT), ("/api/generations", SMALL_LIMIT)])
def test_large_body__of_a_program__is_refused_with_a_problem_document(front, path, length):
    answer, said = announced(front, path, length + 1, "HX-Request: true")
    assert (answer.status, answer.headers.get_content_type()) == (413, "application/problem+json")
    assert json.loads(said) == {
        "type": "about:blank",
        "title": "Request Entity Too Large",
        "status": 413,
        "detail": TOO_LARGE,
    }


def test_slow_clients__of_each_kind__leave_the_service_to_others(front, logged_in, dancer, systems):
    film = film_of(dancer, systems.place.media)
    cookies = "; ".join(f"{name}={value}" for name, value in logged_in.cookies.items())
    host = b"Host: compas.example"
    half = slow_clients.HALF_A_HEADER.replace(b"Host: 127.0.0.1", host)
    body = slow_clients.ANNOUNCED_BODY.replace(b"Host: 127.0.0.1", host)
    unread = slow_clients.get(film, Cookie=cookies).replace(b"Host: 127.0.0.1", host)
    context = ssl.create_default_context(cafile=front.certificate)
    with ExitStack() as stack:
        for request in (half, body, unread):
            for _ in range(HELD // 3):
                raw = stack.enter_context(slow_clients.connect(front.port, b""))
                client = stack.enter_context(context.wrap_socket(raw, server_hostname=HOST))
                client.sendall(request)
        assert client.recv(12) == b"HTTP/1.1 200"
        assert asked(logged_in, "GET", "/health").status_code == 200
        assert asked(logged_in, "GET", "/api/auth/me").status_code == 200


def test_video__by_range_and_only_of_its_owner(front, logged_in, dancer, visitor, systems):
    film = film_of(dancer, systems.place.media)
    part = asked(logged_in, "GET", film, headers={"Range": "bytes=-5"})
    assert (part.status_code, part.content) == (206, bytes(5))
    assert part.headers["Content-Range"] == f"bytes {FILM_BYTES - 5}-{FILM_BYTES - 1}/{FILM_BYTES}"
    assert part.headers["X-Content-Type-Options"] == "nosniff"
    assert part.headers["Content-Type"] == "video/mp4"
    assert "X-Accel-Redirect" not in part.headers
    known = asked(logged_in, "GET", film, headers={"If-None-Match": part.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    with browser(front) as stranger:
        assert asked(stranger, "GET", film).status_code == 401


def test_secret_link__opens_page_and_video_for_a_stranger_and_stands_in_no_log(front, logged_in, dancer, systems):
    share = film_of(dancer, systems.place.media).replace("/video", "/share")
    headers = {"X-CSRFToken": logged_in.cookies["csrftoken"]}
    changed = asked(logged_in, "PATCH", share, json={"visibility": "unlisted"}, headers=headers).json()
    address = urlsplit(changed["link"])
    assert (address.scheme, address.hostname) == ("https", HOST)
    with browser(front) as stranger:
        page = asked(stranger, "GET", address.path)
        part = asked(stranger, "GET", f"/api{address.path}/video", headers={"Range": "bytes=-5"})
        assert (page.status_code, part.status_code, part.content) == (200, 206, bytes(5))
        for answer in (page, part):
            assert answer.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
            assert answer.headers["Cache-Control"] == "private, no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert asked(logged_in, "DELETE", f"{share}/link", headers=headers).status_code == 204
        assert asked(stranger, "GET", f"/api{address.path}/video").status_code == 404
        assert asked(stranger, "GET", "/reset/MQ/of-a-new-password").status_code == 404
        assert asked(stranger, "GET", "/health").status_code == 200
    folder = front.certificate.parent
    logs = "".join(file.read_text() for file in folder.glob("*.log"))
    assert address.path.removeprefix("/shared/") not in logs
    assert "of-a-new-password" not in logs
    assert front.name != "nginx" or "GET /health" in logs, "other requests are logged"


def test_link_to_a_video__plays_for_a_stranger_and_its_signature_stands_in_no_log(front, logged_in, dancer, systems):
    film = film_of(dancer, systems.place.media)
    headers = {"X-CSRFToken": logged_in.cookies["csrftoken"]}
    address = urlsplit(asked(logged_in, "POST", f"{film}/link", headers=headers).json()["url"])
    assert (address.scheme, address.hostname) == ("https", HOST)
    with browser(front) as stranger:
        part = asked(stranger, "GET", f"{address.path}?{address.query}", headers={"Range": "bytes=-5"})
        assert (part.status_code, part.content, part.headers["Content-Type"]) == (206, bytes(5), "video/mp4")
        assert asked(stranger, "GET", f"{address.path}?{address.query}0").status_code == 404
    logs = "".join(file.read_text() for file in front.certificate.parent.glob("*.log"))
    assert address.query.partition("signature=")[2] not in logs


def test_internal_location__cannot_be_asked_for(front, logged_in, dancer, systems):
    film_of(dancer, systems.place.media)
    user_id = asked(logged_in, "GET", "/api/auth/me").json()["id"]
    for path in (
        f"/protected-media/output/user_{user_id}/large.mp4",
        f"/%70rotected-media/output/user_{user_id}/large.mp4",
        "/protected-media/../protected-media/songs/",
    ):
        assert asked(logged_in, "GET", path).status_code == 404


def test_places__that_a_file_of_deploy_does_not_name__are_found():
    with pytest.raises(AssertionError, match="no such place"):
        fronts.placed("text", {"no such place": "here"})
