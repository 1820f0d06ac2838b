"""The access matrix: every address and method, asked for by everyone who could try, and what it did to Ana's things.

``tests/test_matrix.py`` runs it, and ``script/bench access`` prints its figures.
"""

import functools
import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection, reset_queries, transaction
from django.db.models import Model
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils.http import urlencode
from psycopg import Cursor

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.collections.services import change_choreography
from apps.events.models import AccountEvent
from apps.generation.services import start_generation_once
from apps.labels.models import Label
from apps.open_sessions.models import OpenSession
from apps.second_factor.models import SecondFactor
from apps.second_factor.services import PROOF, _proof
from apps.songs.models import OwnSong
from apps.tokens.models import PersonalToken
from apps.tokens.scopes import SCOPES, scope_needed
from apps.tokens.selectors import hash_of
from apps.tokens.services import issue_token
from tests.conftest import make_user
from tests.test_access import (
    DECLARED,
    KEPT,
    LABEL,
    OWN_SONG,
    PEOPLE,
    SENT,
    SESSION,
    SESSION_ONLY,
    SONG,
    TASK,
    TOKEN,
    VIDEO,
    WEBHOOK,
    Outcome,
    outcome_of,
)

# Stands in everything that is Ana's, and in no answer to others.
CANARY = "canela"
HER_KEY = "monday"
# An id of the same form that does not exist.
MISSING = {
    str(KEPT): str(uuid.UUID(int=99)),
    str(TOKEN): "7000099",
    str(SESSION): "8000099",
    str(LABEL): "6000099",
    str(OWN_SONG): str(uuid.UUID(int=98)),
    str(WEBHOOK): "5000099",
    f"/{TASK}": "/none-such",
    VIDEO: "missing.mp4",
}
# The original's addresses tell that a task of another user exists, as the original does; its id is random.
TELL_OTHERS = {f"/task/{TASK}/", f"/task/{TASK}/cancel/"}
# Who knows the password may log in: these change Ana's last log-in and show her name.
PASSWORD_IS_SENT = {"/login", "/api/auth/login", "/auth/login/"}
# What the service itself notes about Ana's sessions and tokens when a dead one is tried.
NOTED = ["refused_at", "last_used_at", "last_seen_at"]
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Asker:
    """One who asks: with which cookie or header, and in whose place of ``DECLARED`` that is."""

    name: str
    place: str
    session: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] | None = None  # of a living token
    dead_token: bool = False

    def may(self, method: str, address: str) -> Outcome:
        """Return the declared outcome."""
        declared = DECLARED[address][method]
        if address == "/account/second-factor" and method == "POST" and self.name in {"staff, shown", "superuser"}:
            return 401  # the code is missing; without a second factor: 409
        guarded = address.startswith("/api/") and declared[0] == 401
        if guarded and self.dead_token:
            return 401
        if self.scopes is None:
            return declared[PEOPLE.index(self.place)]
        if not guarded:
            return declared[0]  # a token is anonymous on pages
        needed = scope_needed(method, resolve(address).route)
        return declared[PEOPLE.index(self.place)] if needed in self.scopes and address not in SESSION_ONLY else 403


