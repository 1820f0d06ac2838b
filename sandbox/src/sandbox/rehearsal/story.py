"""The whole story: parallel operation, gates, the switch, a fault, the way back, the switch again, the end."""

import json
import math
import signal
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.clients.diary import Visit
from sandbox.clients.figures import Cost, is_lost, lag_p95_s, sessions_lost, tasks
from sandbox.rehearsal.moves import CommandRefusedError, MoveCommand, cost_of, move, until
from sandbox.rehearsal.narrator import Narrator
from sandbox.rehearsal.stage import EndedCommand, Stage

SIGNERS = ("Tech Lead", "Backend Developer", "Database Administrator", "DevOps")
WINDOW_S = 5.0
# In a rehearsal, seconds stand for weeks.
CLOSE_S, CLEANUP_AFTER_S = 10.0, 30.0
WATCHED_S = 30.0
RED = 4
PROMISED_LATE_S, PROMISED_BACK_LATE_S, PROMISED_LAG_S = 2.0, 5.0, 3.0


def sections(*, programs: Path, decommission: str) -> dict[str, Any]:
    """Return what the rehearsal's handover.toml declares beside addresses and folders."""
    gates: list[dict[str, Any]] = [
        {"id": "check", "kind": "check", "reason": "a schema that differs breaks one of the two"},
        {"id": "watch", "kind": "watch", "hours": WATCHED_S / 3600, "reason": "both must be well before people move"},
        {"id": "backup", "kind": "backup", "reason": "a backup counts only after a restore"},
        {"id": "rehearsal", "kind": "rehearsal", "reason": "the way back must be known before it is needed"},
        {"id": "ttl", "kind": "ttl", "reason": "people who still have the old TTL would come late"},
        {"id": "certificate", "kind": "certificate", "reason": "people must not meet a warning"},
        {
            "id": "sign-offs",
            "kind": "sign-offs",
            "roles": SIGNERS,
            "one_may_sign_all": True,
            "reason": "four people answer for this",
        },
    ]
    return {
        "gates": gates,
        "watch": {
            "interval_s": 1, "window_s": WINDOW_S, "min_requests": 3, "min_rows": 1, "newest": {"users": "date_joined"},
            "limits": {"latency_p50_ms": 2000, "latency_p95_ms": 5000},
        },
        "verify": {"close_h": CLOSE_S / 3600, "loose_h": 0.001, "windows": 1},
        "cleanup": {"after_h": CLEANUP_AFTER_S / 3600, "decommission": [decommission]},
        # People make and delete videos while it is made.
        "backup": {"folder": ".handover/backups", "programs": str(programs), "ignore": [".*.part", ".upload-*"]},
    }  # fmt: skip


