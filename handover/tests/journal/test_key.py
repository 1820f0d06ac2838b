"""The key of the folder: cut off, replaced or missing is told; none is made beside what the missing one signed."""

from pathlib import Path

import pytest

from handover.journal.copy import JournalCopy, JournalCopyError
from handover.journal.entry import new_entry
from handover.journal.evidence import latest, recording
from handover.journal.key import FolderKeyError, folder_key, signing_key

NUMBERS = [1, 2, 3]


@pytest.fixture
def copy(tmp_path) -> JournalCopy:
    made = JournalCopy(tmp_path)
    made.add(*(new_entry("note", {"number": number}) for number in NUMBERS))
    return made


def numbers(root: Path) -> list[int]:
    return [entry.body["number"] for entry in JournalCopy(root).entries()]


def test_key__cut_off__is_told(copy):
    (copy.path.parent / "key").write_text("short")
    with pytest.raises(FolderKeyError, match="is no key: it holds 5 bytes"):
        folder_key(copy.root)


def test_key__replaced__is_told_by_the_journal(copy):
    (copy.path.parent / "key").write_text("0" * 64)
    with pytest.raises(JournalCopyError, match=r"its key was replaced|with another key"):
        numbers(copy.root)


def test_key__missing_beside_what_it_signed__is_told_and_none_is_made(copy):
    key = copy.path.with_name("key")
    was = key.read_bytes()
    key.unlink()
    with pytest.raises(FolderKeyError, match=r"HO007  .*key is missing, and this command compares what it signed"):
        numbers(copy.root)
    with pytest.raises(FolderKeyError, match=r"No new key was made\. Bring it back"):
        JournalCopy(copy.root).add(new_entry("note", {"number": 4}))
    copy.head.rename(aside := copy.head.with_name("head.aside"))
    with pytest.raises(FolderKeyError, match=r"holds what it signed: journal\.jsonl"):
        signing_key(copy.root)
    assert not key.exists()
    aside.rename(copy.head)
    key.write_bytes(was)
    assert numbers(copy.root) == NUMBERS


def test_key__lost_for_good__is_made_anew_when_what_it_signed_is_moved_away(copy):
    key = copy.path.with_name("key")
    was = key.read_bytes()
    for path in (key, copy.path, copy.head):
        path.unlink()
    assert numbers(copy.root) == []
    assert not key.exists()  # a command that only looks makes none
    JournalCopy(copy.root).add(new_entry("note", {"number": 4}))
    assert numbers(copy.root) == [4]
    assert key.read_bytes() != was


def test_key__missing_beside_plans_or_evidence__none_is_made(story, monkeypatch):
    folder = story.pair.folder / ".handover"
    with recording(story.config, "check"):
        pass
    (folder / "key").unlink()
    with pytest.raises(FolderKeyError, match="compares what it signed"):
        latest(story.config, "check")
    with pytest.raises(FolderKeyError, match="holds what it signed: evidence"), recording(story.config, "check"):
        raise AssertionError
    monkeypatch.setenv("HANDOVER_EVIDENCE_KEY", "another")  # then evidence is not the folder's to sign
    (folder / "plans").mkdir()
    (folder / "plans/0.json").write_text('{"signature": ""}')
    with pytest.raises(FolderKeyError, match="holds what it signed: plans"):
        signing_key(story.config.root)
    assert not (folder / "key").exists()


def test_commands__key_is_missing__tell_it_and_make_none(story):
    story.with_journal()
    key = story.pair.folder / ".handover/key"
    key.unlink()
    for words in (("status",), ("init-journal", "--apply"), ("resume",)):
        done = story.handover(*words)
        assert (done.returncode, "key is missing" in done.stderr) == (1, True), words
    assert not key.exists()
