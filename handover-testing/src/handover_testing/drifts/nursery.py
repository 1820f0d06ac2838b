"""Systems by fork: Django is imported once, and each system is a child that lives for a few answers.

Each child executes the probe's own agent, so what comes back is what the real probe would say; only the second that an
interpreter needs to start is saved.
"""

# ruff: noqa: PLC0415 - Django is imported in the parent that forks, not in the tests

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Nursery:
    """A parent process that forks; made by :func:`nursery`. Several threads may ask, one after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self._lock = process, threading.Lock()

    def ask(self, folder: Path, environment: dict[str, str], settings: str, **wanted: object) -> Any:
        """Return what a system says of itself, and what Django's own commands find: see :func:`_child`."""
        request = {"folder": str(folder), "environment": environment, "settings": settings, **wanted}
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the nursery ended with status {self._process.wait()}")
        return json.loads(line)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Start a nursery and end it afterwards."""
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Nursery(process)
        finally:
            process.kill()


def main() -> None:
    """Fork a child for each request and hand its answer on."""
    import django.contrib.postgres.fields
    import django.core.management.commands.inspectdb
    import django.core.management.commands.makemigrations
    import django.core.management.commands.migrate
    import django.db.backends.postgresql.base  # noqa: F401

    from handover.probe.client import agent

    source = agent()
    for line in sys.stdin:
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            _child(json.loads(line), source, theirs)
            os._exit(0)
        os.close(theirs)
        with os.fdopen(ours) as answer:
            text = answer.read()
        os.waitpid(pid, 0)
        sys.stdout.write((text or json.dumps({"died": True})) + "\n")
        sys.stdout.flush()


def _child(request: dict[str, Any], agent: str, answers: int) -> None:
    """Be a system once: describe it with the agent, and run the commands that are asked for.

    The answer has ``describe`` (or ``error``, a traceback), and as wanted ``makemigrations`` and ``migrate`` (true when
    the ``--check`` of each finds something), ``inspectdb`` (its text), ``applied`` (after a real migrate).
    """
    os.dup2(2, 1)  # what commands print is no answer
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what they ask finds an end, not our next request
    answer: dict[str, Any] = {}
    folder = request["folder"]
    start = {"do": "start", "path": folder, "settings": request["settings"], "environment": request["environment"]}
    described = {"do": "describe", "key": "k", "names": request.get("names", [])}
    with os.fdopen(answers, "w") as out:
        replies, names = _of_agent(agent, [start, described])
        answer |= {
            "error": next((r["error"] for r in replies if "error" in r), None),
            "describe": replies[-1].get("ok"),
        }
        if answer["error"] is None and request.get("commands"):
            names["become"]("open")
            os.environ.pop("PGOPTIONS")  # which kept other drivers from writing
            answer |= _commands(request["commands"])
        out.write(json.dumps(answer))


def _of_agent(agent: str, requests: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the agent's replies, and the names it defines."""
    ours, theirs = os.pipe()
    saved = os.dup(1)
    os.dup2(theirs, 1)  # the agent takes standard output for itself
    os.close(theirs)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(os.fdopen(ours)))
    reader.start()
    names: dict[str, Any] = {"__name__": "handover_agent"}
    try:
        exec(compile(agent, "handover-agent", "exec"), names)  # noqa: S102 - as the bootstrap does
        names["main"]([json.dumps(request) for request in requests])
    finally:
        import gc

        gc.collect()  # the agent's end of the pipe
        os.dup2(saved, 1)
    reader.join()
    return [json.loads(line) for line in lines], names


def _commands(names: list[str]) -> dict[str, Any]:
    from django.core.management import call_command

    found: dict[str, Any] = {}
    for name in names:
        text = io.StringIO()
        try:
            if name == "makemigrations":
                call_command(
                    "makemigrations",
                    check_changes=True,
                    dry_run=True,
                    interactive=False,
                    verbosity=0,
                    stdout=text,
                    stderr=text,
                )
            elif name == "migrate":
                call_command("migrate", check_unapplied=True, verbosity=0, stdout=text, stderr=text)
            elif name == "only_makemigrations":
                call_command("makemigrations", verbosity=0, stdout=text, stderr=text)
            elif name == "only_migrate":
                call_command("migrate", verbosity=0, stdout=text, stderr=text)
            else:
                call_command("inspectdb", stdout=text, stderr=text)
            found[name] = text.getvalue() if name == "inspectdb" else False
        except SystemExit:
            found[name] = True
        except Exception as error:  # noqa: BLE001 - a command that dies has told, too
            found[name] = True
            found[f"{name} said"] = f"{type(error).__name__}: {error}"
    return found


if __name__ == "__main__":
    main()
