"""One login, two systems: accounts, passwords, sessions and permissions of each are those of the other."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from handover.config import SideName
from handover.errors import Finding, UnseenError
from handover.evidence.folder import Recorder
from handover.proof.actor import Actor, Answer, actors
from handover.proof.crossing import SIDES
from handover.proof.outcome import Failure, Outcome
from handover.proof.venue import Size, Venue

ROUNDS = 1  # logins on each side by turns, after those by username, e-mail and in capitals
HASHES: dict[Size, int] = {"small": 1_000, "full": 1_000_000}
PASSWORD_BYTES = 12


@dataclass
class Account:
    """An account that one system registered."""

    key: object
    username: str
    email: str
    password: str
    group: str
    hash: str


@dataclass
class Identity:
    """The proof's way through: what was counted, and what was found."""

    venue: Venue
    both: dict[SideName, Actor]
    counts: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(("accounts", "logins", "refusals", "sessions", "permissions"), 0))
    )
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def tell(
        self, code: str, where: str, found: str, expected: str, todo: str, hurts: SideName, lines: tuple[str, ...] = ()
    ) -> None:
        """Take down a failure, once a place."""
        finding = Finding(code, where, found, expected, "\n".join((todo, *lines)), hurts=hurts)
        if all((f.finding.code, f.finding.where, f.finding.found) != (code, where, found) for f in self.failures):
            self.failures.append(Failure(finding, lines))


def prove(venue: Venue, recorder: Recorder) -> Outcome:
    """Register on each system; log in, open sessions and look at permissions on the other.

    Parameters
    ----------
    venue
        Where to act; the accounts are removed again.
    recorder
        Gets a line of ``identity`` with the counts.

    Raises
    ------
    HandoverError
        A system cannot act, or has no accounts.
    """
    began = time.monotonic()
    with actors(venue, "identity") as both:
        for side in SIDES:
            if both[side].description.settings.user_table is None:
                raise UnseenError(f"the {side} has no accounts (django.contrib.auth), so no login was proved.")
        identity = Identity(venue, both)
        _stored_hashes(identity, HASHES[venue.size])
        for side in SIDES:
            venue.say(f"accounts of the {side}")
            _of_maker(identity, both[side], both[both[side].other])
    recorder.line("identity", {"counts": identity.counts, "notes": identity.notes})
    figures = {"seconds": time.monotonic() - began}
    return Outcome("identity", dict(identity.counts), tuple(identity.failures), tuple(identity.notes), figures)


def _of_maker(identity: Identity, maker: Actor, other: Actor) -> None:
    name = f"proof{secrets.token_hex(6)}"
    made = Account(None, name, f"{name}@example.org", secrets.token_urlsafe(PASSWORD_BYTES), f"{name} group", "")
    answer = maker.one("register", username=name, email=made.email, password=made.password)
    if answer.raised:
        raise UnseenError(f"the {maker.side} cannot register an account: {answer.words}. No login was proved.")
    made.key, made.hash = answer.value["key"], answer.value["hash"]
    identity.counts["accounts"] += 1
    try:
        if _logins(identity, maker, other, made):
            _hashes(identity, maker, other, made)
            _sessions(identity, maker, other, made)
        _permissions(identity, maker, other, made)
    except BaseException:
        if not identity.venue.throwaway:  # by an agent of its own: this one may be in the middle of an answer
            with identity.venue.acting(maker.side, "act", "identity") as fresh:
                fresh.ask("remove_account", key=made.key, group=made.group)
        raise
    left = maker.one("remove_account", key=made.key, group=made.group)
    if left.value is not False:
        identity.notes.append(f"the account {name} that was made for this is still there")


def _log_in(identity: Identity, actor: Actor, typed: str, password: str) -> Answer:
    way = getattr(identity.venue.config.prove.login, actor.side)
    return actor.one("log_in", login=typed, password=password, way=way)


