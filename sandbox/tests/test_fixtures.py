"""The plugin as others see it: in a pytest process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.postgres import Server, data_folder

SETTINGS = """
import os
from pathlib import Path
SECRET_KEY = os.environ["SECRET_KEY"]
DATABASE_URL = os.environ["DATABASE_URL"]
MEDIA_ROOT = Path(os.environ["MEDIA_ROOT"])
"""
USE_SETTINGS = """
import os
from django.conf import settings
def test_settings():
    (settings.MEDIA_ROOT / "song.mp3").write_bytes(b"")
    print("SEEN", settings.SECRET_KEY, settings.DATABASE_URL, settings.MEDIA_ROOT)
"""
USE_SERVER = """
def test_server(postgres):
    print("SEEN", postgres.pid, postgres.folder)
"""
ENVIRONMENT = (
    "SECRET_KEY",
    "DATABASE_URL",
    "MEDIA_ROOT",
    "SANDBOX_POSTGRES",
    "DJANGO_SETTINGS_MODULE",
    "PYTEST_ADDOPTS",
)
# Importing Hypothesis takes a second.
QUICK = ("-p", "no:hypothesispytest", "-p", "no:cacheprovider")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a pytest process whose environment says nothing."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:django\n")
    return tmp_path


@pytest.fixture
def django(project: Path) -> Path:
    """A Django project whose settings have no defaults, as those of both systems."""
    (project / "project_settings.py").write_text(SETTINGS)
    (project / "test_it.py").write_text(USE_SETTINGS)
    options = ("DJANGO_SETTINGS_MODULE = project_settings", "django_find_project = false", "pythonpath = .")
    (project / "pytest.ini").write_text("\n".join(("[pytest]", *options)))
    return project


def pytest_in(project: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "pytest", "-s", "-W", "error", *QUICK, *options]
    return subprocess.run(argv, cwd=project, capture_output=True, text=True, check=False)


def seen(project: Path) -> list[str]:
    """Run the project's one test, which prints a line with SEEN, and return that line's words."""
    done = pytest_in(project)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "SEEN" in line]
    return line.partition("SEEN")[2].removesuffix(".").split()


def test_environment__is_there_before_django_reads_it_and_gone_afterwards(django: Path) -> None:
    secret, url, media = seen(django)
    assert len(secret) >= 50
    assert url == "postgresql://unset@127.0.0.1:1/unset"
    assert not Path(media).exists(), "the media of a run end with it"


def test_environment__what_is_set_stays(django: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"SECRET_KEY": "mine", "DATABASE_URL": "postgresql://mine", "MEDIA_ROOT": str(django)}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert seen(django) == ["mine", "postgresql://mine", str(django)]
    assert (django / "song.mp3").exists()


def test_environment__without_the_plugin__django_finds_none(django: Path) -> None:
    done = pytest_in(django, "-p", "no:sandbox")
    assert done.returncode != 0
    assert "KeyError: 'SECRET_KEY'" in done.stderr


def test_postgres__starts_one_for_the_run_and_leaves_nothing(project: Path) -> None:
    (project / "test_it.py").write_text(USE_SERVER)
    pid, folder = seen(project)
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(folder).parent.exists()


def test_postgres__server_named_in_the_environment__is_used_and_left_running(
    project: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "test_it.py").write_text(USE_SERVER)
    monkeypatch.setenv("SANDBOX_POSTGRES", str(server.folder))
    assert seen(project) == ["None", str(server.folder)]
    running = data_folder.postmaster(server.folder)
    assert running is not None
    assert running.pid == server.pid


def test_this_run_has_an_environment_too() -> None:
    assert Path(os.environ["MEDIA_ROOT"]).is_dir()
