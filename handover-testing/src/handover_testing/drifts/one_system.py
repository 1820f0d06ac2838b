"""One system for a few answers: it executes the probe's own agent, so it says what the real probe would say.

It runs in a child of :mod:`handover_testing.drifts.fork_server`: only the second that an interpreter needs to start is
saved. The request comes as JSON on standard input, the answer goes as JSON to standard output.
"""

# ruff: noqa: PLC0415 - Django is imported in the server that forks, not in the tests

import io
import json
import os
import sys
import threading
from functools import cache
from types import CodeType
from typing import Any


@cache
def compiled(agent: str | bytes) -> CodeType:
    """Return the agent's code, as the bootstrap compiles it."""
    return compile(agent, "handover-agent", "exec")


def main() -> None:
    """Be a system once: describe it with the agent, and run the commands that are asked for.

    The answer has ``describe`` (or ``error``, a traceback), and as wanted ``makemigrations`` and ``migrate`` (true when
    the ``--check`` of each finds something), ``inspectdb`` (its text), ``applied`` (after a real migrate).
    """
    request = json.load(sys.stdin)
    answers = os.dup(1)
    os.dup2(2, 1)  # what commands print is no answer
    answer: dict[str, Any] = {}
    folder = request["folder"]
    start = {"do": "start", "path": folder, "settings": request["settings"], "environment": request["environment"]}
    described = {"do": "describe", "key": "k", "names": request.get("names", [])}
    with os.fdopen(answers, "w") as out:
        replies, names = _of_agent(request["agent"], [start, described])
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
        exec(compiled(agent), names)  # noqa: S102 - as the bootstrap does
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
