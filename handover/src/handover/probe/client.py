"""A dialogue with a system: it gets the agent over standard input, then requests and answers as lines of JSON."""

import json
import os
import select
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

from handover.config.config import System
from handover.errors import ProbeError, RaisedError
from handover.probe.overheard import Overheard
from handover.probe.words import explained, last_words

# Keeps standard input for the dialogue, gives the system an empty one, reads the agent's length and the agent.
OLDEST = "3.8"
BOOTSTRAP = (
    # Also an old Python must be able to run this, so that it can report its version.
    "import signal,sys;signal.signal(2,signal.SIG_IGN);"  # Ctrl-C is for the asking process, which ends this one
    'v=sys.version_info;v>=(3,8)or(print(\'{"python": "%d.%d.%d"}\'%v[:3]),sys.exit());'
    "import io,os;f=os.dup(0);n=os.open(os.devnull,0);os.dup2(n,0);os.close(n);b=open(f,'rb');n=int(b.readline());"
    "g={'__name__':'handover_agent'};exec(compile(b.read(n),'handover-agent','exec'),g);"
    "g['main'](io.TextIOWrapper(b,'utf-8'))"
)
PARTS = ("guard", "plain", "declarations", "histories", "agent")
CHUNK_BYTES = 1 << 16
# An answer is held in memory a few times over; the largest of a project with 2,000 models is a tenth of this.
ANSWER_BYTES, DIALOGUE_BYTES = 1 << 26, 1 << 32
ERROR_CHARACTERS = 1 << 16
# The toolkit's own variables hold secrets that no system needs; what it does need stands in its environment.
OWN_VARIABLES = "HANDOVER_"


