"""``handover watch``: measure and judge both systems on one database, until it is stopped."""

import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from handover.check.table import BAD, GOOD, OPEN
from handover.cli.check import say
from handover.cli.options import DEFAULT_CONFIG, ConfigOption
from handover.config.config import Config, database_url, load_config
from handover.cutover import read_only
from handover.cutover.confirm import overdue
from handover.errors import ConfigurationError, HandoverError
from handover.journal.journal import opened
from handover.journal.processes import registered
from handover.parallel.history import WatchHistory, Window
from handover.parallel.watch import Watcher
from handover.wording import one_line

GREEN, NOT_SEEN, RED = 0, 1, 4
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MARKS = {"green": GOOD, "red": BAD, "no data": OPEN, "not enough traffic": OPEN}


def watch(
    config: ConfigOption = DEFAULT_CONFIG,
    once: Annotated[bool, typer.Option("--once", help="Judge one window, then end.")] = False,
    for_: Annotated[
        str, typer.Option("--for", help="How long, for example 90s, 5m, 2h; else until stopped; not with --once.")
    ] = "",
) -> None:
    """Watch both systems and keep the measurements.

    Exit 0 every window was green, 4 something was red, 1 something had no data or too little traffic.
    """
    if once and for_:
        raise ConfigurationError("--once judges one window and --for says how long to judge; use one of them.")
    pair = load_config(config)
    for_s = pair.watch.window_s if once else duration_s(for_)
    url = database_url(pair)
    run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    history = WatchHistory(pair, run)
    try:
        history.require()
        # A pause does not end it: it changes nothing, and what happens meanwhile must be seen.
        with registered(pair.root, "watch", acts=False):
            verdicts = observe(pair, url, history, for_s=for_s, stop=stopping(), file=config)
    finally:
        history.close()
    if not verdicts:
        say("no window was finished, so there is no verdict")
    raise typer.Exit(RED if "red" in verdicts else GREEN if verdicts == {"green"} else NOT_SEEN)


def observe(pair: Config, url: str, history: WatchHistory, *, for_s: float | None, stop: Event, file: Path) -> set[str]:
    """Watch window after window; return the verdicts.

    Parameters
    ----------
    pair, url
        The pair, and its database.
    history
        Keeps the measurements and the windows.
    for_s
        How long to watch, in seconds; None until ``stop`` is set.
    stop
        Ends it.
    file
        The pair's ``handover.toml``, for the command that takes people back.
    """
    verdicts: set[str] = set()
    back = WayBack(pair, file)
    with Watcher(pair, url, is_read_only=partial(read_only.is_on_now, pair)) as watcher:
        watcher.start_agents(stop)
        began = time.monotonic()
        say(f"watching; a verdict every {pair.watch.window_s:g} s")
        while not stop.is_set() and (for_s is None or time.monotonic() - began < for_s):
            window, samples = watcher.window(stop)
            kept = history.add(samples, window)
            if history.trouble:
                say(history.trouble)
            back.begin_if_overdue()
            if window:
                show(window)
                verdicts |= {one.verdict for one in window.judged}
            if not kept:
                say("the database does not accept the measurements; they are kept here and in .handover/watch.jsonl")
        back.wait()
    return verdicts


class WayBack:
    """Takes people back when a switch is not confirmed in time, in a process of its own: the watch goes on."""

    def __init__(self, pair: Config, file: Path) -> None:
        self._pair, self._file = pair, file
        self._process: subprocess.Popen[bytes] | None = None

    def begin_if_overdue(self) -> None:
        """Begin if the time is over, unless it has begun."""
        if self._pair.verify.confirm_within_s is None or (self._process and self._process.poll() is None):
            return
        try:
            with opened(self._pair) as journal:
                why = overdue(self._pair, journal.entries(), journal.now())
        except HandoverError as error:
            say(f"whether the switch is confirmed could not be read: {error}")
            return
        if why:
            say(f"{why}: handover verify takes people back")
            program = [sys.executable, "-c", "from handover.cli import app; app()"]
            self._process = subprocess.Popen([*program, "verify", "--config", str(self._file)])

    def wait(self) -> None:
        """Wait until people are back."""
        if self._process:
            self._process.wait()


def show(window: Window) -> None:
    """Print a window: one line, and one line for each measure that is not green."""
    bad = [one for one in window.judged if one.verdict != "green"]
    mark = GOOD if window.green else BAD if any(one.verdict == "red" for one in bad) else OPEN
    green = len(window.judged) - len(bad)
    print(f"{mark} {window.end:%H:%M:%S} {green} of {len(window.judged)} measures are green", flush=True)  # noqa: T201
    for one in bad:
        print(f"   {MARKS[one.verdict]} {one.system} {one.metric}: {one.verdict}, {one_line(one.reason)}", flush=True)  # noqa: T201


def stopping() -> Event:
    """Return an event that Ctrl-C and SIGTERM set."""
    stop = Event()
    handler: Callable[..., None] = lambda *_: stop.set()  # noqa: E731 - a signal's handler
    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)
    return stop


def duration_s(text: str) -> float | None:
    """Return a duration in seconds; None for none.

    Examples
    --------
    >>> duration_s("90s"), duration_s("1.5h"), duration_s("")
    (90.0, 5400.0, None)
    """
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found or float(found[1]) <= 0:
        raise ConfigurationError(f"--for {text} is no duration; it must look like 90s, 5m, 2h or 1d.")
    return float(found[1]) * UNITS_S[found[2]]
