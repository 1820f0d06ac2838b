"""Run the test suites, one process each, on one database server; sum up at the end.

Two Django projects have two settings modules, so they cannot share a pytest process.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET  # our own pytest's report
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sandbox import house
from sandbox.fixtures import server_for_this_run

ROOT = Path(__file__).resolve().parents[1]
# Where each pytest process runs and what it collects; the longest first, so that the others fill the cores to the end.
CUT_OVER = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "handover/tests/cutover").glob("test_*.py"))
NIGHT = [f"handover/tests/{part}" for part in ("backup", "journal", "parallel", "report")]
CHECK = [f"handover/tests/{part}" for part in ("check", "rules", "schema", "probe", "test_clean.py", "test_rules.py")]
PROOF = ["handover/tests/proof", "handover/tests/adoption", "tests/adoption"]
EVOLVE = ["handover/tests/evolve", "handover/tests/runs"]
CLIPS = [f"bachateo/tests/{part}" for part in ("cli", "media", "moves")]
BACKEND = ROOT / "backend"
# In one process they would run on when all other suites have ended.
OF_BACKEND = [f"tests/{file.name}" for file in sorted(BACKEND.glob("tests/test_*.py"))]
# Each starts a browser and waits for pages.
IN_BROWSER = [
    f"tests/test_{part}.py"
    for part in (
        "accessible", "admin_page", "bad_network", "keyboard", "page", "practice", "restarts", "session_gone", "touch",
        "what_the_page_fetches",
    )
]  # fmt: skip
# What Phase 2 changes for the backend; the long run plays all of its tests, at both stages that Phase 2 runs on.
PHASE_2 = [f"tests/test_{part}.py" for part in ("phases", "tasks", "guard")]


@dataclass(frozen=True)
class Suite:
    """One pytest process: the folder it runs in, what it collects, and what its environment has besides."""

    folder: Path
    places: list[str]
    environment: dict[str, str] = field(default_factory=dict)


SUITES = {
    "in the browser": Suite(ROOT, IN_BROWSER),
    "backend": Suite(BACKEND, OF_BACKEND[::2]),
    "backend, the rest": Suite(BACKEND, OF_BACKEND[1::2]),
    "both together": Suite(ROOT, ["tests", "--ignore=tests/adoption", *(f"--ignore={part}" for part in IN_BROWSER)]),
    # Its tests mostly wait for processes.
    "cut-over": Suite(ROOT, CUT_OVER[::2]),
    "cut-over, the rest": Suite(ROOT, CUT_OVER[1::2]),
    "proof and adoption": Suite(ROOT, PROOF),
    "check": Suite(ROOT, CHECK),
    "the night": Suite(ROOT, NIGHT),
    "toolkit": Suite(
        ROOT,
        ["handover", *(f"--ignore={part}" for part in ("handover/tests/cutover", *NIGHT, *CHECK, *PROOF, *EVOLVE))],
    ),
    "evolutions": Suite(ROOT, EVOLVE),
    "songs and clips": Suite(ROOT, CLIPS),
    "engine": Suite(ROOT, ["bachateo", *(f"--ignore={part}" for part in CLIPS)]),
    "sandbox": Suite(ROOT, ["sandbox"]),
    "original": Suite(ROOT / "original", ["tests"]),
    "backend, phase 2": Suite(BACKEND, PHASE_2, {"SCHEMA_PHASE": "2"}),
}
FULL = {
    "backend, phase 2": Suite(BACKEND, ["tests"], {"SCHEMA_PHASE": "2"}),
    "backend, phase 1, switched": Suite(BACKEND, ["tests"], {"EVOLVED": "switched"}),
    "backend, phase 2, switched": Suite(BACKEND, ["tests"], {"SCHEMA_PHASE": "2", "EVOLVED": "switched"}),
}
ALLOWED_SKIPS = ROOT / "tests" / "allowed-skips.txt"


@dataclass(frozen=True)
class Outcome:
    """What one suite did."""

    name: str
    seconds: float
    passed: int
    failed: int
    skips: tuple[str, ...]


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description="Run every test.")
    parser.add_argument("--full", action="store_true", help="the full sizes")
    arguments, pytest_arguments = parser.parse_known_args()
    chosen = SUITES
    if arguments.full:
        os.environ["COMPAS_FULL"] = "1"
        chosen = SUITES | FULL
    # A shell lets what it starts in the background ignore Ctrl-C; what tests start must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    with server_for_this_run() as server:
        os.environ["SANDBOX_POSTGRES"] = str(server.folder)
        # Four more than there are cores: tests that kill and restart things mostly wait.
        with ThreadPoolExecutor(1) as beside, ThreadPoolExecutor(len(os.sched_getaffinity(0)) + 4) as pool:
            drawn = beside.submit(draw)
            outcomes = list(pool.map(partial(run, arguments=pytest_arguments), chosen.items()))
            drawn.result()
    return summary(outcomes, time.monotonic() - began)


def draw() -> None:
    """Draw what a fresh machine lacks, while the suites begin that need none of it; the others wait for it."""
    house.moves_library()
    house.demo_song()


def run(named: tuple[str, Suite], *, arguments: list[str]) -> Outcome:
    """Run one suite in its folder; what it prints is shown when it has ended."""
    name, suite = named
    print(f"{name} ...", flush=True)
    began = time.monotonic()
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "--quiet", "--durations=5", f"--junitxml={report.name}"]
        done = subprocess.run(  # noqa: PLW1510 - judged by its report
            [*command, *suite.places, *arguments],
            cwd=suite.folder,
            env=os.environ | suite.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        seconds = time.monotonic() - began
        print(f"\n── {name}, {seconds:.1f} s ──\n{done.stdout}", flush=True)
        return outcome(name, done.returncode, Path(report.name).read_text(), seconds)


def outcome(name: str, status: int, report: str, seconds: float) -> Outcome:
    """Read pytest's report; a suite that ended without one, or ran nothing, has failed."""
    cases = list(ET.fromstring(report).iter("testcase")) if report else []  # noqa: S314 - see the import
    kinds = Counter("failed" if c.find("failure") is not None or c.find("error") is not None else "ran" for c in cases)
    skips = tuple(str(s.get("message")) for c in cases if (s := c.find("skipped")) is not None)
    crashed = status not in (0, 1) or (status == 1 and not kinds["failed"])
    return Outcome(name, seconds, kinds["ran"] - len(skips), kinds["failed"] + crashed, skips)


