"""Entries of the database are sealed: what was changed there by hand is noticed, told, and never followed."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handover.config.config import Config
from handover.journal.entry import JournalEntry
from handover.journal.journal import JournalError, opened
from handover.journal.key import folder_key
from handover.journal.seal import ACCEPTED, SEAL, SealedChain, key_name, said_of
from handover_testing.night import FROM_OCTODNS, Story

pytestmark = pytest.mark.filterwarnings(FROM_OCTODNS)
NOTES = 4
FULL = "COMPAS_FULL" in os.environ
# What somebody with rights on the database may do to its rows; the last entries are notes 1 to 4.
CHANGES = {
    "who": "UPDATE handover.journal SET who = 'mallory' WHERE body->>'number' = '2'",
    "machine": "UPDATE handover.journal SET machine = 'elsewhere' WHERE body->>'number' = '2'",
    "kind": "UPDATE handover.journal SET kind = 'lift' WHERE body->>'number' = '2'",
    "time": "UPDATE handover.journal SET at = at - interval '1 h' WHERE body->>'number' = '2'",
    "body": "UPDATE handover.journal SET body = body || '{\"number\": 7}' WHERE body->>'number' = '2'",
    "body, the last": "UPDATE handover.journal SET body = body || '{\"more\": 7}' WHERE body->>'number' = '4'",
    "id": "UPDATE handover.journal SET id = gen_random_uuid() WHERE body->>'number' = '2'",
    "removed": """
        DELETE FROM handover.journal WHERE body->>'number' = '2';
        UPDATE handover.journal SET seq = seq - 1 WHERE body->>'number' IN ('3', '4')
    """,
    "removed, the first": """
        DELETE FROM handover.journal WHERE kind = 'init';
        UPDATE handover.journal SET seq = -seq; UPDATE handover.journal SET seq = -seq - 1
    """,
    "moved": """
        UPDATE handover.journal SET seq = -seq WHERE body->>'number' IN ('2', '3');
        UPDATE handover.journal SET seq = CASE body->>'number' WHEN '2' THEN 1 - seq ELSE -1 - seq END WHERE seq < 0
    """,
    "seal taken away": "UPDATE handover.journal SET body = body - 'seal' WHERE body->>'number' = '2'",
    "seal of another entry": """
        UPDATE handover.journal SET body = body || jsonb_build_object('seal', (
            SELECT body->'seal' FROM handover.journal WHERE body->>'number' = '3')) WHERE body->>'number' = '2'
    """,
    "seal that is none": "UPDATE handover.journal SET body = body || '{\"seal\": 7}' WHERE body->>'number' = '2'",
}
INSERTS = {
    "without a seal": "'{}'",
    "with a seal that was made up": '\'{"seal": {"key": "0123456789abcdef", "hmac": "00"}}\'',
    "with the seal of the last": "(SELECT jsonb_build_object('seal', body->'seal') FROM last)",
}
INSERT = """
    WITH last AS (SELECT * FROM handover.journal ORDER BY seq DESC LIMIT 1)
    INSERT INTO handover.journal (seq, id, at, who, machine, kind, body)
    SELECT seq + 1, gen_random_uuid(), now(), who, machine, '{kind}', {body} FROM last
