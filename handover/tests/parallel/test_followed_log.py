"""A log over its rotation: no line is left out, and none is read twice."""

import os
import shutil

import pytest

from handover.parallel import followed_log
from handover.parallel.followed_log import FollowedLog


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "access.log"
    found.write_text("before\n")
    return found


def add(path, text):
    with path.open("a") as file:
        file.write(text)


def test_new_lines__renamed_while_the_server_still_writes_there__misses_none(path, tmp_path):
    followed = FollowedLog(path)
    with path.open("a") as server:
        server.write("1\n")
        server.flush()
        path.rename(tmp_path / "access.log.1")
        server.write("2\nha")
        server.flush()
        assert followed.new_lines() == [b"1", b"2"]  # between the rename and the new file
        path.write_text("3\n")
        server.write("lf\n")
        server.flush()
        assert followed.new_lines() == [b"half", b"3"]
        server.write("5\n")  # the server was not told yet
        server.flush()
        add(path, "4\n")
        assert sorted(followed.new_lines()) == [b"4", b"5"]
    followed.close()


def test_new_lines__copied_and_emptied__reads_the_rest_from_the_copy(path, tmp_path):
    followed = FollowedLog(path)
    add(path, "1\n")
    assert followed.new_lines() == [b"1"]
    add(path, "2\n")
    shutil.copy(path, tmp_path / "access.log-20261130")
    os.truncate(path, 0)
    add(path, "3\n")
    assert followed.new_lines() == [b"2", b"3"]
    assert followed.lost == ""
    followed.close()


def test_new_lines__emptied_and_longer_than_before__is_read_from_its_start(path, tmp_path):
    followed = FollowedLog(path)
    shutil.copy(path, tmp_path / "access.log.1")
    os.truncate(path, 0)
    add(path, "a line that is longer than all there was\n")
    assert followed.new_lines() == [b"a line that is longer than all there was"]
    followed.close()


def test_new_lines__emptied_without_a_copy__says_that_lines_may_be_missing(path):
    followed = FollowedLog(path)
    os.truncate(path, 0)
    assert followed.new_lines() == []
    assert followed.lost == "access.log was emptied, and no copy of it lies beside it: lines may be missing"
    assert (followed.new_lines(), followed.lost) == ([], "")
    followed.close()


def test_new_lines__line_is_half_written_at_the_beginning__is_read_whole(path):
    add(path, "ha")
    followed = FollowedLog(path)
    add(path, "lf\n")
    assert followed.new_lines() == [b"half"]
    followed.close()


def test_new_lines__gone_for_too_long__cannot_be_read(path, monkeypatch):
    followed = FollowedLog(path)
    path.unlink()
    assert followed.new_lines() == []
    monkeypatch.setattr(followed_log, "MISSING_AT_MOST_S", -1.0)
    with pytest.raises(FileNotFoundError):
        followed.new_lines()
    followed.close()


def test_new_lines__old_file_is_quiet__is_closed(path, tmp_path, monkeypatch):
    followed = FollowedLog(path)
    path.rename(tmp_path / "access.log.1")
    path.write_text("1\n")
    assert followed.new_lines() == [b"1"]
    monkeypatch.setattr(followed_log, "OLD_FILE_QUIET_S", -1.0)
    followed.new_lines()
    assert followed._old == []
    followed.close()
