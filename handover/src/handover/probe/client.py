"""A dialogue with a system: the agent goes in over standard input, then one JSON line a question and an answer."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

from handover.config import System
from handover.errors import ProbeError

# Reads the agent's length, then the agent, and leaves standard input open for the dialogue.
BOOTSTRAP = (
    "import io,sys;b=sys.stdin.buffer;n=int(b.readline());s=b.read(n);"
    "sys.stdin=io.TextIOWrapper(b,'utf-8');exec(compile(s,'handover-agent','exec'))"
)


class Probe:
    """A running agent in one system's interpreter; made by :func:`probe`."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], requests: IO[bytes], replies: IO[bytes]) -> None:
        self._name, self._process, self._requests, self._replies = name, process, requests, replies

    def ask(self, do: str, **arguments: object) -> Any:
        """Return the system's answer.

        Raises
        ------
        ProbeError
            The system raised, or its interpreter ended.
        """
        with suppress(BrokenPipeError):  # it has ended; the missing answer says so below
            self._requests.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        line = self._replies.readline()
        if not line:
            message = f"the interpreter of {self._name} ended with status {self._process.wait()} and gave no answer."
            raise ProbeError(f"{message} What it printed stands above; run it by hand to see more.")
        reply = json.loads(line)
        if "error" in reply:
            raise ProbeError(f"{self._name} could not answer {do!r}. Its own words:\n{reply['error']}")
        return reply["ok"]


@contextmanager
def probe(name: str, system: System, root: Path) -> Iterator[Probe]:
    """Start the agent inside a system and end it afterwards.

    Parameters
    ----------
    name
        What to call the system in messages.
    system
        Interpreter, folder and settings module.
    root
        Folder of ``handover.toml``.

    Raises
    ------
    ProbeError
        The interpreter could not be started.
    """
    source = files("handover.probe").joinpath("agent.py").read_bytes()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": system.settings}
    command = [*_interpreter(system.python, root), "-c", BOOTSTRAP]
    try:
        process = subprocess.Popen(
            command,
            cwd=root / system.path,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # nothing is left to be flushed into a pipe that nobody reads any more
        )
    except OSError as error:
        message = f"{name} could not be started with {command[0]!r} in {system.path}: {error.strerror}."
        raise ProbeError(f"{message} Correct `python` or `path` in handover.toml.") from error
    assert process.stdin  # noqa: S101 - both are pipes
    assert process.stdout  # noqa: S101
    with process:
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(f"{len(source)}\n".encode() + source)
            with open(process.stdout.fileno(), "rb", closefd=False) as replies:
                yield Probe(name, process, process.stdin, replies)
        finally:
            process.kill()


def _interpreter(python: Sequence[str], root: Path) -> list[str]:
    program = python[0]
    return [str(root / program) if "/" in program else program, *python[1:]]
