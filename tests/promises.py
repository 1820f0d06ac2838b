"""The promises of the system: what is guaranteed, the test that proves it, the fault that makes this test fail.

They are written in ``promises.toml``; ``script/promises`` makes docs/reference/promises.md from it, and
``script/bench promises`` plants each fault in a copy and looks whether the test of that promise fails.
"""

import ast
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET  # our own pytest's report
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "tests" / "promises.toml"
# Each has settings of its own, so its tests run in its folder.
PROJECTS = ("backend", "original")


@dataclass(frozen=True)
class Fault:
    """A text that stands once in a file, and what it becomes."""

    file: str
    text: str
    becomes: str

    def plant(self, root: Path) -> str:
        """Write the fault into the tree below ``root``; return what stood in the file."""
        path = root / self.file
        before = path.read_text()
        path.write_text(before.replace(self.text, self.becomes, 1))
        return before


@dataclass(frozen=True)
class Promise:
    """One guarantee. ``test`` is a path below the root and, after ``::``, the name of a function."""

    group: str
    says: str
    test: str
    fault: Fault

    @classmethod
    def read(cls, entry: dict[str, str]) -> Self:
        return cls(entry["group"], entry["says"], entry["test"], Fault(entry["file"], entry["text"], entry["becomes"]))


def promises(file: Path = FILE) -> list[Promise]:
    """Return all promises in the order of the file."""
    return [Promise.read(entry) for entry in tomllib.loads(file.read_text())["promise"]]


class NoPromiseError(Exception):
    """A word fits no promise."""


def with_words(every: list[Promise], words: Iterable[str]) -> list[Promise]:
    """Return the promises whose sentence or test has one of the words; all without a word.

    Raises
    ------
    NoPromiseError
        A word fits none, so it was mistyped.
    """
    fits = {word: [promise for promise in every if word in promise.says + promise.test] for word in words}
    if unknown := [word for word, found in fits.items() if not found]:
        message = f"no promise has {', '.join(map(repr, unknown))} in its sentence or in the name of its test"
        raise NoPromiseError(f"{message}; nothing was run. They stand in docs/reference/promises.md.")
    chosen = [promise for found in fits.values() for promise in found]
    return [promise for promise in every if not fits or promise in chosen]


def flaws_of_test(test: str, root: Path = ROOT) -> Iterator[str]:
    """Say what is wrong with the name of a test: its file, or its function, is not there."""
    file, _, function = test.partition("::")
    name = function.split("[")[0]
    if not (root / file).is_file():
        yield f"{file} is not there"
    elif name not in {n.name for n in ast.walk(ast.parse((root / file).read_text())) if isinstance(n, ast.FunctionDef)}:
        yield f"{file} has no test {name}"


def flaws(promise: Promise, root: Path = ROOT) -> Iterator[str]:
    """Say what is wrong with a promise without running it."""
    yield from flaws_of_test(promise.test, root)
    fault = promise.fault
    if not (root / fault.file).is_file():
        yield f"{fault.file} is not there"
        return
    source = (root / fault.file).read_text()
    if (count := source.count(fault.text)) != 1:
        yield f"{fault.file} has the text {fault.text!r} {count} times; a fault needs a text that stands there once"
    elif fault.text == fault.becomes:
        yield f"the fault changes nothing: {fault.text!r}"
    elif fault.file.endswith(".py"):
        try:
            ast.parse(source.replace(fault.text, fault.becomes, 1))
        except SyntaxError as error:
            yield f"with its fault {fault.file} is no Python: {error}"


def page(all_of_them: list[Promise]) -> str:
    """Return docs/reference/promises.md."""
    parts = [INTRODUCTION]
    for group, members in groupby(all_of_them, key=lambda promise: promise.group):
        rows = [f"| {p.says} | `{p.test}` | `{p.fault.file}` |" for p in members]
        parts.append(
            "\n".join([f"## {group}", "", "| promise | its test | its fault is planted in |", "|--|--|--|", *rows])
        )
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """# Promises

What the system guarantees. Each promise has a test, and each test a fault that it must notice: a change of the product
that breaks the promise. `script/bench promises` plants every fault in a copy of the repository, one at a time, and runs
the test: it must pass without the fault and fail with it.

This page is made by `script/promises` from `tests/promises.toml`, where the faults stand too."""


def outcome(test: str, root: Path) -> str:
    """Run a test in the tree below ``root``. Return ``passed``, ``failed``, or the reason why it is neither."""
    project = next((name for name in PROJECTS if test.startswith(f"{name}/")), "")
    report = root / ".local" / "promise.xml"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    own = root / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    done = subprocess.run(
        [
            python,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            test.removeprefix(f"{project}/"),
        ],
        cwd=root / project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return judged(done.returncode, report.read_text() if report.exists() else "", done.stdout)


def judged(status: int, report: str, said: str) -> str:
    """Return what pytest's status and report mean. A test that could not run is no proof of anything."""
    cases = list(ET.fromstring(report).iter("testcase")) if report else []  # noqa: S314 - see the import
    if status == 0 and cases and not any(case.find("skipped") is not None for case in cases):
        return "passed"
    failures = [found for case in cases if (found := case.find("failure")) is not None]
    # What failed may leave things in which its end fails, too: it has its own case in the report.
    failed = {case.get("name") for case in cases if case.find("failure") is not None}
    errors = [case for case in cases if case.find("error") is not None and case.get("name") not in failed]
    if status == 1 and failures and not errors:
        broken = [error[0] for f in failures if (error := BROKEN.search(f.get("message") or ""))]
        return f"did not run: {broken[0]}" if broken else "failed"
    return f"did not run: pytest ended with {status}: {said.strip().splitlines()[-1] if said.strip() else 'no output'}"


# Python's own; a database has a SyntaxError of its own (psycopg.errors.SyntaxError), which proves something.
BROKEN = re.compile(r"(?<![\w.])(?:NameError|ImportError|ModuleNotFoundError|SyntaxError|UnboundLocalError)\b")


def written(place: Path, wanted: str, *, data: Path, script: str) -> int:
    """Write a page, or with --check compare it; return the exit status."""
    if "--check" not in sys.argv:
        place.write_text(wanted)
    elif place.read_text() != wanted:
        sys.stderr.write(f"{place} does not show what {data.name} has. Run: {script}\n")
        return 1
    return 0


def main() -> int:
    """Write the page, or compare it; return the exit status."""
    place = ROOT / "docs" / "reference" / "promises.md"
    return written(place, page(promises()), data=FILE, script="script/promises")


if __name__ == "__main__":
    sys.exit(main())
