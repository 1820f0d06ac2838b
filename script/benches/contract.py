"""Does the API do what its document says? Sends thousands of generated requests as two users, with all checks.

Runs backend/tests/test_generated_requests.py in full.
"""

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
TEST = "tests/test_generated_requests.py"


def main() -> int:
    """Run the tests and show their figures; return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench contract", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="other requests with another one (default %(default)s)")
    parser.add_argument("--each", type=int, default=30, help="requests made up for an operation (default %(default)s)")
    arguments = parser.parse_args()
    began = time.monotonic()
    wanted = {"COMPAS_FULL": "1", "REQUESTS_SEED": str(arguments.seed), "REQUESTS_EACH": str(arguments.each)}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", f"--junitxml={report}", TEST]
        done = subprocess.run(command, cwd=BACKEND, env=os.environ | wanted, stdout=sys.stderr, check=False)
        if not report.exists():
            parser.error("the tests did not run; pytest says why, above")
        told = ET.parse(report).getroot().iter("property")  # noqa: S314
        figures = {found.get("name", ""): int(found.get("value", "0")) for found in told}
    figures |= {"seed": arguments.seed, "seconds": round(time.monotonic() - began)}
    shown = Table("what", "number", title="the API against its document", title_justify="left")
    for name, number in figures.items():
        shown.add_row(name, str(number))
    Console(stderr=True).print(shown)
    print(json.dumps(figures))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