"""


@pytest.fixture
def noted(story: Story) -> Story:
    story.with_journal()
    with opened(story.config) as journal:
        for number in range(1, NOTES + 1):
            journal.add("note", {"number": number, "rate": 0.1 * number, "text": "é", "none": None, "large": 1e22})
    return story


def by_hand(story: Story, sql: str) -> None:
    story.pair.superuser("ALTER TABLE handover.journal DISABLE TRIGGER USER")
    story.pair.superuser(sql)


def without_copy(story: Story) -> None:
    """Leave the key alone, as on a machine that has acted never before."""
    for name in ("journal.jsonl", "journal.head"):
        (story.pair.folder / ".handover" / name).unlink()


def numbers(config: Config) -> list[int | None]:
    with opened(config) as journal:
        journal.require()
        return [entry.body.get("number") for entry in journal.entries()]


def test_journal__as_it_was_written__every_seal_holds(noted):
    assert numbers(noted.config) == [None, 1, 2, 3, 4]
    without_copy(noted)
    assert numbers(noted.config) == [None, 1, 2, 3, 4]
    noted.done("resume")  # and the copy is made again
    assert numbers(noted.config)[:5] == [None, 1, 2, 3, 4]


@pytest.mark.parametrize("copy", ["with the copy", "without the copy"] if FULL else ["without the copy"])
@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.thinned(to_one_in=6)
def test_journal__changed_in_the_database__is_told_by_status_and_by_commands_that_act(noted, how, copy):
    if copy == "without the copy":
        without_copy(noted)
    by_hand(noted, CHANGES[how])
    status, acts = noted.handover("status"), noted.handover("cutover", "begin", "--apply")
    assert status.returncode in (1, 4)
    assert acts.returncode in (1, 3)
    for said in (status.stdout + status.stderr, acts.stderr):
        assert any(code in said for code in ("HO511", "HO512", "HO501")), said
        assert "handover init-journal --accept " in said or "HO501" in said
    people = noted.people_reach()
    assert people == ["127.0.0.2"]
    assert noted.handover("sign", "--as", "DevOps", "--because", "x").returncode == 1
    gates = noted.handover("gates")  # a signature that was forged must open none
    assert (gates.returncode, gates.stdout) == (1, "")


@pytest.mark.parametrize("kind", ["lift", "note"])
@pytest.mark.parametrize("how", INSERTS)
def test_journal__entry_inserted_by_hand__is_told_and_nothing_follows(noted, how, kind):
    noted.done("pause")
    by_hand(noted, INSERT.format(kind=kind, body=INSERTS[how]))
    assert noted.handover("status").returncode in (1, 4)
    said = noted.handover("cutover", "begin", "--apply")
    assert said.returncode in (1, 3)
    assert "HO51" in said.stderr
    gates = noted.handover("gates")  # a signature that was inserted must open none
    assert (gates.returncode, gates.stdout) == (1, "")


def test_journal__pause_inserted_by_hand__stops_all_the_same(noted):
    """It can do no harm but stop, and whoever may write rows may stop the database anyway."""
    by_hand(noted, INSERT.format(kind="pause", body="'{}'"))
    assert "HO507" in noted.refused("resume")
    noted.done("pause", "--lift")
    noted.done("resume")


def test_journal__last_entries_removed__is_told_and_the_copy_brings_them_back(noted):
    by_hand(noted, "DELETE FROM handover.journal WHERE body->>'number' IN ('3', '4')")
    said = noted.handover("status").stdout
    assert "2 entries that the database had are gone there: it was restored, or they were removed by hand." in said
    assert "the database lacked the entry note" in noted.done("resume").stderr
    assert numbers(noted.config) == [None, 1, 2, 3, 4]
    assert "gone there" not in noted.done("status").stdout


# --- several machines


def another_machine(story: Story, folder: Path) -> Story:
    (folder / ".handover").mkdir(parents=True)
    for name in ("handover.toml", "octodns.yaml"):
        shutil.copy(story.pair.folder / name, folder)
    return replace(story, pair=replace(story.pair, folder=folder))


def key_of(story: Story, folder: Path) -> str:
    """Return a copy of a machine's key, as an operator carries it."""
    copy = folder / "carried"
    shutil.copy(story.pair.folder / ".handover/key", copy)
    copy.chmod(0o644)
    return str(copy)


def test_machine__without_the_key__says_so_acts_not_and_can_get_it(noted, tmp_path):
    other = another_machine(noted, tmp_path / "other")
    status = other.handover("status")
    assert status.returncode == 4
    assert "HO512  5 entries of the journal in the database, from 1 (init of " in status.stdout
    assert "Next: first copy the key of the journal from " in status.stdout
    assert "; then handover init-journal --journal-key FILE" in status.stdout
    acts = other.handover("cutover", "begin", "--apply")
    assert acts.returncode == 1
    assert "this folder does not have the key that sealed them. Nothing was done." in acts.stderr
    assert not (other.pair.folder / ".handover/key").exists()
    assert "cannot be compared here" in other.done("init-journal", "--apply").stdout
    assert other.handover("gates").returncode == 1
    undo = other.handover("init-journal", "--undo")
    assert "HO512" in undo.stderr
    said = other.done("init-journal", "--journal-key", key_of(noted, tmp_path)).stdout
    assert "The key is kept in .handover/journal.key; remove " in said
    assert "5 entries of the journal are as they were written." in said
    other.done("cutover", "begin", "--apply")
    assert other.state() == noted.state() == "parallel"


