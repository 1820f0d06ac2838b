"""What may everyone do at every address? Runs the access matrix of backend/tests/matrix.py in full."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET  # our own pytest's report
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import house

BACKEND = house.ROOT / "backend"
TESTS = ("tests/test_matrix.py", "tests/test_mass_assignment.py")


def main() -> int:
    """Run the tests and show their figures; return the exit status."""
    argparse.ArgumentParser(prog="script/bench access", description=__doc__).parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", f"--junitxml={report}", *TESTS]
        environment = {**os.environ, "COMPAS_FULL": "1"}
        done = subprocess.run(command, cwd=BACKEND, env=environment, stdout=sys.stderr, check=False)
        figures = figures_of(ET.parse(report).getroot())  # noqa: S314
    figures["seconds"] = round(time.monotonic() - began)
    shown = Table("what", "number", title="access", title_justify="left")
    for name, number in figures.items():
        shown.add_row(name.replace("_", " "), str(number))
    Console(stderr=True).print(shown)
    print(json.dumps(figures))
    return done.returncode


def figures_of(report: ET.Element) -> dict[str, int]:
    """Return what the matrix counted, and how many writes with undeclared fields were tried."""
    counted = {found.get("name", ""): int(found.get("value", "0")) for found in report.iter("property")}
    tried = [case for case in report.iter("testcase") if "not_declared" in case.get("name", "")]
    failed = [case for case in tried if case.find("failure") is not None or case.find("error") is not None]
    return counted | {"writes_with_more_fields": len(tried), "writes_that_took_them": len(failed)}


if __name__ == "__main__":
    sys.exit(main())
