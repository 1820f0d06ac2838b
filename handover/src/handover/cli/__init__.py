"""The command line: ``handover VERB``. Results on stdout, progress on stderr.

Exit 0 done, 1 failed, 2 usage, 3 refused, 4 differences found.
"""

import sys
from importlib import import_module

import typer

from handover.errors import HandoverError

# Each command is a module and a function of that name, a dash being an underscore there; only the one that is asked for
# is loaded.
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
    "load",
    "cutover",
    "verify",
    "rollback",
    "rehearse-rollback",
    "resume",
    "pause",
    "cleanup",
)


def _command_line(names: tuple[str, ...]) -> typer.Typer:
    line = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @line.callback()
    def handover() -> None:
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
    """Run the command line; an error of the toolkit ends it with its message and its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    wanted = tuple(name for name in COMMANDS if words[:1] == [name])
    try:
        _command_line(wanted or COMMANDS)(arguments)
    except HandoverError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is the edge where errors meet people
        sys.exit(error.exit_code)
