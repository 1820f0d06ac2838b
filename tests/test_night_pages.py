"""The pages about the move say what the code says."""

import re
import stat
from importlib import import_module
from pathlib import Path

import pytest
import typer

from handover.cli import COMMANDS
from handover.config.config import load_config
from handover.config.cutover import HookPoint
from handover.cutover.states import DESCRIPTIONS, STATES
from handover.cutover.states_page import states_page
from sandbox import house

DOCS = house.ROOT / "docs"
SOURCE = house.ROOT / "handover/src/handover"
BOOKS = sorted((DOCS / "runbooks").glob("*.md"))
HEADINGS = ("## What you see", "## What you type", "## What can go wrong", "## How to go back")


def test_states_page__is_what_the_tables_say():
    assert (DOCS / "reference/states.md").read_text() == states_page(load_config(house.ROOT / "handover.toml"))


@pytest.mark.parametrize("state", [*STATES, "paused"])
def test_runbook__every_state__has_one_with_all_its_parts(state):
    text = (DOCS / "runbooks" / f"{state.replace('_', '-')}.md").read_text()
    places = [text.index(heading) for heading in HEADINGS]
    assert places == sorted(places)
    assert text.startswith(f"# {state}: ")


def options_of(words: list[str]) -> set[str]:
    """Return the options of a command, as typer has them; the command must exist."""
    assert words[0] in COMMANDS, words
    module = words[0].replace("-", "_")
    command = getattr(import_module(f"handover.cli.{module}"), module)
    app = command if isinstance(command, typer.Typer) else typer.Typer()
    if app is not command:
        app.command()(command)
    found = typer.main.get_command(app)
    if len(words) > 1 and words[1] in getattr(found, "commands", {}):
        found = found.commands[words[1]]
    elif hasattr(found, "commands") and not found.invoke_without_command:
        assert words[1] in found.commands, words
    return {option for parameter in found.params for option in parameter.opts}


def commands_in(text: str) -> list[str]:
    return re.findall(r"`handover ([^`]+)`", text)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_runbook__every_command_it_names__exists_with_its_options(path: Path):
    found = commands_in(path.read_text())
    assert found or path.stem == "cleaned"
    for line in found:
        words = line.split()
        options = options_of(words)
        assert {word for word in words if word.startswith("--")} <= options, line


def test_meanings__next_command__exists():
    for description in DESCRIPTIONS.values():
        words = description.next_command.removeprefix("handover ").split()
        assert words[0] in (*COMMANDS, "report")


def test_hooks_page__names_every_point():
    text = (DOCS / "reference/hooks.md").read_text()
    for point in HookPoint.__args__:
        assert f"`{point}`" in text, point


def test_errors_page__has_every_code_of_the_night():
    text = (DOCS / "reference/errors.md").read_text()
    sources = (path for folder in ("journal", "cutover", "backup") for path in (SOURCE / folder).rglob("*.py"))
    codes = {code for path in sources for code in re.findall(r"HO(?:5\d\d|62\d)", path.read_text())}
    spans = [range(int(a), int(b or a) + 1) for a, b in re.findall(r"HO([56]\d\d)(?:\WHO([56]\d\d))?", text)]
    assert len(codes) > 30
    assert not [code for code in sorted(codes) if not any(int(code[2:]) in span for span in spans)]


def test_example_hook__can_be_executed():
    assert (DOCS / "examples/hooks/stop-vm").stat().st_mode & stat.S_IXUSR


def test_alerts__ask_for_metrics_that_the_page_names():
    page = (DOCS / "reference/events.md").read_text()
    rules = (DOCS / "examples/prometheus/alerts.yml").read_text()
    asked = set(re.findall(r"handover_[a-z_]+", rules))
    assert len(asked) > 5
    assert [name for name in sorted(asked) if f"`{name}`" not in page] == []


def test_exit_codes_page__has_a_line_for_every_command():
    text = (DOCS / "reference/exit-codes.md").read_text()
    lines = re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)
    assert sorted(lines) == sorted(COMMANDS)


@pytest.mark.parametrize("path", [DOCS / "howto/share-the-journal.md", DOCS / "reference/exit-codes.md"])
def test_page_of_the_night__every_command_it_names__exists_with_its_options(path: Path):
    for line in commands_in(path.read_text()):
        assert {word for word in line.split() if word.startswith("--")} <= options_of(line.split()), line
