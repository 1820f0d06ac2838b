"""A system's own interpreter, which runs lines on one database after another."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from sandbox import house
from sandbox.errors import SandboxError

# Starting Django anew for each line would take a second each time.
DRIVER = """
import json, sys, traceback
from django.conf import settings
from django.db import connection
for line in sys.stdin:
    asked = json.loads(line)
    connection.close()
    connection.settings_dict.update(asked["database"])
    settings.MEDIA_ROOT = asked["media_root"]
    answer = {}
    try:
        exec(asked["code"], answer)
    except Exception:
        answer["error"] = traceback.format_exc()
    connection.close()
    print(json.dumps({key: answer.get(key) for key in ("answer", "error")}), flush=True)
"""
NAMES = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


class LinesFailedError(SandboxError):
    """The lines ended with an error; its traceback is the message."""

    code = "SB023"


@dataclass(frozen=True)
class SystemShell:
    """The running shell.

    Attributes
    ----------
    process
        The system's interpreter.
    options
        What its sessions ask of the database besides: Django's ``OPTIONS``. Empty: as its settings say.
    """

    process: subprocess.Popen[str]
    options: Mapping[str, str] = field(default_factory=dict)

    def run(self, url: str, code: str, *, media: Path | str) -> Any:
        """Run ``code`` on the database of ``url``; return what it calls ``answer``.

        Raises
        ------
        LinesFailedError
            The code raised an error.
        """
        wanted = conninfo_to_dict(url)
        database: dict[str, Any] = {name: str(wanted[key]) for name, key in NAMES.items()}
        if self.options:
            database["OPTIONS"] = dict(self.options)
        line = json.dumps({"database": database, "media_root": str(media), "code": code})
        done = json.loads(self._exchange(line))
        if done["error"] is not None:
            raise LinesFailedError(done["error"])
        return done["answer"]

    def _exchange(self, line: str) -> str:
        if self.process.stdin is None or self.process.stdout is None:
            raise LinesFailedError("the shell was started without pipes")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@contextmanager
def shell_of(
    system: str, *, media: Path | str, options: Mapping[str, str] | None = None, **environment: str
) -> Iterator[SystemShell]:
    """Start the shell of ``original`` or ``backend``; it is on no database yet."""
    nowhere = "postgresql://unset@127.0.0.1:1/unset"
    env = house.system_environment(database_url=nowhere, media=Path(media), secret_key="unused")  # noqa: S106
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", DRIVER]
    with subprocess.Popen(
        command,
        cwd=house.ROOT / system,
        env=env | environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield SystemShell(process, options or {})
