"""The examples of ``handover watch`` as a service are valid, and name commands and exit codes that exist."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from handover.cli import command_line
from handover.cli.verify import BREACH
from handover.cli.watch import GREEN, NOT_SEEN, RED
from handover.errors import ConfigurationError, Refused

PLACE = Path(__file__).parent.parent / "deploy/watch"
UNITS = sorted(PLACE.glob("*.service"))


def unit(path: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string(path.read_text())
    return found


def check_command(words: list[str]) -> None:
    """Raise unless the command line takes these words: ``--help`` after them is shown, an unknown option is not."""
    assert Path(words[0]).name == "handover"
    command = command_line((words[1],))
    assert command([*words[1:], "--help"], standalone_mode=False) == 0


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_unit__by_systemd_itself__is_valid(path, tmp_path):
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace("/srv/handover/.venv/bin/handover", sys.executable))
    checked = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    ours = [
        line for line in checked.stderr.splitlines() if path.stem in line and "Failed to add dependency" not in line
    ]
    assert (checked.returncode, ours) == (0, [])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_unit__word_that_systemd_does_not_know__is_seen(tmp_path):
    copy = tmp_path / UNITS[1].name
    copy.write_text(UNITS[1].read_text().replace("RestartSec=5", "RestartAfter=5"))
    checked = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert "RestartAfter" in checked.stderr


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_unit__its_command__exists_and_its_end_is_understood(path):
    service = unit(path)["Service"]
    check_command(shlex.split(service["ExecStart"]))
    assert service["Restart"] == "always"
    never_again = {ConfigurationError("").exit_code, Refused("", code="HO000").exit_code}
    assert set(map(int, service["RestartPreventExitStatus"].split())) == never_again
    assert not never_again & {GREEN, NOT_SEEN, RED, BREACH}


def test_kubernetes__its_pod__runs_both_commands_on_one_folder():
    claim, deployment = yaml.safe_load_all((PLACE / "kubernetes.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert pod["volumes"] == [{"name": "folder", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}]
    assert pod["shareProcessNamespace"] is True
    assert [container["args"][1] for container in pod["containers"]] == ["watch", "verify"]
    for container in pod["containers"]:
        check_command(container["args"])
        assert container["workingDir"] == container["volumeMounts"][0]["mountPath"]


def test_files__as_they_stand__hold_no_secret():
    for path in PLACE.iterdir():
        assert not re.search(r"://[^/\s]*:[^@\s]+@", path.read_text())
