"""``script/rehearse``: the night on one machine, in five minutes."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sandbox import house, process
from sandbox.errors import SandboxError
from sandbox.fixtures import server_for_this_run
from sandbox.logs import log_folder, open_log
from sandbox.postgres import binaries
from sandbox.postgres.account import Account
from sandbox.postgres.cluster import SUPERUSER
from sandbox.rehearsal import story
from sandbox.rehearsal.narrator import Narrator
from sandbox.rehearsal.stage import RehearsalSettings, Stage, new_database, stage

FOLDER = house.LOCAL / "rehearsals"
DECOMMISSION = "stop-original"
STOP_HOOK = """\
#!{python}
import os, signal
os.kill({pid}, signal.SIGTERM)
print("the original was told to end")
"""


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    return told(rehearse, parser().parse_args())


def parser() -> argparse.ArgumentParser:
    """Return the command line of a rehearsal."""
    made = argparse.ArgumentParser(prog="script/rehearse", description="The whole story on this machine.")
    made.add_argument("--minutes", type=float, default=5.0, help="about how long (default %(default)s)")
    made.add_argument("--ttl", type=int, default=10, help="of the record, in seconds (default %(default)s)")
    made.add_argument("--people", type=int, default=12, help="(default %(default)s)")
    made.add_argument("--dns", choices=["auto", "bind9", "ours"], default="auto", help="(default %(default)s)")
    return made


def told(act: Callable[[Narrator, Path, argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Play a rehearsal in a folder of its own; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = FOLDER / time.strftime("%Y%m%dT%H%M%S")
    log_folder(folder)
    narrator = Narrator()
    try:
        return act(narrator, folder, arguments)
    except KeyboardInterrupt:
        return 130
    except SandboxError as error:
        narrator.console.print(str(error), style="red", markup=False)
        return 1
    finally:
        narrator.console.print(f"\nWhat stays lies in {folder}")


def rehearse(narrator: Narrator, folder: Path, arguments: argparse.Namespace) -> int:
    """Tell the story; return 0 when every promise was held."""
    with ExitStack() as stack:
        narrator.act("The stage", "Real parts on this machine: PostgreSQL, both systems, a worker, DNS, people.")
        server = stack.enter_context(server_for_this_run())
        narrator.say(
            "the database, as the original's own migrations make it; the backend is taken in by handover adopt"
        )
        database = stack.enter_context(new_database(server))
        settings = RehearsalSettings(
            ttl_s=arguments.ttl,
            former_ttl_s=2 * arguments.ttl,
            people=arguments.people,
            name_server=arguments.dns,
            # About one choreography a minute each: a person who always follows one never closes a connection.
            crowd={"make_every_s": 60 / arguments.people},
            sections=story.sections(programs=binaries.programs(Account.current()), decommission=DECOMMISSION),
            environment={"HANDOVER_RESTORE_URL": server.url(SUPERUSER, "postgres")},
        )
        on_it = stack.enter_context(stage(folder, database, settings, say=narrator.say))
        return tell(on_it, narrator, arguments)


def tell(on_it: Stage, narrator: Narrator, arguments: argparse.Namespace) -> int:
    """Tell every act; return 0 when every promise was held."""
    hook = on_it.folder / "hooks" / DECOMMISSION
    hook.write_text(STOP_HOOK.format(python=sys.executable, pid=on_it.system("original").process.pid))
    hook.chmod(0o755)
    rehearsal = story.Rehearsal(on_it, narrator, ttl_s=arguments.ttl, pace_s=arguments.minutes * 60 / 15)
    rehearsal.prepare()
    with watching(rehearsal.stage):
        rehearsal.parallel()
        plan = rehearsal.gates()
        rehearsal.cut_over(
            "The switch", "People reach the backend as soon as the old answer runs out in their cache.", plan
        )
        rehearsal.fault()
        rehearsal.roll_back()
        rehearsal.again()
        rehearsal.clean_up(DECOMMISSION)
        rehearsal.stage.people.stop()
    rehearsal.report()
    rows = story.promises(rehearsal)
    rehearsal.tell.figures("What the night has cost people", rows)
    (on_it.folder / "figures.json").write_text(json.dumps(story.summary(rehearsal), indent=1))
    return 0 if all(held for *_, held in rows) else 1


@contextmanager
def watching(on_it: Stage) -> Iterator[None]:
    """Run ``handover watch`` all the while; what it says goes into a file."""
    argv = [str(house.PROGRAMS / "handover"), "watch"]
    with open_log(on_it.folder / "watch.log", empty=True) as log:
        child = process.spawn(argv, cwd=on_it.folder, env=on_it.environment, stdout=log)
        try:
            yield
        finally:
            process.stop(child, 10.0)


if __name__ == "__main__":
    sys.exit(main())