def _logins(identity: Identity, maker: Actor, other: Actor, made: Account) -> bool:
    """Compare who gets in with what; return whether the account logs in on both by its username."""
    typed = {"username": made.username, "e-mail": made.email, "e-mail in capitals": made.email.upper()}
    works = True
    for what, text in typed.items():
        here, there = (_log_in(identity, actor, text, made.password) for actor in (maker, other))
        identity.counts["logins"] += 2
        keys = [a.value["key"] if not a.raised else a.refusal for a in (here, there)]
        if what == "username" and keys[0] != made.key:
            _refused(identity, maker, maker, what, here)
        if keys[0] == keys[1]:
            if keys[0] != made.key and what == "e-mail":
                identity.notes.append("neither system logs in by e-mail here; if its form does, name it: [prove.login]")
        elif keys[0] == made.key:
            _refused(identity, maker, other, what, there)
        else:
            _refused(identity, other, maker, what, here)
        works = works and (what != "username" or keys == [made.key, made.key])
    for actor in (maker, other):
        answer = _log_in(identity, actor, made.username, made.password + "x")
        identity.counts["refusals"] += 1
        if not answer.raised and answer.value["key"] is not None:
            found, todo = "lets an account in with a wrong password", "Look at AUTHENTICATION_BACKENDS."
            identity.tell("HO382", f"{actor.side} login", found, "only the right one opens", todo, actor.side)
    return works


def _refused(identity: Identity, maker: Actor, blind: Actor, what: str, answer: Answer) -> None:
    code = "HO380" if what == "username" else "HO381"
    words = answer.words or (answer.value or {}).get("words", "")
    said = f": {words.splitlines()[0]}" if words else ""
    found = f"accounts of the {maker.side} do not log in on the {blind.side} by {what}"
    todo = f"Compare hashers, AUTHENTICATION_BACKENDS and how each login looks the user up{said}."
    lines = (
        "from django.contrib.auth import get_user_model as m; "
        f"m()._default_manager.create_user('ana', 'ana@example.org', 'secret')  # in the shell of the {maker.side}",
        "from django.contrib.auth import authenticate; print(authenticate(username='ana', password='secret'))  "
        f"# in the shell of the {blind.side}",
    )
    identity.tell(
        code, f"{what} login", found, "whoever registers on one must get into the other", todo, blind.side, lines
    )


def _hashes(identity: Identity, maker: Actor, other: Actor, made: Account) -> None:
    """Log in by turns: what is stored must stay, or every login ends the user's other sessions."""
    session = maker.one("open_session", login=made.username, password=made.password).value
    for number in range(2 * ROUNDS):
        actor = (other, maker)[number % 2]
        answer = actor.one("log_in", login=made.username, password=made.password, way="")
        identity.counts["logins"] += 1
        if answer.raised or answer.value["hash"] == made.hash:
            continue
        found = "is hashed anew by logins, which ends the user's other sessions"
        todo = "Give both the same PASSWORD_HASHERS in the same order, with the same iterations (Django raises them)."
        lines = (
            "from django.contrib.auth.hashers import get_hasher as g; "
            "print(g().algorithm, getattr(g(), 'iterations', ''))  # in both shells",
        )
        expected = "logins on both sides by turns must leave the stored hash alone"
        identity.tell("HO384", "stored password", found, expected, todo, maker.side, lines)
        break
    if session and session["session"]:
        answer = maker.one("read_session", session=session["session"])
        identity.counts["sessions"] += 1
        if answer.raised or answer.value["key"] != made.key:
            found, expected = "ends when its user logs in on the other system", "it must survive"
            todo = "Stop the hashers from hashing anew: HO384."
            identity.tell("HO386", f"session of the {maker.side}", found, expected, todo, maker.side)
        maker.one("end_session", session=session["session"])


def _sessions(identity: Identity, maker: Actor, other: Actor, made: Account) -> None:
    opened = maker.one("open_session", login=made.username, password=made.password)
    if opened.raised or not opened.value["session"]:
        said = opened.words.splitlines()[0] if opened.words else "authenticate() lets nobody in"
        found, todo = f"cannot be opened: {said}", "Look at SESSION_ENGINE and AUTHENTICATION_BACKENDS."
        identity.tell("HO383", f"session of the {maker.side}", found, "a login opens one", todo, maker.side)
        return
    key = opened.value["session"]
    here, there = (actor.one("read_session", session=key) for actor in (maker, other))
    identity.counts["sessions"] += 2
    if here.raised or here.value["key"] != made.key:
        found, todo = "is not read by the system that opened it", "Look at SESSION_ENGINE."
        identity.tell("HO383", f"session of the {maker.side}", found, "its bearer is logged in", todo, maker.side)
    elif there.raised or there.value["key"] != made.key:
        _unread(identity, maker, other, made, opened.value["backend"], there)
    maker.one("end_session", session=key)


