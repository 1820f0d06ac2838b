"""The command line: ``handover VERB``. Results on stdout, progress on stderr.

Exit 0 done, 1 failed, 2 usage, 3 refused, 4 differences found.
"""

import sys

import typer

from handover.cli.adopt import adopt
from handover.cli.check import check
from handover.cli.contract import contract
from handover.cli.doctor import doctor
from handover.cli.document import document
from handover.cli.init import init
from handover.errors import HandoverError

_typer = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for _command in (init, doctor, check, document, adopt):
    _typer.command()(_command)
_typer.add_typer(contract, name="contract")


@_typer.callback()
def _handover() -> None:
    """Document, check, prove, perform, watch and undo the move from one Django system to another."""


def app(arguments: list[str] | None = None) -> None:
    """Run the command line; an error of the toolkit ends it with its message and its exit code."""
    try:
        _typer(arguments)
    except HandoverError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is the edge where errors meet people
        sys.exit(error.exit_code)
