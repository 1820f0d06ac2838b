"""``handover watch`` as a service: restarts of the database and of itself, and logs that are rotated."""

import json
import os
import shutil
import subprocess
from itertools import count
from urllib.parse import urlsplit

import psycopg
import pytest

from handover.parallel.history import LINES
from handover.proof.proxy import proxy
from handover_testing.night import until
from handover_testing.sections import section

LINE = '::1 - - [24/Nov/2026:13:00:00 +0000] "GET /{} HTTP/1.1" 200 0 "-" "Fox"\n'
NUMBERS = count()
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def lines(watched) -> list[dict]:
    path = watched.pair.folder / LINES
    text = path.read_text() if path.exists() else ""
    return [
        json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")
    ]  # the last is on its way


def databases(watched) -> list[str]:
    """Return what each window says of the database, by the lines."""
    return [line["verdict"] for line in lines(watched) if line["metric"] == "database"]


def stored(watched) -> list[tuple[str, str, str]]:
    """Return what each window says of the database, by the database."""
    query = "SELECT run, metric, verdict FROM handover.watch_windows WHERE metric = 'database' ORDER BY id"
    with psycopg.connect(watched.url) as connection:
        return connection.execute(query).fetchall()


def test_watch__database_and_the_watch_itself_are_restarted__every_window_is_kept(watched):
    watched.declare(section(interval_s=0.1, window_s=0.4, timeout_s=10))
    port = urlsplit(watched.url).port
    with proxy("127.0.0.1", port) as way:
        url = watched.url.replace(f":{port}/", f":{way.port}/")
        with watched.pair.process("watch", url=url, **QUIET) as process:
            until(lambda: "green" in databases(watched), "nothing was watched")
            way.point_at("127.0.0.1", 1)  # every session ends, and no server listens
            until(lambda: "red" in databases(watched), "the outage was not seen")
            way.point_at("127.0.0.1", port)
            until(lambda: databases(watched)[-1] == "green", "the watch did not go on")
            # A window is a line first; the database gets it after that, with all that waited.
            until(lambda: "red" in {verdict for *_, verdict in stored(watched)}, "the outage was not kept")
            assert process.poll() is None
            process.kill()
    first = {line["run"] for line in lines(watched)}
    with watched.pair.process("watch", **QUIET) as process:
        until(lambda: {line["run"] for line in lines(watched)} > first, "the watch did not start again")
        process.terminate()
        assert process.wait(timeout=60) in (0, 1, 4)
    kept = stored(watched)
    # What it was killed with may not have reached the database; the lines have it.
    written = [
        (line["run"], line["metric"], line["verdict"]) for line in lines(watched) if line["metric"] == "database"
    ]
    assert set(kept) <= set(written)
    assert {verdict for _, _, verdict in kept} == {"green", "red"}
    assert len({run for run, _, _ in kept}) == 2


def test_watch__lines_cannot_be_written__goes_on_and_the_database_has_the_windows(watched):
    (watched.pair.folder / LINES).parent.mkdir(exist_ok=True)
    (watched.pair.folder / LINES).mkdir()
    watched.declare(section(probes=[]))
    done = watched.pair.handover("watch", "--once")
    assert f"{LINES} could not be written: " in done.stderr
    assert "measures are green" in done.stdout
    assert watched.windows()


@pytest.mark.full
def test_watch__log_is_rotated_by_renaming_and_by_copying__counts_every_request_once(watched):
    path = watched.pair.folder / "access.log"
    path.write_text(LINE.format("before"))
    watched.declare(section(interval_s=0.2, window_s=0.5, logs={"original": {"path": "access.log"}}))

    def counted() -> float:
        query = "SELECT coalesce(sum(value), 0) FROM handover.watch_samples WHERE metric = 'access'"
        with psycopg.connect(watched.url) as connection:
            row = connection.execute(query).fetchone()
        return row[0]

    def write(file, number) -> None:
        file.write("".join(LINE.format(next(NUMBERS)) for _ in range(number)))

    with watched.pair.process("watch", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        process.stderr.readline()
        with path.open("a", buffering=1) as server:
            write(server, 5)
            until(lambda: counted() == 5, "the log is not followed")
            write(server, 7)
            path.rename(path.with_name("access.log.1"))
            path.touch()
            write(server, 11)  # the server was not told yet
        with path.open("a", buffering=1) as server:
            write(server, 13)
            until(lambda: counted() == 36, "requests are missing after the file was renamed")
            write(server, 17)
            shutil.copy(path, path.with_name("access.log.2"))
            os.truncate(path, 0)
            write(server, 19)
        until(lambda: counted() >= 72, "requests are missing after the file was emptied")
        process.terminate()
        process.wait(timeout=60)
    assert counted() == 72
    assert "no data" not in {line["verdict"] for line in lines(watched) if line["metric"].startswith("access")}