class Rehearsal:
    """The team that types the commands of one rehearsal."""

    def __init__(self, stage: Stage, narrator: Narrator, *, ttl_s: float, pace_s: float) -> None:
        self.stage, self.tell, self.ttl_s, self.pace_s = stage, narrator, ttl_s, pace_s
        self.moves: dict[str, MoveCommand] = {}
        self.told_after_s = math.inf

    def type(self, *arguments: str, expect: tuple[int, ...] = (0,), quiet: bool = False) -> EndedCommand:
        """Type a command; show it. Raises CommandRefusedError when it ends otherwise than expected."""
        ended = self.stage.handover(*arguments)
        self.tell.command(arguments, ended, quiet=quiet)
        if ended.status not in expect:
            raise CommandRefusedError(arguments, ended, *expect)
        return ended

    def prepare(self) -> None:
        """Make the journal, in which everything is kept."""
        self.tell.act("Parallel operation", "Both systems run on one database. People reach the original by its name.")
        self.type("init-journal", "--apply")

    def parallel(self) -> None:
        """Lower the TTL; from now on both systems are watched."""
        self.tell.say("handover watch runs from now on; what it says goes into watch.log")
        self.type("cutover", "begin", "--apply")
        self.type("status")

    def gates(self) -> str:
        """Open the gates one by one; return the plan."""
        self.tell.act("Gates", "Nothing is switched while one of them is red. First they are; each says what to do.")
        self.type("gates", expect=(RED,))
        self.type("backup", "--apply")
        # Before the plan: the rehearsal's own record stays in the zone, and a plan is for the zone as it is.
        self.type("rehearse-rollback", "--apply")
        plan = self.plan()
        self.open_gates()
        return plan

    def plan(self) -> str:
        """Make a plan; return its checksum, as it is said."""
        said = self.type("cutover", "plan").out
        return said.split("--apply")[-1].split()[0]

    def open_gates(self) -> None:
        """Have every role sign, and wait until the last gate is green."""
        for role in SIGNERS:
            self.type("sign", "--as", role, "--because", "I have read the plan and the evidence", quiet=True)
        self.tell.say("some gates need time: the old TTL, and windows that are green")
        self.until("gates", expect=0)

    def until(self, *arguments: str, expect: int, words: str = "", between: Callable[[], None] = lambda: None) -> None:
        """Type a command again and again until it ends as expected and says ``words``; show it then."""
        self.tell.command(arguments, until(self.stage, *arguments, expect=expect, words=words, between=between))

    def cut_over(self, title: str, text: str, plan: str) -> None:
        """Move people to the backend."""
        self.tell.act(title, text)
        self._move(title, "cutover", "--apply", plan, to="backend")

    def fault(self) -> None:
        """The backend dies; the watch sees it, and a person is paged."""
        self.until("verify", expect=0, between=self.sign_off)  # it was watched since the switch, and all was well
        self.tell.act("A fault", "The backend's web process is killed; what works beside it lives on.")
        killed = time.time()
        self.stage.system("backend").stop(ask=signal.SIGKILL)
        self.until("verify", expect=RED, words="error_rate")
        pages = (one for one in self.events() if one["kind"] == "page" and one["time"] > killed)
        self.told_after_s = min((one["time"] for one in pages), default=math.inf) - killed
        self.tell.say(f"a person was paged {self.told_after_s:.1f} s after it died")

    def events(self) -> list[dict[str, Any]]:
        """Return what the journal has, each with its ``time`` in seconds since the epoch."""
        found = [json.loads(line) for line in self.stage.handover("events").out.splitlines()]
        return [one | {"time": datetime.fromisoformat(one["at"]).timestamp()} for one in found]

    def roll_back(self) -> None:
        """Move people back."""
        self.tell.act("The way back", "The original is tried first, then people are sent to it.")
        self._move("The way back", "rollback", "--apply", "--because", "the backend does not answer", to="original")
        self.stage.start_again("backend")
        self.tell.say("the backend is mended and runs again")
        self.type("status")

    def again(self) -> None:
        """Switch once more; evidence and signatures of the first attempt do not count."""
        self.tell.act("The next attempt", "Nothing of the one that failed counts: evidence, plan, signatures.")
        self.type("gates", expect=(RED,))
        self.type("backup", "--apply", quiet=True)
        self.type("rehearse-rollback", "--apply", quiet=True)
        plan = self.plan()
        self.open_gates()
        self.cut_over("The switch again", "The same way, with a new plan and new signatures.", plan)

    def clean_up(self, name: str) -> None:
        """Wait the shortened time, then end the original."""
        self.tell.act(
            "Clean-up",
            f"The strategy waits one to two weeks. Tonight that is {CLEANUP_AFTER_S:.0f} s, and it is said here.",
        )
        # `verify` itself goes on to loose watching, here and where it is asked what is to be signed off.
        self.until("status", expect=0, words="State: verifying", between=self.sign_off)
        self.until("cleanup", "--apply", "--confirm", name, expect=0, between=self.sign_off)

    def sign_off(self) -> None:
        """Sign off what was not green since the switch: here one machine carries systems, people and load."""
        ended = self.stage.handover("verify", "--json")
        if ended.status not in (0, RED):
            return
        for stretch in json.loads(ended.out)["unsigned"]:
            self.type("verify", "--sign-off", stretch["name"], "--because", "one machine carries all of the rehearsal")

    def report(self) -> None:
        """Write the report, and say what the night has cost people."""
        self.tell.act("The report", "One page without a network, for the DBA, the developer and the manager.")
        self.type("report", "--out", str(self.stage.folder / "report.html"))

    def _move(self, title: str, *arguments: str, to: str) -> None:
        songs = self.stage.fresh_songs(6, f"{len(self.moves)}-")
        made = move(self.stage, *arguments, to=to, ttl_s=self.ttl_s, songs=songs, look_s=self.ttl_s + self.pace_s / 2)
        self.moves[title] = made
        self.tell.command(arguments, made.ended)
        self.tell.say(in_words(cost_of(self.stage, made), made, makes=self.stage.makes))