def test_team__of_four_on_four_machines__each_acts_and_reads_the_others(noted, tmp_path):
    team = [noted, *(another_machine(noted, tmp_path / str(number)) for number in range(3))]
    for one in team[1:]:
        one.done("init-journal", "--journal-key", key_of(noted, tmp_path))
    for number, one in enumerate([*team, *reversed(team)]):
        with opened(one.config) as journal:
            journal.require()
            journal.add("note", {"number": 10 + number})
            journal.catch_up()
    for one in team:
        assert numbers(one.config)[5:] == list(range(10, 18))
        assert one.handover("status").returncode == 0
    team[1].done("cutover", "begin", "--apply")
    plan = team[2].plan()
    # A plan that was made on one machine is applied on another when its file is there.
    (team[3].pair.folder / ".handover/plans").mkdir(mode=0o700)
    for path in (team[2].pair.folder / ".handover/plans").glob("*.json"):
        shutil.copy(path, team[3].pair.folder / ".handover/plans")
    team[3].done("cutover", "--apply", plan)
    assert {one.state() for one in team} == {"switched"}
    team[0].done("rollback", "--apply", "--because", "a trial")


def test_key__of_another_journal__is_refused(noted, tmp_path):
    other = another_machine(noted, tmp_path / "other")
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    assert "sealed no entry of this journal" in other.refused("init-journal", "--journal-key", str(wrong))
    assert "was not read" in other.refused("init-journal", "--journal-key", str(tmp_path / "absent"))
    assert not (other.pair.folder / ".handover/journal.key").exists()


def test_pause__from_a_machine_without_the_key__holds_and_is_lifted_elsewhere(noted, tmp_path):
    other = another_machine(noted, tmp_path / "other")
    said = other.handover("pause")
    assert "the journal: paused by " in said.stdout
    assert "HO507" in noted.refused("resume")
    noted.done("pause", "--lift")
    noted.done("resume")
    other.done("init-journal", "--journal-key", key_of(noted, tmp_path))
    other.done("resume")  # the pause that was lifted does not come back with this machine's copy


def test_entries_of_the_other__changed_after_this_folder_has_added_one__are_told(noted, tmp_path):
    """Also without their key: the own seal binds all entries before it."""
    other = another_machine(noted, tmp_path / "other")
    other.done("init-journal", "--journal-key", key_of(noted, tmp_path))
    with opened(other.config) as journal:
        journal.add("note", {"number": 5})
    by_hand(noted, CHANGES["body"])
    with opened(other.config) as journal, pytest.raises(JournalError, match=r"HO511  .*up to entry \d"):
        journal.entries()


# --- accepting


def digest(said: str) -> str:
    return said.partition("--accept ")[2].split()[0]


def test_accept__changed_by_hand_and_read_by_a_person__goes_on_and_stands_in_the_journal(noted):
    by_hand(noted, CHANGES["body"])
    seen = digest(noted.handover("status").stderr)
    for wrong in (seen[:-1], "0" * 12, "*", "?" * 12, ""):
        said = noted.handover("init-journal", "--accept", wrong, "--because", "read")
        assert wrong == "" or said.returncode == 3, said.stdout
        assert not wrong or "HO513" in said.stderr
    assert noted.handover("init-journal", "--accept", seen).returncode == 2
    said = noted.done("init-journal", "--accept", seen, "--because", "read").stdout
    assert "the copy is kept as .handover/journal-" in said
    assert "accepted as it is, with 5 entries" in said
    noted.done("resume")
    assert numbers(noted.config)[:5] == [None, 1, 7, 3, 4]
    with opened(noted.config) as journal:
        (accepted,) = [entry for entry in journal.entries() if entry.kind == ACCEPTED]
    assert accepted.body["because"] == "read"
    assert "HO511" in accepted.body["wrong"][0] or "not as it was written" in accepted.body["wrong"][0]
    assert "nothing to accept" in noted.refused("init-journal", "--accept", seen, "--because", "read")
    by_hand(noted, "UPDATE handover.journal SET who = 'mallory' WHERE body->>'number' = '3'")
    assert noted.handover("resume").returncode == 1  # what was accepted is guarded from then on


