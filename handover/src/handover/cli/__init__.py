"""The command line: ``handover VERB``. Results on stdout, progress on stderr.

Exit 0 done, 1 failed, 2 usage, 3 refused, 4 differences found; 130 after Ctrl-C.
"""

import sys
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from handover.cli.usage import PROGRAM, usage
from handover.errors import HandoverError
from handover.troubles import InterruptedCommandError, as_handover_error, without_secrets
from handover.wording import printable

# Each command is a module and a function of that name, with an underscore for a dash. Only the requested one is loaded.
COMMANDS = (
    "init",
    "doctor",
    "check",
    "contract",
    "document",
    "adopt",
    "prove",
    "watch",
    "shadow",
    "report",
    "init-journal",
    "status",
    "gates",
    "sign",
    "backup",
    "restore",
    "load",
    "cutover",
    "verify",
    "rollback",
    "rehearse-rollback",
    "resume",
    "pause",
    "cleanup",
    "evolve",
    "events",
    "metrics",
    "hooks",
)


DISTRIBUTION = "django-handover"
VERSION = "Show the version of handover, and do nothing else."


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - an option's callback
    if wanted:
        print(f"{PROGRAM} {version(DISTRIBUTION)}")  # noqa: T201
        raise typer.Exit


def command_line(names: tuple[str, ...] = COMMANDS) -> typer.Typer:
    """Return the command line with the commands of these names."""
    line = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @line.callback()
    def handover(
        version: Annotated[
            bool, typer.Option("--version", is_eager=True, callback=_show_version, help=VERSION)
        ] = False,
    ) -> None:
        """Document, check, prove, perform, watch and undo the move from one Django system to another."""

    for name in names:
        module = name.replace("-", "_")
        command = getattr(import_module(f"handover.cli.{module}"), module)
        if isinstance(command, typer.Typer):
            line.add_typer(command, name=name)
        else:
            line.command(name)(command)
    return line


def app(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process; an error is printed in plain words, with its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    wanted = tuple(name for name in COMMANDS if words[:1] == [name])
    needed = () if words[:1] == ["--version"] else wanted or COMMANDS
    try:
        ended = command_line(needed)(arguments, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except HandoverError as error:
        _end(error)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - this is the edge where errors meet people
        _end(usage(error) or as_handover_error(error))
    if ended == InterruptedCommandError.exit_code:  # typer has handled the key press already
        _end(as_handover_error(KeyboardInterrupt()))
    sys.exit(ended)


def _end(error: HandoverError) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:  # The output is full or closed. Close it now, or Python prints an error at its end.
        with suppress(OSError):
            sys.stdout.close()
    with suppress(OSError):
        print(printable(without_secrets(str(error))), file=sys.stderr)  # noqa: T201
    sys.exit(error.exit_code)