class Probe:
    """A running agent in one system's interpreter; made by :func:`probe`."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], within_s: float) -> None:
        self._name, self._process, self._within_s = name, process, within_s
        self._requests, self._replies, said = _pipes(process)
        os.set_blocking(self._requests.fileno(), False)  # a system that does not read must not stop this process
        self._unread, self._heard = b"", 0
        self.overheard = Overheard(name, said)

    def ask(self, do: str, **arguments: object) -> Any:
        """Return the system's answer to a request.

        Raises
        ------
        RaisedError
            The system raised an exception; the message holds the end of it.
        ProbeError
            Its interpreter ended, did not answer in time, or wrote something that is no answer.
        """
        if self._unread:
            what = f"{self._name} wrote more than was asked: {self._unread[:80]!r}."
            raise ProbeError(f"{what} Something between here and its interpreter writes to its output.")
        self.send(json.dumps({"do": do, **arguments}).encode() + b"\n", do)
        line = self._line(do)
        try:
            reply = _reply(line)
        except (ValueError, RecursionError) as error:
            what = f"{self._name} answered {do!r} with something that is no answer: {line[:80]!r}."
            raise ProbeError(f"{what} Something between here and its interpreter writes to its output.") from error
        if "error" in reply:
            words = last_words(reply["error"][-ERROR_CHARACTERS:])
            raise RaisedError(f"{self._name} could not answer {do!r}. Its own words:\n{words}")
        if "python" in reply:
            what = f"the interpreter of {self._name} is Python {reply['python']}, and handover needs {OLDEST} or newer."
            raise ProbeError(f"{what} Name another: `python` in handover.toml.")
        return reply["ok"]

    def send(self, text: bytes, do: str) -> None:
        """Write to the system, which must read it in time.

        Raises
        ------
        ProbeError
            It does not read.
        """
        deadline, left = time.monotonic() + self._within_s, memoryview(text)
        while left:
            if not select.select([], [self._requests], [], max(deadline - time.monotonic(), 0))[1]:
                raise ProbeError(self._silent(do))
            try:
                left = left[os.write(self._requests.fileno(), left) :]
            except BrokenPipeError:  # it has ended; the missing answer says so
                return

    def load(self, chapter: str) -> None:
        """Load a chapter, so that the agent can answer more requests: a file of ``handover/probe/chapters``.

        Raises
        ------
        RaisedError
            The agent was started to describe, not to act.
        """
        self.load_source(chapter, files("handover.probe").joinpath("chapters", f"{chapter}.py").read_text())

    def load_source(self, name: str, source: str) -> None:
        """Load a chapter from its source."""
        self.ask("load", name=name, source=source)

    def end(self) -> None:
        """End the interpreter at once; a thread that waits for an answer gets a ProbeError."""
        self._process.kill()

    def close_requests(self) -> None:
        """Let an interpreter end that a wrapper started: it outlives the wrapper, and waits for a request."""
        self._requests.close()

    def _line(self, do: str) -> bytes:
        deadline = time.monotonic() + self._within_s
        parts, length = [self._unread], len(self._unread)
        while b"\n" not in parts[-1]:
            if not select.select([self._replies], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise ProbeError(self._silent(do))
            parts.append(os.read(self._replies.fileno(), CHUNK_BYTES))
            if not parts[-1]:
                raise ProbeError(self._ended(cut=any(parts)))
            length += len(parts[-1])
            self._heard += len(parts[-1])
            if length > ANSWER_BYTES or self._heard > DIALOGUE_BYTES:
                raise ProbeError(self._too_long(do, length))
        line, _, self._unread = b"".join(parts).partition(b"\n")
        return line

    def _silent(self, do: str) -> str:
        self._process.kill()
        message = f"{self._name} did not answer {do!r} within {self._within_s:g} s and was ended."
        advice = "Run its interpreter by hand to see what it waits for, or raise answer_within_s in handover.toml."
        return f"{message} {advice}"

    def _too_long(self, do: str, length: int) -> str:
        self._process.kill()
        message = f"{self._name} answered {do!r} with more than {length >> 20} MB and was ended."
        return f"{message} Run its interpreter by hand to see what it writes."

    def _ended(self, *, cut: bool) -> str:
        self.overheard.end()
        how = "in the middle of its answer" if cut else "and gave no answer"
        message = f"the interpreter of {self._name} ended with status {self._process.wait()} {how}."
        return f"{message} What it printed stands above; run it by hand to see more."


def _spawn(name: str, system: System, root: Path, local: Path) -> subprocess.Popen[bytes]:
    command = interpreter(system, root)
    try:
        return subprocess.Popen(
            command,
            cwd=local if local.is_dir() else root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)},
            bufsize=0,  # so that nothing is flushed into a closed pipe at the end
        )
    except OSError as error:
        message = f"{name} could not be started with {command[0]!r} in {system.path}: {error.strerror}."
        raise ProbeError(f"{message} Correct `python` or `path` in handover.toml.") from error


@contextmanager
def probe(
    name: str,
    system: System,
    root: Path,
    *,
    within_s: float | None = None,
    act_on: Mapping[str, str] | None = None,
    begun: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> Iterator[Probe]:
    """Start the agent inside a system and end it afterwards.

    Parameters
    ----------
    name
        The name of the system in messages.
    system
        Interpreter, folder, settings module and environment.
    root
        Folder of ``handover.toml``.
    within_s
        How long one answer may take, in seconds; by default as ``handover.toml`` says.
    act_on
        Lets the agent act on this database and on no other: any of Django's ``NAME``, ``HOST``, ``PORT``, ``USER``,
        ``PASSWORD``, which replace those of the system's settings. If it is empty, the agent acts on the databases of
        the settings. Without it, the agent connects to no database.
    begun
        Receives the process, so that another thread can kill it.

    Raises
    ------
    ProbeError
        The interpreter could not be started.
    RaisedError
        The system's settings or apps cannot be imported; the message holds the error and what to do.
    """
    source = agent().encode()
    local = root / system.path
    process = _spawn(name, system, root, local)
    with process:
        begun(process)
        started = Probe(name, process, within_s or system.answer_within_s)
        try:
            started.send(f"{len(source)}\n".encode() + source, "start")
            place = {} if act_on is None else {"acting": True, "database": dict(act_on)}
            start = {"settings": system.settings, "environment": system.variables(), "reads": system.reads_at_start}
            try:
                started.ask("start", path=str(local), **start, **place)
            except RaisedError as error:
                raise _does_not_start(name, system, local, error) from error
            yield started
        finally:
            process.kill()
            started.close_requests()
            started.overheard.end()


def _does_not_start(name: str, system: System, folder: Path, error: RaisedError) -> RaisedError:
    what, todo = explained(str(error).partition("\n")[2], system, folder)
    return RaisedError(f"{name} does not start:\n{what}\n{todo}")


def agent() -> str:
    """Return the agent's source: its parts, one after another."""
    return "\n\n".join(files("handover.probe").joinpath(f"{part}.py").read_text() for part in PARTS)


def interpreter(system: System, root: Path) -> list[str]:
    """Return the command that runs the agent's bootstrap in a system's interpreter.

    A program with a slash is relative to ``handover.toml``. ``ssh`` gives what follows to a shell on the other
    machine, so there the bootstrap is quoted once more.
    """
    program, *rest = system.python
    over_a_shell = Path(program).name == "ssh"
    bootstrap = shlex.quote(BOOTSTRAP) if over_a_shell else BOOTSTRAP
    return [str(root / program) if "/" in program else program, *rest, "-c", bootstrap]


def _reply(line: bytes) -> dict[str, Any]:
    """Return an answer of the agent: one of three words, with what belongs to it.

    Raises
    ------
    ValueError
        It is something else.
    """
    reply = json.loads(line)
    if isinstance(reply, dict) and len(reply) == 1:
        (word, value) = next(iter(reply.items()))
        if word == "ok" or (word in ("error", "python") and isinstance(value, str)):
            return reply
    raise ValueError("no answer of the agent")


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    assert process.stdin  # noqa: S101 - all are pipes
    assert process.stdout  # noqa: S101
    assert process.stderr  # noqa: S101
    return process.stdin, process.stdout, process.stderr
