"""The copy of the journal, evidence and their folder: what was changed there is noticed, told, and never followed."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from handover.config.config import Config
from handover.cutover.position import position_of
from handover.errors import HandoverError
from handover.journal.copy import JournalCopy, JournalCopyError
from handover.journal.differing import differing
from handover.journal.entry import new_entry, operator
from handover.journal.evidence import EvidenceError, latest, recording
from handover.journal.journal import JournalError, opened
from handover.journal.lease import FOLDER_LOCK
from handover.private_files import UntrustedFileError

WRITTEN_BY_0_1 = Path(__file__).parents[1] / "cutover/written_by_0_1.jsonl"
NUMBERS = [1, 2, 3]


@pytest.fixture
def copy(tmp_path) -> JournalCopy:
    made = JournalCopy(tmp_path)
    for number in NUMBERS:
        made.add(new_entry("note", {"number": number}))
    return made


def numbers(root: Path) -> list[int]:
    return [entry.body["number"] for entry in JournalCopy(root).entries()]


def of_another_folder(copy: JournalCopy) -> str:
    other = JournalCopy(copy.root / "other")
    other.add(*(new_entry("note", {"number": number}) for number in NUMBERS))
    return other.path.read_text()


LINES: dict[str, Callable[[list[str]], list[str]]] = {
    "edited": lambda lines: [lines[0], lines[1].replace('"number": 2', '"number": 7'), lines[2]],
    "edited, the first": lambda lines: [lines[0].replace('"number": 1', '"number": 7'), *lines[1:]],
    "removed": lambda lines: [lines[0], lines[2]],
    "removed, the first": lambda lines: lines[1:],
    "repeated": lambda lines: [lines[0], lines[1], lines[1], lines[2]],
    "repeated at the end": lambda lines: [*lines, lines[0]],
    "reordered": lambda lines: [lines[1], lines[0], lines[2]],
    "cut off": lambda lines: lines[:2],
    "all gone": lambda lines: lines[:0],
    "without a digest": lambda lines: [*lines[:2], lines[2].partition(', "mac"')[0] + "}\n"],
    "all without a digest": lambda lines: [line.partition(', "mac"')[0] + "}\n" for line in lines],
    "added without a digest": lambda lines: [*lines, lines[2].partition(', "mac"')[0] + "}\n"],
    "a digest that was made up": lambda lines: [*lines[:2], lines[2][:-67] + "0" * 64 + '"}\n'],
}


@pytest.mark.parametrize("how", LINES)
def test_copy__lines_were_changed__is_told_and_nothing_is_read_or_added(copy, how):
    assert numbers(copy.root) == NUMBERS
    copy.path.write_text("".join(LINES[how](copy.path.read_text().splitlines(keepends=True))))
    changed = copy.path.read_text()
    with pytest.raises(JournalCopyError, match=r"HO501  .*journal\.jsonl is not what was written here: "):
        numbers(copy.root)
    with pytest.raises(JournalCopyError, match="Nothing in it was followed"):
        JournalCopy(copy.root).add(new_entry("note", {"number": 4}))
    assert copy.path.read_text() == changed


def test_copy__of_another_folder__is_told(copy):
    copy.path.write_text(of_another_folder(copy))
    with pytest.raises(JournalCopyError, match=r"line 1 is not the line that was written there.* is of another folder"):
        numbers(copy.root)


def test_copy__head_of_another_folder_or_edited__is_told(copy):
    copy.head.write_text(json.dumps(json.loads(copy.head.read_text()) | {"lines": 1}))
    with pytest.raises(JournalCopyError, match=r"journal\.head is not what was written"):
        numbers(copy.root)


def test_copy__shortened_while_a_process_reads_it__is_told(copy):
    assert len(copy.entries()) == len(NUMBERS)
    copy.path.write_text("".join(copy.path.read_text().splitlines(keepends=True)[:1]))
    with pytest.raises(JournalCopyError, match="became shorter while this process ran"):
        copy.entries()


def test_copy__killed_between_the_line_and_the_head__goes_on(copy):
    head = copy.head.read_text()
    copy.add(new_entry("note", {"number": 4}))
    copy.head.write_text(head)
    assert numbers(copy.root) == [*NUMBERS, 4]
    JournalCopy(copy.root).add(new_entry("note", {"number": 5}))
    assert numbers(copy.root) == [*NUMBERS, 4, 5]


def test_copy__moved_to_another_machine_with_its_key__is_read(copy, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(copy.path.parent, elsewhere / ".handover")
    assert numbers(elsewhere) == NUMBERS


def test_copy__of_version_0_1__is_read_gone_on_with_and_guarded_from_then(tmp_path):
    path = tmp_path / ".handover/journal.jsonl"
    path.parent.mkdir()
    shutil.copy(WRITTEN_BY_0_1, path)
    was = position_of(JournalCopy(tmp_path).entries())
    JournalCopy(tmp_path).add(new_entry("note", {"number": 1}))
    assert position_of(JournalCopy(tmp_path).entries()).state == was.state
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(JournalCopyError, match="is not the line that was written there"):
        JournalCopy(tmp_path).entries()


def test_journal__the_database_holds_another_entry_than_the_copy__is_told_and_nothing_begins(story):
    story.with_journal()
    with opened(story.config) as journal:
        added = journal.add("note", {"said": "as it was"})
    story.pair.superuser("ALTER TABLE handover.journal DISABLE TRIGGER USER")
    story.pair.superuser("UPDATE handover.journal SET who = 'mallory' WHERE kind = 'note'")
    said = story.handover("cutover", "begin", "--apply")
    assert said.returncode == 1
    assert "HO511  the database and " in said.stderr
    assert f"entry {added.seq} (note): who is 'mallory' in the database and '{operator()}' in the copy" in said.stderr
    assert story.handover("status").returncode == 1
    assert "mallory" not in story.handover("report").stdout


def test_journal__one_field_of_a_long_entry_was_changed__is_named_and_the_rest_left_out(story):
    story.with_journal()
    facts = {"because": "x" * 400 + " as it was", "to": {"ttl_s": 30}, "others": list(range(200))}
    with opened(story.config) as journal:
        added = journal.add("note", {"facts": facts})
    story.pair.superuser("ALTER TABLE handover.journal DISABLE TRIGGER USER")
    change = """'{facts,to,ttl_s}', '60'"""
    story.pair.superuser(f"UPDATE handover.journal SET body = jsonb_set(body, {change}) WHERE kind = 'note'")  # noqa: S608
    said = story.handover("cutover", "begin", "--apply").stderr
    assert f"entry {added.seq} (note): body.facts.to.ttl_s is 60 in the database and 30 in the copy." in said
    assert "xxxx" not in said
    assert re.search(r"handover init-journal --accept [0-9a-f]{12} --because REASON", said)


def test_differing__long_texts__are_shown_where_they_differ():
    (said,) = differing("body", {"a": "x" * 400 + "as it was"}, {"a": "x" * 400 + "another"})
    assert said == f"body.a is …{'x' * 14}as it was' in the database and …{'x' * 14}another' in the copy"
    assert list(differing("body", {"a": [1, 2]}, {"a": [1, 3], "b": 0})) == [
        "body.a[1] is 2 in the database and 3 in the copy",
        "body.b is absent in the database and 0 in the copy",
    ]


def test_journal__the_database_lost_an_entry_in_the_middle__is_told(story):
    story.with_journal()
    with opened(story.config) as journal:
        for number in NUMBERS:
            journal.add("note", {"number": number})
        lost = next(entry.seq for entry in journal.entries() if entry.body.get("number") == NUMBERS[0])
    story.pair.superuser("ALTER TABLE handover.journal DISABLE TRIGGER USER")
    story.pair.superuser("""DELETE FROM handover.journal WHERE body ->> 'number' = '1'""")
    with (
        opened(story.config) as journal,
        pytest.raises(JournalError, match=f"HO511  .*entry {lost} is missing in the database"),
    ):
        journal.entries()


def test_journal__as_it_is__agrees_with_its_copy(story):
    story.with_journal()
    with opened(story.config) as journal:
        journal.copy.add(replace(new_entry("note", {"rate": 0.1, "none": None, "text": "é\u202e"})))
        journal.catch_up()
        assert [e.kind for e in journal.entries()] == ["init", "note"]


def stripped(story) -> None:
    """Make the copy look like one of version 0.1."""
    path = story.pair.folder / ".handover/journal.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("".join(line.partition(', "mac"')[0] + "}\n" for line in lines))
    path.with_name("journal.head").unlink()


@pytest.mark.parametrize("key", ["its key", "a new key"])
def test_journal__copy_without_digests_and_head__is_told_by_the_database(story, key):
    story.with_journal()
    with opened(story.config) as journal:
        journal.add("note", {"number": 1})
    stripped(story)
    if key == "a new key":
        (story.pair.folder / ".handover/key").unlink()
    assert numbers_of(story) == [None, 1]  # the copy alone cannot tell
    with (
        opened(story.config) as journal,
        pytest.raises(JournalCopyError, match=r"2 lines have no keyed digest"),
    ):
        journal.entries()
    assert "HO501" in story.handover("resume").stderr


def numbers_of(story) -> list[int | None]:
    return [entry.body.get("number") for entry in JournalCopy(story.config.root).entries()]


def kept_files(story) -> dict[Path, bytes]:
    """Return the copy and its head."""
    return {path: path.read_bytes() for path in (story.pair.folder / ".handover").glob("journal.*")}


def test_journal__older_copy_with_its_older_head__is_told_by_the_database(story):
    story.with_journal()
    with opened(story.config) as journal:
        journal.add("note", {"number": 1})
        before = kept_files(story)
        for number in (2, 3):
            journal.add("note", {"number": number})
    for path, content in before.items():
        path.write_bytes(content)
    assert numbers_of(story) == [None, 1]
    with (
        opened(story.config) as journal,
        pytest.raises(JournalCopyError, match="3 lines were written, and 2"),
    ):
        journal.entries()
    # As the message says: without the copy, the journal of the database is read and goes on.
    for path in before:
        path.unlink()
    with opened(story.config) as journal:
        journal.catch_up()
        journal.add("note", {"number": 4})
        assert [e.body.get("number") for e in journal.entries()] == [None, 1, 2, 3, 4]


def test_journal__killed_between_the_database_and_the_copy__goes_on(story, monkeypatch):
    story.with_journal()
    with opened(story.config) as journal:
        monkeypatch.setattr(JournalCopy, "add", lambda *_: None)  # the process ends here
        journal.add("note", {"number": 1})
    monkeypatch.undo()
    monkeypatch.setenv("HANDOVER_DATABASE_URL", story.pair.database.url("owner"))
    with opened(story.config) as journal:
        journal.add("note", {"number": 2})
        journal.catch_up()
        assert [e.body.get("number") for e in journal.entries()] == [None, 1, 2]


def test_journal__folder_taken_to_another_place__goes_on_there_and_here(story, tmp_path_factory):
    """Two folders with one key: what one adds is no missing line of the other."""
    story.with_journal()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(story.config.root, elsewhere, dirs_exist_ok=True)
    there = replace_root(story.config, elsewhere)
    for config in (there, there, story.config, there):
        with opened(config) as journal:
            journal.add("note", {})
            journal.catch_up()
            assert journal.entries()


def replace_root(config: Config, root: Path) -> Config:
    return config.model_copy(update={"root": root})


def test_copy__head_is_missing__is_told(copy):
    copy.path.write_text("".join(copy.path.read_text().splitlines(keepends=True)[:2]))
    copy.head.unlink()
    with pytest.raises(JournalCopyError, match=r"journal\.head is missing, which says how many lines"):
        numbers(copy.root)


FILES = ("journal.jsonl", "journal.head", "key", "lease")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_folder__a_link_in_place_of_a_file__is_not_followed(story, name, link):
    story.with_journal()
    with opened(story.config) as journal:
        journal.add("note", {})
    path = (story.pair.folder / ".handover" / name).resolve()
    path.touch()
    # Beside it, so that a hard link can be made.
    victim = path.with_name("victim")
    shutil.copy(path, victim)
    path.unlink()
    link(victim, path)
    before = victim.read_bytes()
    said = story.handover("resume")
    assert said.returncode != 0
    assert "HO253  " in said.stderr
    assert ("is a link to" if link is os.symlink else "has a second name") in said.stderr
    assert victim.read_bytes() == before


def test_folder__a_pipe_in_place_of_a_file__is_not_waited_for(copy):
    copy.path.unlink()
    os.mkfifo(copy.path)
    with pytest.raises(UntrustedFileError, match="is no regular file"):
        JournalCopy(copy.root).entries()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another account")
def test_folder__of_another_account__is_not_used(copy):
    os.chown(copy.path, 65534, 65534)
    with pytest.raises(UntrustedFileError, match=r"belongs to another account \(uid 65534\); it was not used"):
        JournalCopy(copy.root).entries()
    os.chown(copy.path, 0, 0)
    os.chown(copy.path.parent, 65534, 65534)
    with pytest.raises(UntrustedFileError, match=r"the folder .* belongs to another account"):
        JournalCopy(copy.root).add(new_entry("note", {}))


@pytest.mark.parametrize("part", ["", "evidence"])
def test_folder__that_every_account_may_write__is_not_used(story, part):
    story.with_journal()
    with recording(story.config, "check"):
        pass
    folder = story.pair.folder / ".handover" / part
    folder.chmod(0o777)
    with pytest.raises(UntrustedFileError, match=r"every account may write the folder .*chmod go-rwx"):
        latest(story.config, "check")
    folder.chmod(0o775)  # as a umask of 002 makes it
    assert latest(story.config, "check")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_init_journal__copy_was_changed__is_told_and_nothing_is_made(story):
    story.with_journal()
    path = story.pair.folder / ".handover/journal.jsonl"
    path.write_text(path.read_text().replace(f'"{operator()}"', '"eve"', 1))
    for words in ((), ("--apply",)):
        done = story.handover("init-journal", *words)
        assert done.returncode == 1
        assert "HO501" in done.stderr
        assert "line 1 is not the line that was written there" in done.stderr
        assert "The journal is there" not in done.stdout
    story.pair.superuser("DROP SCHEMA handover CASCADE")
    assert "HO501" in story.handover("init-journal", "--apply").stderr
    assert "State: none" in story.done("status").stdout


def test_evidence__renamed_to_look_newer_or_of_another_kind__is_none(story):
    with recording(story.config, "check"):
        pass
    folder = latest(story.config, "check").folder
    for name, kind in ((f"check-2099{folder.name[10:]}", "check"), (folder.name.replace("check", "prove"), "prove")):
        moved = folder.rename(folder.with_name(name))
        with pytest.raises(EvidenceError, match="it was renamed"):
            latest(story.config, kind)
        moved.rename(folder)
    assert latest(story.config, "check")


def test_evidence__a_link_among_its_files__is_not_followed(story, tmp_path):
    with recording(story.config, "check") as recorder:
        recorder.line("rows", {"seen": 1})
    path = latest(story.config, "check").folder / "rows.jsonl"
    shutil.copy(path, tmp_path / "rows.jsonl")
    path.unlink()
    path.symlink_to(tmp_path / "rows.jsonl")
    with pytest.raises(HandoverError, match=r"HO253  .* is a link to"):
        latest(story.config, "check")


def test_lease__other_folders_lock__still_excludes(story):
    story.with_journal()
    assert not (story.pair.folder / FOLDER_LOCK).is_symlink()
    story.done("resume")
