"""``handover prove``: do both systems really work on one database?"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from handover.cli.check import say
from handover.cli.console import PlainConsole, print_json
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption
from handover.config.config import Config, database_url, load_config
from handover.cutover.attempt import present_attempt
from handover.cutover.evidence_gates import note_newest
from handover.errors import ConfigurationError, Refused
from handover.evolve.standing import evolved_lines
from handover.journal.evidence import recording
from handover.journal.journal import NO_JOURNAL, JournalError, opened
from handover.proof import table
from handover.proof.copy import copied, same_database, staging_url
from handover.proof.groups import GROUPS, Group
from handover.proof.run import KIND, ProofRun, as_line, run
from handover.proof.target import ProofTarget
from handover.side import Side

TERMINATED = 128 + signal.SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM ended the process; the clean-up is the same as after Ctrl-C."""


def prove(
    config: ConfigOption = DEFAULT_CONFIG,
    group: Annotated[list[str] | None, typer.Option(help="Only this group; may be given several times.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The long run: more rows, more operations, faults.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed, the same rows and operations.")] = 0,
    as_json: JsonOption = False,
    database: Annotated[
        str, typer.Option(metavar="URL_ENV", help="Prove on the database that this variable holds, not on a copy.")
    ] = "",
    i_mean_production: Annotated[
        bool, typer.Option("--i-mean-production", help="Only read, on the pair's own database.")
    ] = False,
    replay: Annotated[Path | None, typer.Option(help="Replay the failures of a file of an earlier run.")] = None,
) -> None:
    """Prove that each system lives with what the other writes, on a throw-away copy of the database.

    Exit 0 when all is green, 4 with differences, 1 when something could not be proved.
    """
    import_module("hypothesis")  # it comes with the extra [prove]; told now, before a copy is made
    pair = load_config(config)
    pair.system(Side.ORIGINAL)
    groups = _chosen(group or [], reads_only=i_mean_production)
    if database and i_mean_production:
        raise ConfigurationError("--database and --i-mean-production are one database each; choose one.")
    attempt = present_attempt(pair)  # before: a rollback meanwhile makes it evidence of an earlier one
    with _ended_by_signals(), _target(pair, database, full=full, seed=seed, reads_only=i_mean_production) as target:
        if replay is not None:
            from handover.proof.replay import replayed  # noqa: PLC0415 - needs the extra [prove]

            raise typer.Exit(replayed(target, replay, PlainConsole(highlight=False)))
        with recording(pair, KIND, attempt=attempt) as recorder:
            result = run(target, groups, recorder, date.today())  # noqa: DTZ011 - a day of the reader's
    if not i_mean_production:  # there nothing is written, not even that
        _note(pair)
    if as_json:
        print_json(_as_json(result))
    else:
        console = PlainConsole(highlight=False)
        if result.exit_code:
            for line in evolved_lines(pair):
                console.print(line, soft_wrap=True, markup=False)
        table.show(result, console)
    raise typer.Exit(result.exit_code)


def _note(pair: Config) -> None:
    """Enter the run into the journal, for signers in other folders; a database without a journal gets none."""
    try:
        with opened(pair) as journal:
            note_newest(pair, journal, KIND)
    except (JournalError, Refused) as error:
        if error.code != NO_JOURNAL:
            say(f"the journal does not know of this run: {error}")


def _chosen(names: list[str], *, reads_only: bool) -> list[Group]:
    known = {group.name: group for group in GROUPS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigurationError(f"there is no group {unknown[0]!r}; there are: {', '.join(known)}.")
    chosen = [known[name] for name in dict.fromkeys(names)] if names else list(GROUPS)
    if not reads_only:
        return chosen
    if writing := [g.name for g in chosen if names and not g.reads]:
        readers = ", ".join(g.name for g in GROUPS if g.reads)
        raise ConfigurationError(f"{writing[0]} writes, and on production nothing is written; only {readers} can read.")
    return [g for g in chosen if g.reads]


@contextmanager
def _target(pair: Config, variable: str, *, full: bool, seed: int, reads_only: bool) -> Iterator[ProofTarget]:
    size: Any = "full" if full else "small"
    if reads_only:
        yield ProofTarget(pair, database_url(pair), throwaway=False, size=size, seed=seed, say=say, reads_only=True)
    elif variable:
        url = staging_url(variable)
        _refuse_production(pair, variable, url)
        yield ProofTarget(pair, url, throwaway=False, size=size, seed=seed, say=say)
    else:
        with copied(pair, database_url(pair), say) as url:
            yield ProofTarget(pair, url, throwaway=True, size=size, seed=seed, say=say)


def _refuse_production(pair: Config, variable: str, url: str) -> None:
    """Writing proofs never run on the database that the pair itself names."""
    if same_database(url, database_url(pair)):
        message = f"{variable} is the pair's own database ({pair.database.url_env}), and proofs write."
        raise ConfigurationError(
            f"{message} Name a staging database, leave --database out for a copy, or only read: --i-mean-production.",
            code="HO422",
        )


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end the run like Ctrl-C, so that the copy is dropped and the agents are ended."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except Terminated:
        print("ended by SIGTERM; nothing is left behind", file=sys.stderr)  # noqa: T201
        raise typer.Exit(TERMINATED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_json(result: ProofRun) -> dict[str, Any]:
    return {
        "exit_code": result.exit_code,
        "green": result.green,
        "groups": {one.name: as_line(one) for one in result.judged},
        "idle": [a.model_dump(mode="json") for a in result.idle],
    }