def _unread(identity: Identity, maker: Actor, other: Actor, made: Account, backend: str, there: Answer) -> None:
    """Tell why a session of one system makes nobody on the other."""
    where = f"session of the {maker.side}"
    todo = "Give both the same SESSION_ENGINE, SESSION_SERIALIZER, SECRET_KEY and session table."
    if backend not in other.description.settings.backends:
        found = f"names the authentication backend {backend}, which the {other.side} does not have"
        todo = "Give both the same paths in AUTHENTICATION_BACKENDS."
        identity.tell("HO385", where, found, "a session holds the path of the backend that made it", todo, other.side)
        return
    hashes = [a.one("account", key=made.key) for a in (maker, other)]
    if not any(a.raised for a in hashes) and hashes[0].value["session_hash"] != hashes[1].value["session_hash"]:
        found = f"is signed with another key than the {other.side} checks"
        todo = "Give both the same SECRET_KEY (or SECRET_KEY_FALLBACKS) and the same get_session_auth_hash()."
        identity.tell("HO387", where, found, "it must be valid in both", todo, other.side)
        return
    said = f": {there.words.splitlines()[0]}" if there.words else ""
    found = f"makes nobody on the {other.side}"
    identity.tell("HO383", where, found, "its bearer must be logged in on both", todo + said, other.side)


def _permissions(identity: Identity, maker: Actor, other: Actor, made: Account) -> None:
    """Grant what the models of the pair know, and compare what each system thinks the account may do."""
    for pair in identity.venue.config.models:
        app = maker.model(pair.original if maker.side == "original" else pair.backend).app_label
        maker.one("grant", key=made.key, app=app, group=f"{made.group}")
        break
    here, there = (actor.one("account", key=made.key) for actor in (maker, other))
    if here.raised or there.raised:
        told = here if here.raised else there
        raise UnseenError(f"the permissions of an account cannot be read: {told.words}")
    mine, theirs = set(here.value["permissions"]), set(there.value["permissions"])
    identity.counts["permissions"] += len(mine & theirs)
    if lost := sorted(mine - theirs):
        found = f"granted by the {maker.side} does not hold on the {other.side}: {', '.join(lost)}"
        todo = "Give both the same app labels and model names, so that content types and permissions are the same rows."
        expected = "what an account may do on one it may do on the other"
        identity.tell("HO388", "permission", found, expected, todo, other.side)
    if more := sorted(theirs - mine):
        identity.notes.append(f"the {other.side} gives accounts of the {maker.side} more: {', '.join(more)}")


def _stored_hashes(identity: Identity, limit: int) -> None:
    """Tell which stored passwords a system cannot check: their users are locked out there."""
    for side in SIDES:
        answer = identity.both[side].one("unknown_hashes", limit=limit)
        if answer.raised:
            raise UnseenError(f"the stored passwords cannot be looked at by the {side}: {answer.words}")
        for name in _unknown_to_one(identity, side, answer.value["unknown"], limit):
            found = f"of algorithm {name} cannot be checked by the {side}"
            todo = "Add the hasher to PASSWORD_HASHERS; last, so that new passwords do not use it."
            identity.tell("HO389", "stored passwords", found, "their users must be able to log in", todo, side)
        identity.counts["stored_passwords"] += sum(answer.value["counts"].values())


def _unknown_to_one(identity: Identity, side: SideName, names: list[str], limit: int) -> Iterator[str]:
    """What the other cannot check either is no difference; those users never got in."""
    if names:
        other = identity.both[identity.both[side].other]
        answer = other.one("unknown_hashes", limit=limit)
        yield from (name for name in names if name not in (answer.value or {}).get("unknown", []))
