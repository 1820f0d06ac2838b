"""Settings come from the environment."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

SETTINGS = Path(__file__).parents[1] / "monolith" / "settings.py"
REQUIRED = ["SECRET_KEY", "DATABASE_URL", "MEDIA_ROOT"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("DEBUG", "ALLOWED_HOSTS", "MOVES_LIBRARY", "BACHATEO_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECRET_KEY", "key")
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:p%40ss@db.example:6543/compas")
    monkeypatch.setenv("MEDIA_ROOT", "/srv/media")
    return monkeypatch


def settings() -> dict[str, Any]:
    return runpy.run_path(str(SETTINGS))


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch):
    found = settings()

    database = found["DATABASES"]["default"]
    assert (database["ENGINE"], database["NAME"]) == ("django.db.backends.postgresql", "compas")
    assert (database["USER"], database["PASSWORD"]) == ("app", "p@ss")
    assert (database["HOST"], database["PORT"]) == ("db.example", 6543)
    assert (found["DEBUG"], found["ALLOWED_HOSTS"]) == (False, ["localhost", "127.0.0.1", "[::1]"])
    assert found["MOVES_LIBRARY"] == Path("/srv/media/Bachata_steps")
    assert found["STORAGES"]["songs"]["OPTIONS"] == {"location": Path("/srv/media/songs")}
    assert found["BACHATEO_CACHE"] == Path("/srv/cache")


@pytest.mark.parametrize("name", REQUIRED)
def test_settings__a_variable_without_default_is_missing__says_which(environment: pytest.MonkeyPatch, name: str):
    environment.delenv(name)

    with pytest.raises(ImproperlyConfigured, match=f"Set the {name} environment variable"):
        settings()


def test_pages_load_without_the_engine():
    """The engine takes seconds to import; only a generation waits for it."""
    script = "import sys, monolith.wsgi, monolith.urls; print('bachateo' in sys.modules)"

    command = [sys.executable, "-c", script]
    loaded = subprocess.run(command, cwd=SETTINGS.parents[1], capture_output=True, text=True, check=False)

    assert (loaded.stdout.strip(), loaded.returncode) == ("False", 0), loaded.stderr
