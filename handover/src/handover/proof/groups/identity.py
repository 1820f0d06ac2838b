"""One login, two systems: accounts, passwords, sessions and permissions of each must hold in the other."""

import secrets
import time
from collections.abc import Iterator

from handover.errors import UnseenError
from handover.journal.evidence import Recorder
from handover.proof.accounts.identity import Identity, ProofAccount
from handover.proof.accounts.lines import login_lines
from handover.proof.accounts.permissions import compare_permissions, compare_stored_grants
from handover.proof.actor import Actor, Reply, actors
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget, Size
from handover.side import Side
from handover.wording import counted

ROUNDS = 1  # logins on each system by turns, after those by username, e-mail and in capitals
GRANTED: dict[Size, int] = {"small": 50, "full": 2_000}
CHAPTERS = ("fill", "identity")
HASHES: dict[Size, int] = {"small": 1_000, "full": 1_000_000}
PASSWORD_BYTES = 12


def prove(target: ProofTarget, recorder: Recorder) -> Outcome:
    """Register on each system; log in, open sessions and compare permissions on the other.

    Parameters
    ----------
    target
        The database; the accounts are removed at the end.
    recorder
        Receives a line of ``identity`` with the counts.

    Raises
    ------
    HandoverError
        A system cannot act, or only one of them has accounts.
    """
    began = time.monotonic()
    with actors(target, *CHAPTERS) as both:
        without = [side for side in Side if both[side].description.settings.user_table is None]
        if len(without) == len(Side):
            return Outcome("identity", {}, nothing="neither system has accounts (django.contrib.auth)")
        for side in without:
            raise UnseenError(f"the {side} has no accounts (django.contrib.auth), so no login was proved.")
        identity = Identity(target, both)
        _stored_hashes(identity, HASHES[target.size])
        compare_stored_grants(identity, GRANTED[target.size])
        made: dict[Side, ProofAccount] = {}
        try:
            for side in Side:
                made[side] = _registered(both[side])
                identity.counts["accounts"] += 1
            _activated(identity, made)
            for side in Side:
                target.say(f"accounts of the {side}")
                _of_maker(identity, both[side], both[both[side].other], made[side])
        except BaseException:
            if not target.throwaway:  # by new agents: the first ones may be in the middle of an answer
                for side, account in made.items():
                    with target.acting(side, "act", *CHAPTERS) as fresh:
                        fresh.ask("remove_account", key=account.key, group=account.group, related=account.related)
            raise
        for side, account in made.items():
            left = both[side].one("remove_account", key=account.key, group=account.group, related=account.related)
            if left.value is not False:
                identity.notes.append(f"the account {account.login} of this proof is still there")
    recorder.line("identity", {"counts": identity.counts, "notes": identity.notes})
    figures = {"seconds": time.monotonic() - began}
    return Outcome("identity", dict(identity.counts), tuple(identity.failures), tuple(identity.notes), figures)


def _registered(maker: Actor) -> ProofAccount:
    name, password = f"proof{secrets.token_hex(6)}", secrets.token_urlsafe(PASSWORD_BYTES)
    answer = maker.one(
        "register", username=name, email=f"{name}@example.org", password=password, number=secrets.randbits(30)
    )
    if answer.raised:
        raise UnseenError(f"the {maker.side} cannot register an account: {answer.words} No login was proved.")
    made = answer.value
    return ProofAccount(
        made["key"],
        password,
        f"{name} group",
        made["hash"],
        made["typed"],
        made["made"],
        made["active"],
        made["related"],
    )


def _activated(identity: Identity, made: dict[Side, ProofAccount]) -> None:
    """Activate accounts that wait for a confirmation in both systems; if only one waits, that is a difference."""
    if any(account.active for account in made.values()):
        return
    for side, account in made.items():
        identity.both[side].one("activate", key=account.key)
    identity.notes.append("new accounts wait for a confirmation in both systems; those of this proof were activated")


def _of_maker(identity: Identity, maker: Actor, other: Actor, made: ProofAccount) -> None:
    if _logins(identity, maker, other, made):
        _hashes(identity, maker, other, made)
        if _keeps_sessions(identity):
            _sessions(identity, maker, other, made)
    compare_permissions(identity, maker, other, made)


