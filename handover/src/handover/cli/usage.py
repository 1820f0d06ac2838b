"""Errors in the words of a command line."""

import sys
from typing import Any, NoReturn

import typer

from handover.errors import ConfigurationError, HandoverError, Refused


def usage(error: BaseException) -> HandoverError | None:
    """Return the error in the words of a command; None if the error is another one."""
    if isinstance(error, typer.Abort):
        message = "the question got no answer; nothing was changed."
        return Refused(
            f"{message} Run the command at a terminal, or give the answer as an option, see --help.", code="HO005"
        )
    if not isinstance(error, _BASE):
        return None
    context: Any = getattr(error, "ctx", None)
    said = str(error.format_message()).strip().rstrip(".")
    if type(error).__name__ == "NoArgsIsHelpError":
        _show_help(said)
    command = context.command_path if context is not None else PROGRAM
    missing = _missing(context) if type(error).__name__ == "MissingParameter" else ""
    what = f"`{command}` needs {missing}." if missing else f"`{command}`: {said[:1].lower()}{said[1:].rstrip('?')}"
    end = "" if missing else "?" if said.endswith("?") else "."
    return ConfigurationError(f"{what}{end} Every option is explained by `{command} --help`.")


PROGRAM = "handover"
# The class of every usage error; typer does not export it.
_BASE: Any = typer.BadParameter.__base__


def _missing(context: Any) -> str:
    """Return every required option that is missing."""
    required = [p for p in context.command.params if p.required and context.params.get(p.name) is None]
    names = [max(p.opts, key=len) if p.param_type_name == "option" else str(p.name).upper() for p in required]
    return ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]


def _show_help(text: str) -> NoReturn:
    print(text)  # noqa: T201
    sys.exit(ConfigurationError.exit_code)
