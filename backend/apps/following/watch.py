"""One thread in each server process reads what became of all followed tasks, and tells their followers.

The original writes its rows without a word to us, so they are looked at: two short queries a turn for all followers,
and one look at a task that has changed.
"""

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection

from apps.authentication.models import User
from apps.following.events import GONE, HEARTBEAT, State, current_state, versions_of
from apps.following.permits import Permit, still_valid
from apps.jobs.models import Turn
from config.errors import StreamsError
from serving.feeds import Outlet

log = logging.getLogger(__name__)

TURN_S = 0.7
HEARTBEAT_S = 15.0
PERMITS_S = 10.0
# Then the client opens another stream, and everything is asked anew.
LONGEST_S = 600.0
# Places in the queue are told anew for so long in a turn, the others in the next ones: requests have this process, too.
PLACES_S = 0.05
RETRY_AFTER_S = 30


@dataclass(eq=False)
class Follower:
    """One client that reads the events of one task. A feed of the server's worker."""

    user: User
    task_id: str
    permit: Permit
    version: tuple[Any, ...]
    told: str  # the id of the event it has
    line: int  # of the queue, when its place was told
    outlet: Outlet | None = None
    opened_s: float = field(default_factory=time.monotonic)
    spoken_s: float = field(default_factory=time.monotonic)

    def open(self, outlet: Outlet) -> None:
        """Begin to be told."""
        self.outlet = outlet
        watch.wake()

    def close(self) -> None:
        """Be told no more."""
        watch.leave(self)

    def send(self, data: bytes) -> None:
        """Send to the client."""
        if self.outlet:
            self.spoken_s = time.monotonic()
            self.outlet.send(data)

    def end(self, data: bytes = b"") -> None:
        """Send the last, and end the stream."""
        self.close()
        if self.outlet:
            if data:
                self.outlet.send(data)
            self.outlet.end()


class Watch:
    """The followers of this process, and the thread that looks for them."""

    def __init__(self) -> None:
        self.followers: set[Follower] = set()
        self.of_users: Counter[int] = Counter()
        self.lock = threading.Lock()
        self.awake = threading.Event()
        self.thread: threading.Thread | None = None
        self.asked_permits_s = 0.0

    def join(self, follower: Follower) -> None:
        """Add a follower. Raises StreamsError if its user has too many here."""
        most = settings.USER_STREAMS_LIMIT
        with self.lock:
            if self.of_users[follower.user.pk] >= most:
                raise StreamsError(
                    f"You have {most} open streams, the most that one user may have. Close one.",
                    limit=most,
                    retry_after_s=RETRY_AFTER_S,
                )
            self.of_users[follower.user.pk] += 1
            self.followers.add(follower)
            # Begun here and not before: a thread does not live on in the processes that gunicorn forks.
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._run, name="following", daemon=True)
                self.thread.start()

    def leave(self, follower: Follower) -> None:
        """Forget a follower; a second time does nothing."""
        with self.lock:
            if follower in self.followers:
                self.followers.remove(follower)
                self.of_users[follower.user.pk] -= 1
                if not self.of_users[follower.user.pk]:
                    del self.of_users[follower.user.pk]

    def wake(self) -> None:
        """Let the thread look, if it sleeps because there was no follower."""
        self.awake.set()

    def _run(self) -> None:
        while True:
            with self.lock:
                followers = [one for one in self.followers if one.outlet]
                if not followers:
                    self.awake.clear()
            if not followers:
                connection.close()
                self.awake.wait()
                continue
            began = time.monotonic()
            try:
                self.turn(followers)
            except Exception:
                # Whatever it was, the next turn may succeed; the clients keep what they have.
                log.exception("followers were not told; it is tried again")
                connection.close()
            time.sleep(max(0.05, TURN_S - (time.monotonic() - began)))

    def turn(self, followers: list[Follower]) -> None:
        """Tell every follower what has changed; end those that may not read any more, or have read for long."""
        followers = self._permitted(followers)
        versions = versions_of({one.task_id for one in followers})
        line = line_of_the_queue()
        changed = [one for one in followers if versions.get(one.task_id) != one.version]
        waiting = [one for one in followers if one.line != line and one.version and one not in set(changed)]
        states: dict[tuple[int, str], State | None] = {}
        until_s = time.monotonic() + PLACES_S
        for number, one in enumerate([*changed, *waiting]):
            if number > len(changed) and time.monotonic() > until_s:
                break  # at least one place is told, however slow the database is
            key = (one.user.pk, one.task_id)
            if key not in states:
                states[key] = current_state(one.user, one.task_id)
            one.version, one.line = versions.get(one.task_id, ()), line
            _tell(one, states[key])
        _keep_alive(followers)

    def _permitted(self, followers: list[Follower]) -> list[Follower]:
        now_s = time.monotonic()
        if now_s - self.asked_permits_s < PERMITS_S:
            return followers
        self.asked_permits_s = now_s
        valid = still_valid({one.permit for one in followers})
        for one in followers:
            if one.permit not in valid or now_s - one.opened_s > LONGEST_S:
                one.end()
        return [one for one in followers if one in self.followers]


def _tell(follower: Follower, state: State | None) -> None:
    if state is None:
        follower.end(GONE)
    elif state.event_id != follower.told:
        follower.told = state.event_id
        if state.has_ended:
            follower.end(state.as_events())
        else:
            follower.send(state.as_events())


def _keep_alive(followers: list[Follower]) -> None:
    now_s = time.monotonic()
    for one in followers:
        if now_s - one.spoken_s > HEARTBEAT_S:
            one.send(HEARTBEAT)


def line_of_the_queue() -> int:
    """Return a number that changes whenever the queue moves: who had a turn goes to its end, with a new key."""
    last = Turn.objects.order_by("-pk").values_list("pk", flat=True).first()
    return last or 0


watch = Watch()
