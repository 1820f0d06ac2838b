"""Does each promise have a test that fails when the promise is broken? Plants every fault and runs the test.

The faults are planted in a clone of the last commit. A test must pass there as it is, and fail with the fault.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import house, template
from sandbox.fixtures import server_for_this_run
from sandbox.postgres import Server

sys.path.insert(0, str(house.ROOT))

from tests.promises import NoPromiseError, Promise, outcome, promises, with_words

ADOPTED = "adopted_template"
# Made on the first start, in a minute: moves and songs. The clone finds them.
MADE = ("demo", "media")


def main() -> int:
    """Prove what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench promises", description=__doc__)
    parser.add_argument("words", nargs="*", help="only promises whose sentence or test has one of these words")
    arguments = parser.parse_args()
    try:
        chosen = with_words(promises(), arguments.words)
    except NoPromiseError as error:
        parser.error(str(error))
    began = time.monotonic()
    shown = Table("promise", "as it is", "with the fault", "s", title="promises", title_justify="left")
    with clone() as root, server_for_this_run() as server:
        os.environ["SANDBOX_POSTGRES"] = str(server.folder)
        answers = [proved(promise, root, server, shown) for promise in chosen]
    Console(stderr=True).print(shown)
    figures = {"promises": len(chosen), "proved": sum(answers), "not_proved": len(chosen) - sum(answers)}
    print(json.dumps(figures | {"seconds": round(time.monotonic() - began)}))
    return 0 if all(answers) else 1


def proved(promise: Promise, root: Path, server: Server, shown: Table) -> bool:
    """Run the test of a promise without and with its fault."""
    began = time.monotonic()
    whole = outcome(promise.test, root)
    with planted(promise, root, server):
        broken = outcome(promise.test, root)
    answer = (whole, broken) == ("passed", "failed")
    line = f"{'proved' if answer else 'NOT PROVED'}: {promise.says} ({whole}, with the fault: {broken})"
    sys.stderr.write(f"{line}\n")
    shown.add_row(promise.says, whole, broken, f"{time.monotonic() - began:.0f}")
    return answer


@contextmanager
def planted(promise: Promise, root: Path, server: Server) -> Iterator[None]:
    """Plant a fault for a while. The database that tests clone is made anew with a fault of a migration."""
    path, is_in_the_database = root / promise.fault.file, "/migrations/" in promise.fault.file
    before = promise.fault.plant(root)
    try:
        if is_in_the_database:
            template.forget(server, ADOPTED)
        yield
    finally:
        path.write_text(before)
        if is_in_the_database:
            template.forget(server, ADOPTED)


@contextmanager
def clone() -> Iterator[Path]:
    """Clone the last commit into a folder with an environment of its own."""
    house.moves_library()
    house.demo_song()
    with tempfile.TemporaryDirectory(prefix="promises-") as folder:
        root = Path(folder) / "compas"
        Path(folder).chmod(0o755)
        subprocess.run(["git", "clone", "--quiet", str(house.ROOT), str(root)], check=True)
        (root / ".local").mkdir()
        for name in MADE:
            (root / ".local" / name).symlink_to(house.LOCAL / name)
        subprocess.run([root / "script" / "bootstrap"], check=True, stdout=sys.stderr)
        yield root


if __name__ == "__main__":
    sys.exit(main())
