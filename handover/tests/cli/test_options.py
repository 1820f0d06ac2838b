"""An option that several commands have is declared once, so it reads the same everywhere."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from handover import cli
from handover.cli import command_line

SOURCES = Path(cli.__file__).parent
# `cutover --apply PLAN` applies one reviewed plan; the other commands only need to be told to act.
ANOTHER_MEANING = {("cutover", "--apply")}


def options(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str, str]]:
    """Yield each option below a command: the command's words, the option, its help."""
    for name, sub in getattr(command, "commands", {}).items():
        yield from options(sub, (*path, name))
    for parameter in command.params:
        if parameter.param_type_name == "option":
            yield " ".join(path), max(parameter.opts, key=len), parameter.help or ""


def shared(line: typer.Typer) -> dict[str, set[str]]:
    """Return the help texts of each option that more than one command has."""
    commands, helps = defaultdict(set), defaultdict(set)
    for command, option, text in options(typer.main.get_command(line)):
        if (command, option) not in ANOTHER_MEANING:
            commands[option].add(command)
            helps[option].add(text)
    return {option: helps[option] for option in helps if len(commands[option]) > 1}


def test_options__of_several_commands__have_one_help_text():
    found = shared(command_line())
    assert {"--config", "--apply", "--json", "--because", "--confirm", "--undo", "--plan"} <= found.keys()
    assert {option: texts for option, texts in found.items() if len(texts) != 1} == {}


def test_options__of_several_commands__are_declared_in_one_module():
    sources = "".join(file.read_text() for file in SOURCES.glob("*.py"))
    declared = (SOURCES / "options.py").read_text()
    for option, texts in shared(command_line()).items():
        assert all(sources.count(text) == declared.count(text) == 1 for text in texts), option


def test_shared__option_declared_twice_planted__has_two_help_texts():
    line = typer.Typer()

    @line.command()
    def one(seed: int = typer.Option(0, help="A number.")) -> None: ...

    @line.command()
    def other(seed: int = typer.Option(0, help="Another number.")) -> None: ...

    assert shared(line) == {"--seed": {"A number.", "Another number."}}
