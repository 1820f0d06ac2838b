"""What the README shows is what its commands print: the parts that do not vary are compared."""

import re
import subprocess

import pytest

from handover.cli import COMMANDS
from sandbox import house
from tests import suites
from tests.readme import README, form, shown


def test_readme__the_first_command_stands_above_line_30():
    assert README.splitlines().index("$ script/server") < 29


def test_bootstrap__what_it_says__is_what_the_readme_shows():
    script = (house.ROOT / "script" / "bootstrap").read_text()
    lines = [line for line in shown()["script/server"] if line.startswith("bootstrap: ")]
    assert lines
    for line in lines:
        assert f'say "{line.removeprefix("bootstrap: ")}"' in script


def test_bachateo__each_command_of_the_readme__prints_what_it_shows(moves_library, tmp_path):
    commands = {line: lines for line, lines in shown().items() if "bachateo" in line}
    assert len(commands) == 3
    for line, lines in commands.items():
        argv = line.replace(".venv/bin", str(house.PROGRAMS)).replace(".local/media/Bachata_steps", str(moves_library))
        done = subprocess.run(argv.split(), cwd=tmp_path, capture_output=True, text=True, check=True)
        printed = done.stdout.splitlines()
        for number, expected in enumerate(lines):
            if expected.strip() != "…":
                assert form(printed[number]) == form(expected)
        assert len(printed) == len(lines) or lines[-1].strip() == "…"


def test_script_test__its_last_line__has_the_form_that_the_readme_shows(capsys):
    suites.summary([suites.Outcome("engine", 1.5, 3, 0, ())], 2.0)
    assert f"`{form(capsys.readouterr().out.splitlines()[-1])}`" in README


def test_bench__the_names_in_the_readme__are_the_benches():
    names = re.search(r"`script/bench NAME` measures \(([^)]+)\)", README)[1]
    files = {path.stem.replace("_", "-") for path in (house.ROOT / "script" / "benches").glob("*.py")}
    assert {name.strip() for name in names.replace("\n", " ").split(",")} == files


def test_scripts__the_map__shows_every_command():
    named = re.search(r"every command: ([\w ·\n-]+?)\ntests/", README)[1]
    commands = {path.name for path in (house.ROOT / "script").iterdir() if path.is_file()}
    assert {name.strip() for name in named.split("·")} == commands


def test_folders__the_map__shows_every_folder_of_the_repository():
    rows = re.findall(r"^([\w-]+)/ +(\S.*)$", README, flags=re.MULTILINE)
    tracked = subprocess.run(["git", "ls-files"], cwd=house.ROOT, capture_output=True, text=True, check=True).stdout
    folders = {line.partition("/")[0] for line in tracked.splitlines() if "/" in line and not line.startswith(".")}
    assert {name for name, _ in rows} == folders
    assert len({line.index(text) for line in README.splitlines() for name, text in rows if line.endswith(text)}) == 1


def test_commands__of_handover_that_the_readme_names__are_there():
    names = set(re.findall(r"`handover ([a-z-]+)", README))
    assert len(names) > 10
    assert names <= set(COMMANDS)


@pytest.mark.parametrize("line", ["postgres   is ready on port 1", "moves      30"])
def test_form__another_line__is_seen(line):
    lines = [form(line) for line in shown()["script/server"]]
    assert form(line) not in lines
