"""``python -m sandbox.clients DIARY [LOG]``: a crowd, as the JSON on the first line of the input describes it.

Says ``ready`` when all people have arrived. Then a line ``make SONG…`` has choreographies made, ``stop`` or the end of
the input ends it all; each is answered by a line.
"""

import asyncio
import io
import json
import os
import sys
from pathlib import Path

from sandbox.clients.crowd import Crowd
from sandbox.clients.diary import Diary
from sandbox.clients.settings import CrowdSettings
from sandbox.logs import open_log


async def main(diary: Path) -> int:
    """Run until told to stop; return the exit status."""
    values = json.loads(sys.stdin.readline())
    tuples = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    with io.TextIOWrapper(open_log(diary)) as file:
        crowd = Crowd(CrowdSettings(**values | tuples), Diary(file))
        await crowd.arrive()
        say("ready")
        living = asyncio.ensure_future(crowd.live())
        asyncio.get_running_loop().add_reader(sys.stdin, obey, crowd)
        await living
    say("ended")
    return 0


def obey(crowd: Crowd) -> None:
    """Do what the next line of input says."""
    match sys.stdin.readline().split():
        case ["make", *songs]:
            say(f"begun {crowd.make(songs)}")
        case ["stop"] | []:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            crowd.stop.set()
        case words:
            say(f"unknown: {' '.join(words)}")


def say(line: str) -> None:
    """Write one line of output."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    if len(sys.argv) > 2:  # noqa: PLR2004
        with open_log(Path(sys.argv[2])) as log:
            os.dup2(log.fileno(), sys.stderr.fileno())
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
