from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from multiprocessing import connection
from pathlib import Path

import pytest

from choreographer.errors import ChoreographerError
from choreographer.moves.ingest.clip import examine
from choreographer.moves.ingest.limits import LimitError, Limits, run_limited

SMALL = Limits(wall_s=60, cpu_s=1, memory_bytes=64 << 20, file_bytes=1000)


def test_run_limited__work_that_succeeds__returns_its_result() -> None:
    assert run_limited(json.dumps, Limits(), obj={"beats": [1.5]}) == '{"beats": [1.5]}'


def test_run_limited__work_that_refuses__raises_the_same(tmp_path: Path) -> None:
    with pytest.raises(ChoreographerError, match=r"^CH090  gone\.mp4 has sound that cannot be decoded"):
        run_limited(examine, Limits(), path=str(tmp_path / "gone.mp4"), listen=True)


def test_run_limited__too_long_on_the_clock__is_stopped() -> None:
    with pytest.raises(LimitError, match=r"^was stopped after 0\.5 s$"):
        run_limited(connection.wait, Limits(wall_s=0.5), object_list=[], timeout=60)


@pytest.mark.parametrize(
    ("work", "arguments", "message"),
    [
        (subprocess.list2cmdline, {"seq": 7}, r"^failed \(TypeError: "),
        (re.fullmatch, {"pattern": "(a+)+b", "string": "a" * 40}, r"^was stopped after 1 s of processor time$"),
        (bytearray, {"source": 1 << 30}, r"^needs more than 64 MB of memory$"),
        (os.abort, {}, r"^crashed the decoder \(SIGABRT\)$"),
        (os._exit, {"status": 3}, r"^crashed the decoder \(status 3\)$"),
        (shutil.copyfile, {"src": sys.executable, "dst": "OUT"}, r"^failed \(OSError: .*too large"),
    ],
)
def test_run_limited__work_that_fails__says_how(tmp_path: Path, work, arguments, message: str) -> None:
    given = {name: str(tmp_path / "out") if value == "OUT" else value for name, value in arguments.items()}

    with pytest.raises(LimitError, match=message):
        run_limited(work, SMALL, **given)