def _keeps_sessions(identity: Identity) -> bool:
    """Say whether a system keeps sessions; if neither does, that is no difference."""
    if any("django.contrib.sessions" in actor.description.settings.installed for actor in identity.both.values()):
        return True
    if identity.counts.pop("sessions", None) is not None:
        identity.note("neither system keeps sessions (django.contrib.sessions)")
    return False


def _log_in(identity: Identity, actor: Actor, typed: str, password: str) -> Reply:
    way = getattr(identity.target.config.prove.login, actor.side)
    return actor.one("log_in", login=typed, password=password, way=way)


def _logins(identity: Identity, maker: Actor, other: Actor, made: ProofAccount) -> bool:
    """Compare which texts log the account in; return whether one of them does on both systems."""
    typed = dict(made.typed)
    if "e-mail" in typed:
        typed["e-mail in capitals"] = typed["e-mail"].upper()
    works: dict[str, str] = {}
    opens = False
    for what, text in typed.items():
        here, there = (_log_in(identity, actor, text, made.password) for actor in (maker, other))
        identity.counts["logins"] += 2
        keys = [a.value["key"] if not a.raised else a.refusal for a in (here, there)]
        opens = opens or made.key in keys
        if keys == [made.key, made.key]:
            works.setdefault(what, text)
        elif keys[0] == keys[1]:
            if what == "e-mail":
                identity.note("neither system logs in by e-mail here; if its form does, name it: [prove.login]")
        elif keys[0] == made.key:
            _refused(identity, maker, other, what, made, (here, there))
        else:
            _refused(identity, other, maker, what, made, (there, here))
    if not opens:
        what = next(iter(typed), "username")
        answer = _log_in(identity, maker, made.login, made.password)
        _refused(identity, maker, maker, what, made, (answer, answer))
    if works:
        made.typed = works
    for actor in (maker, other):
        answer = _log_in(identity, actor, made.login, made.password + "x")
        identity.counts["refusals"] += 1
        if not answer.raised and answer.value["key"] is not None:
            found, todo = "lets an account in with a wrong password", "Look at AUTHENTICATION_BACKENDS."
            identity.add_failure("HO382", f"{actor.side} login", found, "only the right one opens", todo, actor.side)
    return bool(works)


def _refused(
    identity: Identity, opens: Actor, blind: Actor, what: str, made: ProofAccount, answers: tuple[Reply, Reply]
) -> None:
    """Report an account that logs in on one system and not on the other.

    Parameters
    ----------
    identity
        The run.
    opens, blind
        The system that lets the account in, and the one that does not.
    what
        What is typed: ``username``, ``e-mail`` and so on.
    made
        The account.
    answers
        The replies of the two systems, in that order.
    """
    code = "HO381" if what.startswith("e-mail") else "HO380"
    words = answers[1].words or (answers[1].value or {}).get("words", "")
    said = f": {words.splitlines()[0]}" if words else ""
    found = f"accounts of the {opens.side} do not log in on the {blind.side} by {what}"
    todo = f"Compare hashers, AUTHENTICATION_BACKENDS and how each login looks the user up{said}."
    text = made.typed.get(what.removesuffix(" in capitals"), "")
    lines = login_lines(
        identity, opens.side, blind.side, made, text.upper() if what.endswith("capitals") else text, answers[0]
    )
    identity.add_failure(
        code, f"{what} login", found, "an account of one system must log in on the other", todo, blind.side, lines
    )


def _opened(identity: Identity, maker: Actor, made: ProofAccount) -> Reply:
    way = getattr(identity.target.config.prove.login, maker.side)
    return maker.one("open_session", login=made.login, password=made.password, way=way)


def _hashes(identity: Identity, maker: Actor, other: Actor, made: ProofAccount) -> None:
    """Log in by turns: the stored hash must stay, or every login ends the user's other sessions."""
    session = _opened(identity, maker, made).value
    for number in range(2 * ROUNDS):
        actor = (other, maker)[number % 2]
        answer = _log_in(identity, actor, made.login, made.password)
        identity.counts["logins"] += 1
        if answer.raised or answer.value["hash"] in ("", made.hash):
            continue
        found = "is hashed anew by logins, which ends the user's other sessions"
        todo = "Give both the same PASSWORD_HASHERS in the same order, with the same iterations (Django raises them)."
        lines = (
            "from django.contrib.auth.hashers import get_hasher as g; "
            "print(g().algorithm, getattr(g(), 'iterations', ''))  # in both shells",
        )
        expected = "logins on both sides by turns must leave the stored hash alone"
        identity.add_failure("HO384", "stored password", found, expected, todo, maker.side, lines)
        break
    if session and session["session"]:
        answer = maker.one("read_session", session=session["session"])
        identity.counts["sessions"] += 1
        if answer.raised or answer.value["key"] != made.key:
            found, expected = "ends when its user logs in on the other system", "it must survive"
            todo = "Stop the hashers from hashing anew: HO384."
            identity.add_failure("HO386", f"session of the {maker.side}", found, expected, todo, maker.side)
        maker.one("end_session", session=session["session"])


