"""``handover events``: what the journal got, for the team's own tools."""

import time
from collections.abc import Iterator
from threading import Event
from typing import Annotated

import typer

from handover.cli.check import say
from handover.cli.console import print_json
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, FollowOption
from handover.cli.watch import stopping
from handover.config.config import Config, load_config
from handover.errors import ConfigurationError, HandoverError
from handover.journal.delivery import deliver, own_entries
from handover.journal.entry import JournalEntry
from handover.journal.event import event_of
from handover.journal.journal import Journal, JournalError

LOOK_EVERY_S = 1.0
SAY_AGAIN_AFTER_S = 60.0


def events(
    config: ConfigOption = DEFAULT_CONFIG,
    since: Annotated[int, typer.Option(min=0, help="Only what comes after this place in the journal.")] = 0,
    follow: FollowOption = False,
    send: Annotated[
        bool, typer.Option("--send", help="Deliver to where [events] says what waits, instead of printing.")
    ] = False,
    every_machine: Annotated[
        bool, typer.Option("--every-machine", help="With --send: entries of other machines as well.")
    ] = False,
) -> None:
    """Print each entry of the journal as one line of JSON, or deliver what waits; change nothing else.

    Exit 1 when something still waits.
    """
    pair = load_config(config)
    if send and not pair.events.wanted:
        message = "handover.toml does not say where events go. Add [events] with `file` or `webhook_env`"
        raise ConfigurationError(f"{message}, or leave --send out to print them.")
    stop = stopping()
    journal = Journal(pair)
    try:
        if send:
            _send(pair, journal, stop, follow=follow, every_machine=every_machine)
        else:
            _print(pair, journal, stop, since=since, follow=follow)
    finally:
        journal.close()


def _print(pair: Config, journal: Journal, stop: Event, *, since: int, follow: bool) -> None:
    shown: set[str] = set()
    for entries in _looks(journal, stop, follow=follow):
        for entry in entries:
            if entry.id not in shown and (entry.seq is None or entry.seq > since):
                print_json(event_of(entry, pair.root.name), indent=None)
                shown.add(entry.id)


def _send(pair: Config, journal: Journal, stop: Event, *, follow: bool, every_machine: bool) -> None:
    said_at = float("-inf")
    for entries in _looks(journal, stop, follow=follow):
        try:
            made = deliver(pair, entries if every_machine else own_entries(journal.copy))
        except HandoverError as error:
            if not follow:
                raise
            if time.monotonic() - said_at > SAY_AGAIN_AFTER_S:
                said_at = time.monotonic()
                say(str(error))
        else:
            if made or not follow:
                say(f"{made} events were delivered")


def _looks(journal: Journal, stop: Event, *, follow: bool) -> Iterator[list[JournalEntry]]:
    """Yield the entries, once or until it is stopped; while the database is away, those of the copy."""
    while True:
        try:
            entries = journal.entries()
        except JournalError:
            entries = journal.copy.entries()
        yield entries
        if not follow or stop.wait(LOOK_EVERY_S):
            return
