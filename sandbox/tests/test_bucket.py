"""Google's object storage on this machine: its lifecycle, and what the tests of the systems rely on."""

import os
import subprocess
import sys
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.api_core.exceptions import PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from sandbox.bucket import Bucket, BucketServer, BucketServerFailedError, NoBucketServerError
from sandbox.fixtures import NO_BUCKET
from sandbox.process import wait_for_exit

GONE_WITHIN_S = 20
NAMES = ["media/output/user_1/luna.mp4", "songs/100% bachata #2.mp3", "songs/Dime & quédate (en vivo)?.mp3", "songs/💃"]
USE_BUCKET = """
def test_bucket(bucket_server, bucket):
    bucket.put("x", b"1")
    assert bucket.names() == ["x"]
    print("SEEN", bucket_server.pid)
"""


def upload_new(bucket: Bucket, name: str, content: bytes) -> bool:
    """Upload with Google's own client, unless there is an object of that name."""
    client = Client(None, AnonymousCredentials(), client_options={"api_endpoint": bucket.endpoint})
    try:
        client.bucket(bucket.name).blob(name).upload_from_string(content, if_generation_match=0)
    except PreconditionFailed:
        return False
    return True


def test_objects__whatever_their_names__are_listed_read_and_deleted(bucket: Bucket) -> None:
    for name in NAMES:
        bucket.put(name, name.encode())
    assert bucket.names() == sorted(NAMES)
    assert bucket.names("songs/") == sorted(NAMES[1:])
    assert [bucket.read(name) for name in NAMES] == [name.encode() for name in NAMES]
    bucket.delete(NAMES[0])
    assert bucket.names() == sorted(NAMES[1:])
    with pytest.raises(urllib.error.HTTPError, match="404") as raised:
        bucket.read(NAMES[0])
    raised.value.close()


def test_buckets__are_apart(bucket: Bucket, bucket_server: BucketServer) -> None:
    bucket.put("x", b"1")
    assert bucket_server.create_bucket().names() == []


def test_upload_of_a_new_name__of_many_at_once__one_wins(bucket: Bucket) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: upload_new(bucket, "x", b"%d" % n), range(20)))
    assert won.count(True) == 1
    assert bucket.read("x") == b"%d" % won.index(True)


def test_server__stopped__is_gone_with_its_objects() -> None:
    with BucketServer() as server:
        pid, bucket = server.pid, server.create_bucket()
        bucket.put("x", b"1")
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(urllib.error.URLError):
        bucket.names()


def test_server__its_process_is_killed__dies_with_it(python: Callable[..., "subprocess.Popen[bytes]"]) -> None:
    parent = python(
        "import sys\nfrom sandbox.bucket import BucketServer\n"
        "with BucketServer() as server:\n    print(server.pid, flush=True)\n    sys.stdin.read()"
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    assert wait_for_exit(pid, GONE_WITHIN_S)


def test_server__program_that_ends_at_once__says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = executable(tmp_path / "broken", "#!/bin/sh\nexit 3\n")
    monkeypatch.setattr("sandbox.bucket.program", lambda: broken)
    with pytest.raises(BucketServerFailedError, match="SB007  fake-gcs-server ended 3 times as soon as"):
        BucketServer().start()


def test_server__program_that_never_answers__is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = executable(tmp_path / "deaf", f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    monkeypatch.setattr("sandbox.bucket.program", lambda: deaf)
    monkeypatch.setattr("sandbox.bucket.READY_WITHIN_S", 0.1)
    server = BucketServer()
    with pytest.raises(BucketServerFailedError, match="did not answer; it must answer within"):
        server.start()
    assert server.pid is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("PACKAGE", "no_such_package"), "the package no_such_package is not installed"),
        (("ARCHITECTURES", {}), "the package holds no fake-gcs-server-linux-"),
    ],
)
def test_program__not_for_this_machine__says_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, change: tuple[str, object], reason: str
) -> None:
    monkeypatch.setattr(f"sandbox.bucket.{change[0]}", change[1])
    with pytest.raises(NoBucketServerError, match=f"SB006  fake-gcs-server cannot run here: {reason}"):
        BucketServer().start()


def test_program__of_another_architecture__says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = executable(tmp_path / "foreign", "\x7fELF of another machine")
    monkeypatch.setattr("sandbox.bucket.program", lambda: foreign)
    with pytest.raises(NoBucketServerError, match="Exec format error"):
        BucketServer().start()


def executable(path: Path, content: str) -> Path:
    path.write_text(content)
    path.chmod(0o755)
    return path


def run_pytest(tmp_path: Path, *, before: str = "") -> str:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:django\n")
    (tmp_path / "test_it.py").write_text(before + USE_BUCKET)
    argv = [sys.executable, "-m", "pytest", "-rs", "-s", "-p", "no:hypothesispytest", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False).stdout


def test_fixture__starts_one_for_the_run_and_leaves_nothing(tmp_path: Path) -> None:
    said = run_pytest(tmp_path)
    assert "1 passed" in said, said
    pid = said.partition("SEEN ")[2].split()[0].rstrip(".")
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.full
def test_fixture__machine_that_cannot_run_it__skips_with_a_listed_reason(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, before="from sandbox import bucket\nbucket.PACKAGE = 'no_such_package'\n")
    assert "1 skipped" in said, said
    assert said.count(NO_BUCKET) == 1
    allowed = Path(__file__).parents[2] / "tests" / "allowed-skips.txt"
    assert NO_BUCKET in allowed.read_text().splitlines()