def in_words(cost: Cost, made: MoveCommand, *, makes: bool = True) -> str:
    """Return what a move has cost, in a sentence."""
    said = (
        f"the last person reached the {made.moved.after} {cost.propagation_s:.1f} s after the record changed; "
        f"{cost.requests} requests, {cost.failed} failed"
    )
    more = (
        f"; {cost.old_tab_pct:.0f} % from tabs of the other system; "
        f"{cost.tasks_in_flight} choreographies in the making, {cost.sessions_lost} people logged out"
    )
    return said + (more if makes else "")


def promises(rehearsal: Rehearsal) -> list[tuple[str, str, str, bool]]:
    """Return what was measured beside what was promised: name, measured, promised, held."""
    limit_s = 2 * WINDOW_S
    told = (f"{rehearsal.told_after_s:.1f} s", f"{limit_s:g} s, two windows", rehearsal.told_after_s <= limit_s)
    rows = [("the fault was told within", *told), *(_of_makers(rehearsal) if rehearsal.stage.makes else [])]
    for title, made in rehearsal.moves.items():
        cost = cost_of(rehearsal.stage, made)
        rows.append((f"{title}: requests", str(cost.requests), "some", cost.requests > 0))
        if made.moved.after == "backend":
            limit = made.moved.ttl_s + PROMISED_LATE_S
            rows.append((f"{title}: failed requests", str(cost.failed), "0", cost.failed == 0))
            seconds = cost.propagation_s
        else:
            # The backend was dead before the decision: failures until then are not the rollback's.
            limit = made.moved.ttl_s + PROMISED_BACK_LATE_S
            rows.append((f"{title}: failed, backend dead", str(cost.failed), "not promised", True))
            seconds = cost.propagation_s
        rows.append((f"{title}: last person after", f"{seconds:.1f} s", f"{limit:g} s", seconds <= limit))
    return rows


def _of_makers(rehearsal: Rehearsal) -> list[tuple[str, str, str, bool]]:
    entries = rehearsal.stage.people.entries()
    lost, lag = sum(map(is_lost, tasks(entries))), lag_p95_s(entries)
    out = sessions_lost(entry for entry in entries if isinstance(entry, Visit))
    return [
        ("choreographies lost", str(lost), "0", lost == 0),
        ("people logged out", str(out), "0", out == 0),
        ("rows read by the other system within", f"{lag:.2f} s", f"{PROMISED_LAG_S:g} s", lag <= PROMISED_LAG_S),
    ]


def summary(rehearsal: Rehearsal) -> Mapping[str, Any]:
    """Return the promises and the cost of every move, for programs."""
    moves = {
        title: {"cost": vars(cost_of(rehearsal.stage, made)), "when": vars(made.moved)}
        for title, made in rehearsal.moves.items()
    }
    return {
        "moves": moves,
        "promises": [
            dict(zip(("what", "measured", "promised", "held"), row, strict=True)) for row in promises(rehearsal)
        ],
    }