def test_accept__the_key_is_lost__the_journal_goes_on_with_another(noted, tmp_path):
    other = another_machine(noted, tmp_path / "other")
    seen = digest(other.handover("status").stdout)
    other.done("init-journal", "--accept", seen, "--because", "the machine burnt")
    other.done("cutover", "begin", "--apply")
    assert other.state() == "parallel"


def test_accept__entries_contradict_each_other__a_person_says_which_state_holds(noted):
    body = {"run": "1", "command": "cutover", "source": "parallel", "through": "switching", "target": "switched"}
    with opened(noted.config) as journal:
        journal.add("run", {**body, "actions": ["write the record"]})
    said = noted.handover("status").stdout
    assert "Next: first find out which of the two happened; then handover init-journal --accept " in said
    assert "--state " in said
    seen = digest(said)
    words = ("init-journal", "--accept", seen, "--because", "looked")
    assert "Say which state holds" in noted.refused(*words)
    assert "is no state at rest" in noted.refused(*words, "--state", "switching")
    refused = noted.refused(*words, "--state", "switched")
    assert "people reach original" in refused
    noted.done(*words, "--state", "preparing")
    assert noted.state() == "preparing"
    noted.done("cutover", "begin", "--apply")


# --- older versions


def chain(*entries: JournalEntry, keys: dict[str, bytes]) -> SealedChain:
    made = SealedChain(lambda: keys)
    for entry in entries:
        made.follow(entry)
    return made


def entries() -> Iterator[JournalEntry]:
    for number in range(1, NOTES + 1):
        yield JournalEntry("note", {"number": number}, "ana", "vm", datetime(2026, 1, number, tzinfo=UTC), number)


def test_chain__entries_of_an_older_version__are_counted_read_and_guarded_from_the_first_seal_on():
    key = b"k" * 32
    keys = {key_name(key): key}
    older = list(entries())
    made = chain(*older[:3], keys=keys)
    assert (made.state.older, made.state.compared) == (3, True)
    sealed = made.sealed(older[3], key_name(key), key)
    assert chain(*older[:3], sealed, keys=keys).state.compared
    changed = replace(older[1], who="mallory")
    broken = chain(older[0], changed, older[2], sealed, keys=keys).state
    assert broken.broken == sealed
    assert "up to entry 4" in said_of(broken)
    later = replace(older[0], seq=5, id="5")
    unsealed = chain(*older[:3], sealed, later, keys=keys).state
    assert unsealed.unsealed == (later,)
    assert "has no seal: it was inserted by hand, or an older version" in said_of(unsealed)


def test_status__journal_of_an_older_version__says_that_its_entries_are_not_signed(noted):
    by_hand(noted, "UPDATE handover.journal SET body = body - 'seal'")
    without_copy(noted)
    said = noted.done("status").stdout
    assert "5 entries of an older version are not signed: whether they are as they were written is not known." in said
    assert noted.done("status", "--json").json()["not_signed"] == 5
    noted.done("cutover", "begin", "--apply")
    by_hand(noted, CHANGES["who"])
    assert noted.handover("status").returncode == 1


def test_seal__does_not_give_the_key_away(noted):
    with opened(noted.config) as journal:
        seals = [entry.body[SEAL] for entry in journal.of_database()]
    key = folder_key(noted.config.root).decode()
    assert all(key not in str(seal) for seal in seals)
    assert len({seal["hmac"] for seal in seals}) == len(seals)