@dataclass
class AccessFigures:
    """What was asked, and what should not have been answered or done."""

    answers: int = 0
    unexpected_grants: list[str] = field(default_factory=list)
    unexpected_refusals: list[str] = field(default_factory=list)
    forged_writes: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    told_apart: list[str] = field(default_factory=list)
    redirects_elsewhere: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    cacheable: list[str] = field(default_factory=list)

    def wrong(self) -> list[str]:
        lists = (name for name, value in vars(self).items() if isinstance(value, list))
        return [f"{name}: {line}" for name in lists for line in getattr(self, name)]

    def numbers(self) -> dict[str, int]:
        return {name: value if isinstance(value, int) else len(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class AccessReply:
    """An answer, and what the request did."""

    answer: HttpResponse
    text: str
    statements: int
    harm: list[str]


class Matrix:
    """Ana's rows and files (the fixture ``house`` made them), everyone else, and the means to ask."""

    def __init__(self, media: Path) -> None:
        self.media, self.figures = media, AccessFigures()
        self.ana = User.objects.get(username="ana")
        self._mark_what_is_anas()
        self.client = Client(raise_request_exception=False)
        self.askers = list(self._askers())
        cache.clear()  # it says that these sessions were just seen; see ask
        self.rows, self.files = self._rows(), self._files()

    def _mark_what_is_anas(self) -> None:
        User.objects.filter(pk=self.ana.pk).update(preferences={"mark": CANARY}, email=f"{CANARY}@example.com")
        self.ana.choreographies.update(title=CANARY)
        Label.objects.filter(user=self.ana).update(name=CANARY, key=CANARY)
        OwnSong.objects.filter(user=self.ana).update(title=CANARY)
        ChoreographyTask.objects.filter(user=self.ana).update(message=CANARY)
        PersonalToken.objects.filter(user=self.ana).update(name=CANARY)
        OpenSession.objects.filter(user=self.ana).update(device=CANARY)
        for file in (self.media / "output" / f"user_{self.ana.pk}").rglob("*.mp4"):
            file.write_bytes(CANARY.encode())

    def _askers(self) -> Iterator[Asker]:
        yield Asker("anonymous", "anonymous")
        yield Asker("owner", "owner", session=session_of(self.ana))
        other = make_user("other")
        yield Asker("other", "other", session=session_of(other))
        claims = {"X-User-Id": str(self.ana.pk), "X-Forwarded-User": "ana", "Remote-User": "ana", "From": "ana"}
        claims |= {"X-Original-URL": "/admin/", "X-Rewrite-URL": "/admin/", "X-Accel-Redirect": f"/{VIDEO}"}
        yield Asker("other who says to be the owner", "other", session=session_of(other), headers=claims)
        staff = make_user("staff", is_staff=True)
        yield Asker("staff, second factor not shown", "staff", session=session_of(staff))
        shown = make_user("shown", is_staff=True)
        yield Asker("staff, shown", "staff", session=session_of(shown, shown=True))
        boss = make_user("boss", is_staff=True, is_superuser=True)
        yield Asker("superuser", "staff", session=session_of(boss, shown=True))
        yield from self._dead_sessions()
        for scopes in (*((scope,) for scope in SCOPES), tuple(SCOPES)):
            yield with_token(f"token of other: {' '.join(scopes)}", "other", other, scopes)
        yield with_token("token of the owner", "owner", self.ana, tuple(SCOPES))
        yield from self._dead_tokens()
        secret = issue_token(user=self.ana, name="x", scopes=SCOPES)[1]
        yield Asker("token as password", "anonymous", headers={"Authorization": f"Basic {secret}"})
        yield Asker("token as cookie", "anonymous", session=secret, headers={"X-Api-Key": secret})

    def _dead_sessions(self) -> Iterator[Asker]:
        """Sessions that were Ana's, or of accounts that are no more: each is a visitor."""
        ended = session_of(self.ana)
        Session.objects.filter(pk=ended).delete()
        yield Asker("session, ended", "anonymous", session=ended)
        expired = session_of(self.ana)
        Session.objects.filter(pk=expired).update(expire_date=Now() - timedelta(seconds=1))
        yield Asker("session, expired", "anonymous", session=expired)
        changed = make_user("changed")
        key = session_of(changed)
        User.objects.filter(pk=changed.pk).update(password=make_password("bailamos"))
        yield Asker("session from before the password was changed", "anonymous", session=key)
        inactive = make_user("inactive")
        yield Asker("session of an inactive user", "anonymous", session=session_of(inactive))
        yield with_token("token of an inactive user", "anonymous", inactive, tuple(SCOPES), dead=True)
        User.objects.filter(pk=inactive.pk).update(is_active=False)
        deleted = make_user("deleted")
        key = session_of(deleted)
        deleted.delete()
        yield Asker("session of a deleted user", "anonymous", session=key)

    def _dead_tokens(self) -> Iterator[Asker]:
        def dead(name: str, **change: Any) -> Asker:
            asker = with_token(f"token, {name}", "anonymous", self.ana, tuple(SCOPES), dead=True)
            PersonalToken.objects.filter(sha256=hash_of(asker.headers["Authorization"].split()[1])).update(**change)
            return asker

        yield dead("expired", expires_at=Now() - timedelta(seconds=1))
        yield dead("from before the password was changed", password_mark="0" * 64)
        yield dead("revoked", sha256="0" * 64)
        forged = {"Authorization": f"Bearer compas_{'A' * 43}"}
        yield Asker("token, invented", "anonymous", headers=forged, dead_token=True)

    def ask(
        self, asker: Asker, method: str, address: str, body: object = None, headers: dict[str, str] | None = None
    ) -> AccessReply:
        """Send one request, let what it would do after its commit happen, and take all of it back."""
        self.figures.answers += 1
        self.client.cookies.clear()
        if asker.session:
            self.client.cookies["sessionid"] = asker.session
        content, kind = encoded(address, body)
        sent = asker.headers | (headers or {})
        reset_queries()  # or its list is full one day
        with transaction.atomic():
            with CaptureQueriesContext(connection) as queries, TestCase.captureOnCommitCallbacks(execute=True):
                answer = self.client.generic(method, address, content, content_type=kind, headers=sent)
                data = answer.getvalue() if answer.streaming else answer.content
            harm = [] if asker.place == "owner" else self._harm()
            transaction.set_rollback(True)
        cache.clear()  # or it says that the session was seen, once a minute, and the next request does less
        self._restore_files()
        text = data.decode(errors="replace") + str(dict(answer.headers))
        return AccessReply(answer, text, len(queries), harm)

    def judge(self, asker: Asker, what: str, address: str, reply: AccessReply) -> None:
        """Note what is wrong with any answer, whoever asked."""
        line = f"{asker.name}: {what}"
        if reply.answer.status_code >= 500 and "ready" not in address:
            self.figures.faults.append(f"{line}: {reply.answer.status_code}")
        if not local(reply.answer):
            self.figures.redirects_elsewhere.append(f"{line}: {reply.answer['Location']}")
        if "private" not in reply.answer.get("Cache-Control", ""):
            self.figures.cacheable.append(line)
        if asker.place == "owner" or address in PASSWORD_IS_SENT:
            return
        self.figures.forged_writes += [f"{line}: {harm}" for harm in reply.harm]
        if CANARY in reply.text:
            self.figures.leaks.append(line)

    def asker(self, name: str) -> Asker:
        return next(asker for asker in self.askers if asker.name == name)

    def walk(self, asker: Asker, addresses: Iterable[str] = DECLARED) -> None:
        """Ask for every declared address and method; GET as HEAD too."""
        for address in addresses:
            methods = DECLARED[address]
            for method in methods:
                body = SENT.get(address) if method == "POST" else None
                reply = self.ask(asker, method, address, body)
                self.judge(asker, f"{method} {address}", address, reply)
                self._compare(asker, method, address, reply)
            if "GET" in methods and asker.name in {"anonymous", "other"}:
                reply = self.ask(asker, "HEAD", address)
                self.judge(asker, f"HEAD {address}", address, reply)
                if reply.answer.status_code != 405:
                    self._compare(asker, "GET", address, reply)

    def _compare(self, asker: Asker, method: str, address: str, reply: AccessReply) -> None:
        wanted, got = asker.may(method, address), outcome_of(reply.answer)
        if got == wanted:
            return
        granted = reply.answer.status_code < 400 and got != "login"
        kind = self.figures.unexpected_grants if granted else self.figures.unexpected_refusals
        kind.append(f"{asker.name}: {method} {address} answers {got}, declared is {wanted}")

    def tell_apart(self, asker: Asker, headers: dict[str, str], addresses: Iterable[str] = DECLARED) -> None:
        """Ask for Ana's things and for things that do not exist; the answers must not differ."""
        for address in (address for address in addresses if missing(address) and address not in TELL_OTHERS):
            for method in (*DECLARED[address], "HEAD", "OPTIONS"):
                hers = self.ask(asker, method, address, headers=headers)
                none = self.ask(asker, method, missing(address), headers=headers)
                self.judge(asker, f"{method} {address} {headers}", address, hers)
                if seen_of(hers, address) != seen_of(none, missing(address)):
                    self.figures.told_apart.append(f"{asker.name}: {method} {address} {headers}")

    def spell(self, asker: Asker, spellings: Iterable[str], *, every: int, methods: int) -> None:
        """Ask for Ana's things by other spellings of their addresses, and with a method in a header.

        ``every``: each address is spelled in every so many of these ways, by turns. ``methods``: 2, or 1 for GET and
        POST by turns.
        """
        turns = itertools.cycle(("GET", "POST"))
        override = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
        for number, address in enumerate(filter(missing, DECLARED)):
            for spelling in itertools.islice(spellings, number % every, None, every):
                for method in itertools.islice(turns, methods):
                    other = spelling.format(address, address[1:].replace("/", "%2f", 1), address.rstrip("/"))
                    reply = self.ask(asker, method, other, headers=override)
                    self.judge(asker, f"{method} {other}", address, reply)

    def claim(self, asker: Asker) -> None:
        """Name Ana and her things in the query, in bodies and in headers, wherever they do not belong."""
        ana = {
            "user": self.ana.pk,
            "user_id": self.ana.pk,
            "owner": "ana",
            "username": "ana",
            "id": KEPT,
            "task_id": TASK,
        }
        ana |= {"search": CANARY[:4], "ordering": "user__password", "expand": "user", "fields": "*", "page_size": 100}
        lists = [address for address in DECLARED if "GET" in DECLARED[address] and not missing(address)]
        for address in [f"{address}?{urlencode(ana)}" for address in lists] + self.cursors:
            reply = self.ask(asker, "GET", address, headers={"Idempotency-Key": HER_KEY})
            self.judge(asker, f"GET {address}", address, reply)
        for method, address, body in self._bodies():
            reply = self.ask(asker, method, address, body, headers={"Idempotency-Key": HER_KEY})
            self.judge(asker, f"{method} {address} {body}", address, reply)

    @functools.cached_property
    def cursors(self) -> list[str]:
        """Return addresses of Ana's second pages, and use a key that others will try."""
        for number in range(2):
            ChoreographyTask.objects.create(task_id=f"more-{number}", user=self.ana, message=CANARY)
            kept = {"title": CANARY, "difficulty": "beginner", "duration": 1, "video_path": ""}
            SavedChoreography.objects.create(user=self.ana, **kept)
        wishes = {"song": SONG, "difficulty": "advanced", "seed": 5}
        start_generation_once(user=self.ana, idempotency_key=HER_KEY, **wishes)
        self.rows = self._rows()
        for saved in self.ana.choreographies.exclude(pk=KEPT):
            change_choreography(user=self.ana, choreography_id=saved.pk, tags=[CANARY])
        lists = ("/api/collections", "/api/collections?sort=title", "/api/choreography/tasks", "/api/auth/events")
        lists += (f"/api/collections?q={CANARY}", f"/api/collections?tag={CANARY}")
        self.rows = self._rows()
        pages = (self.ask(self.asker("owner"), "GET", f"{one}{'&' if '?' in one else '?'}page_size=1") for one in lists)
        return [page.answer.json()["next"].removeprefix("http://testserver") for page in pages]

    def _bodies(self) -> Iterator[tuple[str, str, dict[str, object]]]:
        ana = {"user": self.ana.pk, "user_id": self.ana.pk, "owner": self.ana.pk, "id": str(KEPT)}
        video = f"output/user_{self.ana.pk}/{VIDEO}"
        yield "POST", "/api/collections", ana | {"task_id": TASK, "video_path": video}
        yield "PATCH", f"/api/collections/{KEPT}", ana | {"tags": ["x"], "category": "x"}
        yield "PATCH", f"/api/collections/labels/{LABEL}", ana | {"name": "x"}
        yield "PATCH", f"/api/songs/{OWN_SONG}", ana | {"title": "x"}
        yield "POST", "/api/choreography/generate", ana | {"song": str(OWN_SONG), "difficulty": "beginner"}
        yield "PATCH", f"/api/webhooks/{WEBHOOK}", ana | {"enabled": False}
        yield "PATCH", "/api/auth/me", ana | {"display_name": "x", "username": "ana"}
        yield "PATCH", "/api/auth/me/preferences", ana | {"users": {"id": self.ana.pk}}
        yield "POST", "/api/auth/tokens", ana | {"name": "x", "scopes": ["read"]}
        yield "POST", "/api/auth/password", ana | {"old_password": "secreto", "new_password": "bailamos"}
        yield "POST", "/api/choreography/generate", ana | SENT["/api/choreography/generate"]
        yield "POST", "/account/profile", ana | {"display_name": "x"}
        yield "POST", "/account/tokens", ana | {"name": "x", "scopes": ["read"]}
        yield "POST", "/collections/save/", ana | SENT["/collections/save/"] | {"video_path": video, "task_id": TASK}
        yield "POST", "/studio", ana | SENT["/studio"] | {"task_id": TASK}

    def _rows(self) -> dict[str, dict[str, Any]]:
        """Return Ana's rows in every table, by table and key."""
        return rows_of(self.ana.pk)

    def _files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.media.rglob("*") if path.is_file()}

    def _harm(self) -> list[str]:
        found = [f"{path.name} changed" for path, data in self.files.items() if _read(path) != data]
        return found + changes(self.rows, self._rows())

    def _restore_files(self) -> None:
        for path, data in self.files.items():
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


def run(media: Path, *, full: bool) -> AccessFigures:
    """Walk all of it; ``full``: also with what costs much and differs little."""
    matrix = Matrix(media)
    for number, asker in enumerate(matrix.askers):
        matrix.walk(asker, DECLARED if full else own_addresses(asker, number))
    other, token = matrix.asker("other"), matrix.asker(f"token of other: {' '.join(SCOPES)}")
    matrix.tell_apart(other, {})
    for more, read_by in HEADERS:
        matrix.tell_apart(other, more, DECLARED if full else list(filter(read_by, DECLARED))[::4])
    matrix.tell_apart(token, {}, DECLARED if full else list(DECLARED)[::8])
    matrix.spell(other, SPELLINGS, every=1 if full else len(SPELLINGS), methods=2 if full else 1)
    for asker in (matrix.asker("anonymous"), token) if full else ():
        matrix.spell(asker, SPELLINGS, every=1, methods=2)
    for asker in matrix.askers if full else (other, token):
        matrix.claim(asker)
    return matrix.figures


def own_addresses(asker: Asker, number: int) -> list[str]:
    """Return where the short run lets one ask.

    A visitor, the owner and another user ask everywhere. Who is like one of them asks at every sixth address, and who
    is taken for a visitor by one look at what is shown, at every twelfth; all of these together ask everywhere.
    """
    if asker.name in {"anonymous", "owner", "other"}:
        return list(DECLARED)
    part = 12 if asker.place == "anonymous" else 6
    return list(DECLARED)[number % part :: part]


# A header, and the addresses where something reads it.
HEADERS: list[tuple[dict[str, str], Callable[[str], bool]]] = [
    ({"HX-Request": "true"}, lambda address: not address.startswith("/api/")),
    ({"Range": "bytes=0-3", "If-Range": '"x"'}, lambda address: bool(re.search("video|thumbnail", address))),
]
# 0: the address, 1: without its first slash and the second encoded, 2: without its last slash.
SPELLINGS = ["{0}/", "/{0}", "/{1}", "{2}%2f", "{2}%00", "/studio/..{0}", "{2};.css"]


def session_of(user: User, *, shown: bool = False) -> str:
    """Return the key of a new session; ``shown``: a second factor was set up, and shown in it."""
    client = Client()
    client.force_login(user)
    if shown:
        factor = SecondFactor.objects.create(user=user, nonce="f" * 64, confirmed_at=Now())
        session = client.session
        session[PROOF] = _proof(factor)
        session.save()
    return client.cookies["sessionid"].value


def with_token(name: str, place: str, user: User, scopes: tuple[str, ...], *, dead: bool = False) -> Asker:
    secret = issue_token(user=user, name="x", scopes=scopes)[1]
    headers = {"Authorization": f"Bearer {secret}"}
    return Asker(name, place, headers=headers, scopes=None if dead else scopes, dead_token=dead)


def encoded(address: str, body: object) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, "application/json"
    if address == "/api/songs":
        return b"", "multipart/form-data; boundary=x"
    if address.startswith("/api/"):
        return json.dumps(body or {}).encode(), "application/json"
    return urlencode(body or {}, doseq=True).encode(), FORM  # type: ignore[arg-type]


def missing(address: str) -> str:
    """Return the address of a thing that does not exist; empty if the address names nothing."""
    for there, not_there in MISSING.items():
        if re.search(rf"{re.escape(there)}(?![\w.])", address):
            return re.sub(rf"{re.escape(there)}(?![\w.])", not_there, address)
    return ""


def seen_of(reply: AccessReply, address: str) -> object:
    """Return what an attacker sees, without what he sent, and without what differs in any two answers."""
    text = reply.text.replace(address, "ADDRESS")
    for part in filter(None, address.split("/")):
        text = re.sub(rf"(?<![\w.]){re.escape(part)}(?![\w.])", "PART", text)
    text = re.sub(r'(csrfmiddlewaretoken" value=|X-CSRFToken": )"\w+"', "", text)
    text = re.sub(r"'Content-Length': '\d+'|'X-Request-ID': '\w+'", "", text)
    return reply.answer.status_code, reply.statements, text


def local(answer: HttpResponse) -> bool:
    to = answer.get("Location", "/")
    return to.startswith("/") and not to.startswith(("//", "/\\"))


def rows_of(user_id: int | None) -> dict[str, dict[str, Any]]:
    """Return the rows of a user, or of all, by table and key."""
    connection.ensure_connection()
    # Asked after each of thousands of requests: PostgreSQL plans it once.
    with Cursor(connection.connection) as cursor:
        cursor.execute(state_sql(), {"user": user_id, "noted": NOTED}, prepare=True)
        return {f"{table} {key}": json.loads(row) for table, key, row in cursor.fetchall()}


def changes(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    """Return what differs, by row and column."""
    found = [f"{row} {'appeared' if row in after else 'is gone'}" for row in sorted(before.keys() ^ after.keys())]
    for row in sorted(before.keys() & after.keys()):
        found += [f"{row}: {name}" for name in before[row] if before[row][name] != after[row].get(name)]
    return found


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


@functools.cache
def state_sql() -> str:
    """Return the SELECT of a user's rows in every table that names its user; events are written by others, too.

    ``user`` NULL: of all users.
    """
    parts = []
    for model in apps.get_models(include_auto_created=True):
        if model is AccountEvent or model._meta.proxy:
            continue
        if whose := conditions_of(model):
            table, key = model._meta.db_table, model._meta.pk.column
            parts.append(
                f"SELECT '{table}', {key}::text, (to_jsonb(t) - %(noted)s::text[])::text FROM {table} t"  # noqa: S608
                f" WHERE %(user)s::bigint IS NULL OR {' OR '.join(whose)}"
            )
    return " UNION ALL ".join(parts)


def conditions_of(model: type[Model]) -> list[str]:
    """Return the conditions under which a row is a user's: it names the user, or a row that does."""
    if model is User:
        return ["id = %(user)s"]
    found = [f"{name} = %(user)s" for name in columns_of_user(model)]
    for field_of in () if found else model._meta.concrete_fields:
        other = field_of.related_model
        for name in columns_of_user(other) if other and other is not User else ():
            rows = f"SELECT {other._meta.pk.column} FROM {other._meta.db_table} WHERE {name} = %(user)s"  # noqa: S608
            found.append(f"{field_of.column} IN ({rows})")
    return found


def columns_of_user(model: type[Model]) -> list[str]:
    return [f.column for f in model._meta.concrete_fields if f.related_model is User or f.column == "user_id"]
