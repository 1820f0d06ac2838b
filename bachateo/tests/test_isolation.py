"""Children that crash, hang or take too much are ended and told apart."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bachateo.errors import LibraryError, SongError
from bachateo.isolation import LARGEST_ANSWER, LimitedChild, Limits, UnexpectedError, run_limited


def _gone(pid: int, within_s: float = 10) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(process):
        return bool(select.select([process], [], [], within_s)[0])


def test_run_limited__plain_function__returns_its_result() -> None:
    assert run_limited("os.path.join", "a", "b", about="x") == "a/b"


def test_run_limited__open_file_passed__is_written_by_the_child(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        run_limited("os.truncate", file.fileno(), 5, about="x", pass_fds=[file.fileno()])

    assert (tmp_path / "out").stat().st_size == 5


def test_run_limited__passwords_of_the_environment__are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush")

    assert run_limited("os.getenv", "SECRET_KEY", about="x") is None
    assert run_limited("os.getenv", "PATH", about="x") == os.environ["PATH"]


def test_run_limited__error_of_the_family__travels_back_as_itself() -> None:
    refusing = "from bachateo.errors import LibraryError; raise LibraryError('CH036', 'it is no clip.')"

    with pytest.raises(LibraryError, match=r"^CH036  it is no clip\.$"):
        run_limited("builtins.exec", refusing, about="x")


def test_run_limited__file_missing__is_the_error_of_the_system() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run_limited("os.stat", "/nowhere", about="x")


def test_run_limited__error_of_no_family__shows_the_traceback_of_the_child() -> None:
    with pytest.raises(UnexpectedError, match=r"(?s)^working on x\.mp3:\nTraceback .*invalid literal for int"):
        run_limited("builtins.int", "five", about="x.mp3")


@pytest.mark.parametrize(
    ("function", "arguments", "how"),
    [("os.abort", [], "SIGABRT"), ("signal.raise_signal", [signal.SIGSEGV], "SIGSEGV"), ("os._exit", [3], "status 3")],
)
def test_run_limited__decoder_that_crashes__is_a_song_error(function: str, arguments: list[int], how: str) -> None:
    with pytest.raises(SongError, match=rf"^CH018  x\.mp3 crashed the decoder \({how}\)\. It is damaged"):
        run_limited(function, *arguments, about="x.mp3")


@pytest.mark.parametrize("name", ["InvalidDataError", "FileNotFoundError", "UndefinedError"])
def test_run_limited__ffmpeg_that_fails__blames_the_file(name: str) -> None:
    failing = f"import av.error as e; raise e.{name}(2, 'no such filter')"

    with pytest.raises(SongError, match=r"^CH018  x\.mp3 cannot be decoded \(no such filter\)\. It is damaged"):
        run_limited("builtins.exec", failing, about="x.mp3")


def test_run_limited__ffmpeg_on_a_full_disk__does_not_blame_the_file() -> None:
    failing = "import av.error as e, errno; raise e.OSError(errno.ENOSPC, 'No space left on device', 'out.mp4')"

    with pytest.raises(OSError, match="No space left"):
        run_limited("builtins.exec", failing, about="x.mp3")


def test_run_limited__decoder_that_hangs__is_ended() -> None:
    with pytest.raises(SongError, match=r"^CH019  reading x\.mp3 took more time than it may \(1 s\)"):
        run_limited("time.sleep", 600, about="x.mp3", limits=Limits(seconds=1))


DEAF = "import signal, time; signal.signal(signal.SIGALRM, signal.SIG_IGN); time.sleep(600)"


def test_run_limited__decoder_that_hangs_and_hears_no_alarm__is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bachateo.isolation.GRACE_S", 0)

    with pytest.raises(SongError, match=r"^CH019  reading x\.mp3 took more time than it may \(1 s\)"):
        run_limited("builtins.exec", DEAF, about="x.mp3", limits=Limits(seconds=1))


BUSY = "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"


def test_run_limited__decoder_that_takes_too_much_computing_time__is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bachateo.isolation.GRACE_S", 600)

    with pytest.raises(SongError, match=r"^CH019  reading x\.mp3 took more computing time than it may \(1 s for"):
        run_limited("builtins.exec", BUSY, about="x.mp3", limits=Limits(cpu_seconds=1))


def test_run_limited__decoder_that_eats_memory__is_stopped() -> None:
    with pytest.raises(SongError, match=r"^CH019  reading x\.mp3 took more memory than it may \(500 MB\)"):
        run_limited("builtins.bytearray", 600_000_000, about="x.mp3", limits=Limits(memory_mb=500))


def test_run_limited__decoder_that_writes_too_much__is_stopped(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.touch()
    with pytest.raises(SongError, match=r"^CH019  reading x\.mp3 took more room on the disk than it may \(3 MB\)"):
        run_limited("shutil.copyfile", "/dev/zero", str(out), about="x.mp3", limits=Limits(file_mb=3), writes=[out])
    assert out.stat().st_size == 3 * 1024 * 1024


def test_run_limited__answer_without_end__is_not_read_to_its_end() -> None:
    with pytest.raises(SongError, match=r"^CH018  x crashed"):
        run_limited("operator.mul", "a", 2 * LARGEST_ANSWER, about="x")


@pytest.mark.parametrize("answer", ["[1]", "7", "{}", '{"refused": 3}', '{"system": ["x"]}', "[" * 100_000])
def test_limited_child__answer_of_a_child_that_was_taken_over__is_a_crash(answer: str) -> None:
    # Descriptor of the answer: the first free one after input, output, errors.
    speaking = f"import os; os.write(3, {answer.encode()!r}); os._exit(0)"

    with pytest.raises(SongError, match=r"^CH018  x crashed"):
        run_limited("builtins.exec", speaking, about="x")


def test_limits__in_proportion__small_files_get_little_computing_time(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x")
    with large.open("wb") as file:
        file.truncate(8 * 1024 * 1024)

    found = [Limits(cpu_seconds=9).in_proportion(path, least_s=2, s_per_mb=0.5).cpu_seconds for path in (small, large)]

    assert found == [3, 6]
    assert Limits(cpu_seconds=4).in_proportion(large, least_s=2, s_per_mb=0.5).cpu_seconds == 4


def test_limited_child__core_files__are_not_written() -> None:
    assert run_limited("resource.getrlimit", resource.RLIMIT_CORE, about="x") == [0, 0]


def test_limited_child__block_is_left__ends_it() -> None:
    with LimitedChild("time.sleep", 600, about="x") as child:
        pid = child.pid

    assert _gone(pid, within_s=0)


PARENT = """
import os
from bachateo.isolation import LimitedChild
reader, writer = os.pipe()
work = f"import os, time; os.write({writer}, b'.'); time.sleep(600)"
with LimitedChild("builtins.exec", work, about="x", pass_fds=[writer]) as child:
    os.read(reader, 1)  # before it is at work, it looks by itself whether its parent is there
    print(child.pid, flush=True)
    child.result()
"""


def test_limited_child__parent_is_killed__dies_with_it() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.kill()

    assert _gone(pid)
