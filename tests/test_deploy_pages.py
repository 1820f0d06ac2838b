"""Every command on the pages about deploying exists, with its options."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from bachateo.cli import app
from sandbox import house
from tests.test_night_pages import options_of

HOWTO = house.ROOT / "docs/howto"
PAGES = [HOWTO / f"{name}.md" for name in ("deploy", "take-over-a-running-original", "observe", "cloud-run-jobs")]
# Programs of others.
KNOWN = {
    ".", "adduser", "amtool", "cd", "cloud-sql-proxy", "cp", "createdb", "createuser", "curl", "docker", "export",
    "gcloud", "git", "install", "nginx", "pip", "promtool", "python3", "set", "systemctl", "tofu", "uv",
}  # fmt: skip
# What runs another command, and how many words come before it.
LEADS = {"runuser": 4}


def steps(page: str) -> list[list[str]]:
    """Return each command of the blocks, in words; what a shell or a container runs is a command too."""
    blocks = re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    found: list[list[str]] = []
    for line in lines:
        if line.startswith("$ "):
            found += parts(line[2:])
    return found


def parts(line: str) -> list[list[str]]:
    found = []
    for part in re.split(r"\s(?:&&|\|)\s(?=(?:[^']*'[^']*')*[^']*$)", line):
        words = [
            word for word in shlex.split(part.removesuffix(" &"), comments=True) if not re.match(r"[A-Z_]+=", word)
        ]
        words = words[LEADS.get(words[0], 0) :]
        if words[:3] == ["docker", "compose", "run"]:
            words = words[5:]  # --rm SERVICE
        found += parts(words[2]) if words[:2] == ["sh", "-c"] else [words]
    return found


@cache
def commands_of(system: str) -> set[str]:
    """Return every command of a system's manage.py."""
    environment = house.system_environment(database_url="postgresql://x", media=Path("/srv"), secret_key="unused")
    done = subprocess.run(
        [sys.executable, "manage.py", "help", "--commands"],
        cwd=house.ROOT / system,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def wrong(words: list[str]) -> str:
    """Return what is wrong with a command; empty if nothing is."""
    program, rest = os.path.basename(words[0]), words[1:]  # noqa: PTH119 - a word, not a path
    if words[0].startswith("script/"):
        return "" if (house.ROOT / words[0]).is_file() else f"no {words[0]}"
    if program in {"python", "python3"} and rest[0] == "manage.py":
        return "" if rest[1] in commands_of("backend") | commands_of("original") else f"no command {rest[1]}"
    if program == "handover":
        return wrong_of_handover(rest)
    if program == "bachateo":
        return wrong_of_bachateo(rest)
    missing = [word for word in rest if word.startswith(("deploy/", "script/")) and not list(house.ROOT.glob(word))]
    if missing:
        return f"no {missing[0]}"
    return "" if program in KNOWN else f"unknown program {program}"


def wrong_of_handover(words: list[str]) -> str:
    try:
        unknown = {word for word in words if word.startswith("--")} - options_of(words)
    except AssertionError:
        return f"no command {words}"
    return f"no option {sorted(unknown)}" if unknown else ""


def wrong_of_bachateo(words: list[str]) -> str:
    command = get_command(app)
    for word in words:
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
    if hasattr(command, "commands"):
        return f"no command {words}"
    unknown = {word for word in words if word.startswith("--")} - {one for p in command.params for one in p.opts}
    return f"no option {sorted(unknown)}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page__every_command__exists(page):
    found = steps(page.read_text())
    assert found
    assert [(words, wrong(words)) for words in found if wrong(words)] == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("handover adopt --aply", "no option ['--aply']"),
        ("handover adapt", "no command ['adapt']"),
        ("docker compose run --rm setup sh -c 'cd original && python manage.py migrat'", "no command migrat"),
        ("runuser -u compas -- .venv/bin/bachateo library begin x", "no command ['library', 'begin', 'x']"),
        ("bachateo demo-song x --second 3", "no option ['--second']"),
        ("docker build --file deploy/Dockerfil", "no deploy/Dockerfil"),
        ("cp deploy/systemd/*.unit /etc", "no deploy/systemd/*.unit"),
        ("kubeclt get pods", "unknown program kubeclt"),
        ("script/no-such", "no script/no-such"),
    ],
)
def test_command__that_does_not_exist__is_seen(line, says):
    found = [wrong(words) for words in steps(f"```console\n$ {line}\n```")]
    assert [one for one in found if one] == [says]


def test_pages__name_each_kind_of_file_in_deploy():
    text = "".join(
        page.read_text() for page in [*PAGES, HOWTO / "put-a-front-before-it.md", HOWTO / "watch-two-systems.md"]
    )
    names = {path.name for path in (house.ROOT / "deploy").iterdir() if not path.name.endswith(".dockerignore")}
    assert [name for name in sorted(names) if f"deploy/{name}" not in text] == []