def summary(outcomes: list[Outcome], seconds: float) -> int:
    """Print what happened; return the exit status."""
    print("\n── summary ──")
    for o in outcomes:
        print(f"{o.seconds:6.1f} s  {o.passed:4} passed  {o.failed:3} failed  {len(o.skips):3} skipped  {o.name}")
    print(f"{seconds:6.1f} s  in all")
    skips = Counter(reason for o in outcomes for reason in o.skips)
    for reason, count in skips.items():
        print(f"skipped {count}: {reason}")
    failed = sum(o.failed for o in outcomes)
    for reason in unlisted(skips):
        print(f"this skip is not listed in {ALLOWED_SKIPS.relative_to(ROOT)}, so it fails in CI: {reason}")
        failed += os.environ.get("CI") == "true"
    print(f"{sum(o.passed for o in outcomes)} passed, {failed} failed, {sum(skips.values())} skipped")
    return 1 if failed else 0


def unlisted(reasons: Counter[str]) -> list[str]:
    """Return the reasons that the list of allowed skips does not hold."""
    allowed = {line.strip() for line in ALLOWED_SKIPS.read_text().splitlines() if not line.startswith("#")}
    return [reason for reason in reasons if reason not in allowed]


if __name__ == "__main__":
    sys.exit(main())