def _sessions(identity: Identity, maker: Actor, other: Actor, made: ProofAccount) -> None:
    opened = _opened(identity, maker, made)
    if opened.raised or not opened.value["session"]:
        said = opened.words.splitlines()[0] if opened.words else "authenticate() refuses the account"
        found, todo = f"cannot be opened: {said}", "Look at SESSION_ENGINE and AUTHENTICATION_BACKENDS."
        identity.add_failure("HO383", f"session of the {maker.side}", found, "a login opens one", todo, maker.side)
        return
    key = opened.value["session"]
    here, there = (actor.one("read_session", session=key) for actor in (maker, other))
    identity.counts["sessions"] += 2
    if here.raised or here.value["key"] != made.key:
        found, todo = "is not read by the system that opened it", "Look at SESSION_ENGINE."
        identity.add_failure("HO383", f"session of the {maker.side}", found, "its user is logged in", todo, maker.side)
    elif there.raised or there.value["key"] != made.key:
        _unread(identity, maker, other, made, opened.value["backend"], there)
    maker.one("end_session", session=key)


def _unread(identity: Identity, maker: Actor, other: Actor, made: ProofAccount, backend: str, there: Reply) -> None:
    """Report why a session of one system is anonymous on the other."""
    where = f"session of the {maker.side}"
    todo = "Give both the same SESSION_ENGINE, SESSION_SERIALIZER, SECRET_KEY and session table."
    if backend not in other.description.settings.backends:
        found = f"names the authentication backend {backend}, which the {other.side} does not have"
        todo = "Give both the same paths in AUTHENTICATION_BACKENDS."
        identity.add_failure(
            "HO385", where, found, "a session holds the path of the backend that made it", todo, other.side
        )
        return
    hashes = [a.one("account", key=made.key) for a in (maker, other)]
    if not any(a.raised for a in hashes) and hashes[0].value["session_hash"] != hashes[1].value["session_hash"]:
        found = f"is signed with another key than the {other.side} checks"
        todo = "Give both the same SECRET_KEY (or SECRET_KEY_FALLBACKS) and the same get_session_auth_hash()."
        identity.add_failure("HO387", where, found, "it must be valid in both", todo, other.side)
        return
    said = f": {there.words.splitlines()[0]}" if there.words else ""
    found = f"is anonymous on the {other.side}"
    identity.add_failure("HO383", where, found, "its user must be logged in on both", todo + said, other.side)


def _stored_hashes(identity: Identity, limit: int) -> None:
    """Report the stored passwords that a system cannot check: their users are locked out there."""
    for side in Side:
        answer = identity.both[side].one("unknown_hashes", limit=limit)
        if answer.raised:
            raise UnseenError(f"the {side} cannot read the stored passwords: {answer.words}")
        for name in _unknown_to_one(identity, side, answer.value["unknown"], limit):
            found = f"of algorithm {name} cannot be checked by the {side}"
            todo = "Add the hasher to PASSWORD_HASHERS; last, so that new passwords do not use it."
            identity.add_failure("HO389", "stored passwords", found, "their users must be able to log in", todo, side)
        known, accounts = sum(answer.value["counts"].values()), answer.value["accounts"]
        if known:
            identity.counts["stored_passwords"] += known
        elif side == Side.ORIGINAL:
            stored = f"none of {counted(accounts, 'stored account')} has one" if accounts else "no account is stored"
            identity.note(f"no stored password was looked at: {stored}")


def _unknown_to_one(identity: Identity, side: Side, names: list[str], limit: int) -> Iterator[str]:
    """Yield the algorithms that only this system cannot check; if neither can, those users never logged in."""
    if names:
        other = identity.both[identity.both[side].other]
        answer = other.one("unknown_hashes", limit=limit)
        yield from (name for name in names if name not in (answer.value or {}).get("unknown", []))
