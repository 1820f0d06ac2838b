"""Real workers as processes, and points where a test makes them wait.

A worker waits at a lock that the test holds, or at a pipe that the test writes: nothing here sleeps to
be in time.
"""

import errno
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from django.conf import settings

from sandbox import house, process

PATIENCE_S = 90.0
LOCK = 0x686F6C64
INDEX = "library.json"


@dataclass
class Workers:
    """Worker processes on one database, each with a name that its sessions bear.

    One that ends by itself is a failure, or is started again when they are ``supervised``, as `script/server` does.
    """

    database: object
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    supervised: bool = False

    def start(self, *options: str) -> str:
        name = f"worker-{secrets.token_hex(4)}"
        env = house.system_environment(
            database_url=self.database.url("backend_app"), media=settings.MEDIA_ROOT, secret_key="unused"
        )
        places = {"MOVES_LIBRARY": settings.MOVES_LIBRARY, "BACHATEO_CACHE": settings.BACHATEO_CACHE}
        env |= {key: str(value) for key, value in places.items()} | self.settings | {"PGAPPNAME": name}
        command = [sys.executable, "manage.py", "procrastinate", "worker", *options]
        with self.log(name).open("wb") as log:
            self.running[name] = process.spawn(command, cwd=house.ROOT / "backend", env=env, stdout=log)
        return name

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def name_of(self, pid: int) -> str:
        return next(name for name, worker in self.running.items() if worker.pid == pid)

    def signal(self, name: str, number: signal.Signals) -> None:
        self.running[name].send_signal(number)

    def kill(self, name: str) -> None:
        self.signal(name, signal.SIGKILL)
        self.running.pop(name).wait()

    def until(self, is_so: Callable[[], object], what: str) -> object:
        """Wait until ``is_so()``. Another process makes it true, so it is polled."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := is_so()):
            for name, worker in list(self.running.items()):
                if process.wait_for_exit(worker.pid, 0.01):
                    assert self.supervised, f"{name} ended:\n{self.log(name).read_text()}"
                    self.running.pop(name).wait()
                    self.start()
            assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}\n{self._logs()}"
        return found

    def _logs(self) -> str:
        return "\n".join(f"── {name}\n{self.log(name).read_text()[-3000:]}" for name in self.running)

    def stop(self) -> None:
        for worker in self.running.values():
            process.stop(worker, timeout_s=0)


@contextmanager
def workers_on(database, folder: Path, **env: object) -> Iterator[Workers]:
    workers = Workers(database, folder, {key: str(value) for key, value in env.items()})
    try:
        yield workers
    finally:
        workers.stop()


class Hold:
    """Lets the worker that writes a stage wait, in the database, at a lock that this test holds.

    ``stage`` as in the row; "committing" and "committed" are the end of the transaction that completes
    it, and what the server makes of it when its client dies there.
    """

    def __init__(self, database) -> None:
        self.session = psycopg.connect(database.url("owner"), autocommit=True)
        self.session.execute(
            """
            CREATE TABLE public.held (stage text, lock bigint);
            GRANT SELECT ON public.held TO PUBLIC;
            CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              PERFORM pg_advisory_xact_lock(lock) FROM public.held WHERE stage = TG_ARGV[0] || NEW.stage;
              RETURN NULL;
            END $$;
            CREATE TRIGGER hold AFTER UPDATE OF stage ON public.choreography_tasks
              FOR EACH ROW EXECUTE FUNCTION public.hold('');
            CREATE CONSTRAINT TRIGGER hold_commit AFTER UPDATE ON public.choreography_tasks
              DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.hold('committing ');
            """
        )

    def at(self, stage: str) -> None:
        name = "committing completed" if stage in {"committing", "committed"} else stage
        self.stage = stage
        self.session.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        self.session.execute("INSERT INTO public.held VALUES (%s, %s)", [name, LOCK])

    def release(self) -> None:
        if self.stage == "committing":
            # PostgreSQL commits also without its client, unless its own process is killed too.
            self.session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_locks USING (pid)"
                " WHERE datname = current_database() AND NOT granted AND locktype = 'advisory' AND objid = %s",
                [LOCK],
            )
        self.session.execute("DELETE FROM public.held")
        self.session.execute("SELECT pg_advisory_unlock(%s)", [LOCK])

    def who_waits(self) -> str | None:
        """Return the name of the worker that waits here."""
        row = self.session.execute(
            "SELECT split_part(application_name, ' ', 2) FROM pg_stat_activity JOIN pg_locks USING (pid)"
            " WHERE datname = current_database() AND NOT granted AND locktype = 'advisory' AND objid = %s",
            [LOCK],
        ).fetchone()
        return row[0] if row else None


@contextmanager
def hold_on(database) -> Iterator[Hold]:
    hold = Hold(database)
    with closing(hold.session):
        yield hold


class Gate:
    """A moves library whose index is a pipe: a worker waits in stage "selecting" until it is let through."""

    def __init__(self, folder: Path, library: Path) -> None:
        shutil.copytree(library, folder)
        self.folder, self.kept = folder, folder / "kept.json"
        (folder / INDEX).rename(self.kept)
        self.renew()

    def renew(self) -> None:
        """Make a new pipe, so that a process waiting at the old one is kept apart from later ones."""
        os.mkfifo(self.folder / "new")
        (self.folder / "new").replace(self.folder / INDEX)

    def open(self) -> int | None:
        """Return the open pipe if a process waits at its other end."""
        try:
            return os.open(self.folder / INDEX, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return None

    def let_through(self, pipe: int) -> None:
        # The waiting process and later ones find the file again; the search index knows it by its size and time.
        shutil.copy2(self.kept, self.folder / "new")
        (self.folder / "new").replace(self.folder / INDEX)
        os.set_blocking(pipe, True)
        with os.fdopen(pipe, "wb") as writer:
            writer.write(self.kept.read_bytes())


def is_full() -> bool:
    return os.environ.get("COMPAS_FULL") == "1"
