"""The original's own code, in its own process, on a test's database."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from sandbox import house

# Runs in the original's shell: starting Django anew for each line would take a second each time.
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


class Original:
    """The running shell."""

    def __init__(self, shell: subprocess.Popen[str]) -> None:
        self.shell = shell

    def run(self, database, code: str) -> object:
        """Run ``code`` there as the role the original has; return what it calls ``answer``."""
        wanted = conninfo_to_dict(database.url("original_app"))
        names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
        asked = {
            "database": {name: str(wanted[key]) for name, key in names.items()},
            "media_root": str(settings.MEDIA_ROOT),
            "code": code,
        }
        self.shell.stdin.write(json.dumps(asked) + "\n")
        self.shell.stdin.flush()
        done = json.loads(self.shell.stdout.readline())
        assert done["error"] is None, done["error"]
        return done["answer"]


@contextmanager
def original_shell() -> Iterator[Original]:
    env = house.system_environment(
        database_url="postgresql://unset@127.0.0.1:1/unset", media=settings.MEDIA_ROOT, secret_key="unused"
    )
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", DRIVER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=house.ROOT / "original", env=env, text=True, **pipes) as shell:
        yield Original(shell)


FAIL_STUCK = "from choreography.housekeeping import fail_stuck_tasks; fail_stuck_tasks()"
FORGET_OLD = "from choreography.housekeeping import forget_old_tasks; forget_old_tasks()"
CANCEL_ALL = (
    "from choreography.models import ChoreographyTask; [task.delete() for task in ChoreographyTask.objects.all()]"
)
