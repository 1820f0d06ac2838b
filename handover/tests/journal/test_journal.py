"""The journal and its copy hold the same entries, and only one operator writes them."""

import re
import resource
import shutil
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from handover.cutover.position import position_of
from handover.errors import Refused
from handover.journal.copy import JournalCopy, JournalCopyError
from handover.journal.entry import new_entry, operator
from handover.journal.install import role_exists
from handover.journal.journal import SCHEMA, JournalError, opened
from handover.journal.key import folder_key, share_key
from handover.journal.lease import SESSION_LOCK, held, holder
from handover_testing.night import until

ROLE = "handover_journal"


@pytest.fixture
def begun(story):
    story.with_journal()
    return story


def ids(entries) -> list[str]:
    return [entry.id for entry in entries]


def test_init_journal__without_apply__shows_its_steps_and_makes_nothing(story):
    shown = story.done("init-journal").stdout
    assert "make the schema handover" in shown
    assert "make the tables of journal.sql" in shown
    assert "make the tables of watch.sql" in shown
    assert f"act as {ROLE}" in shown
    assert "act as it" not in shown
    assert "State: none" in story.done("status").stdout


def test_init_journal__undo__leaves_no_trace_and_keeps_the_copy(begun):
    name = begun.pair.database.name
    assert "Nothing was changed." in begun.done("init-journal", "--undo").stdout
    assert "the database to confirm" in begun.refused("init-journal", "--undo", "--apply", "--confirm", "another")
    shown = begun.done("init-journal", "--undo", "--apply", "--confirm", name).stdout
    assert "the schema handover is gone" in shown
    assert "the copy is kept as .handover/journal-" in shown
    with begun.pair.database.server.connect(name) as connection:
        assert not connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", [SCHEMA]).rowcount
    begun.done("init-journal", "--apply")  # and again, without catching up from the old copy
    assert begun.state() == "preparing"


def test_copy__of_another_journal__is_refused_before_and_after_a_journal_is_made(begun):
    name, folder = begun.pair.database.name, begun.pair.folder / ".handover"
    aside = folder.with_name(".handover-of-the-other")
    says = rf"HO514  .*/journal\.jsonl is the copy of another journal: 1 line since .*, and {name} has none of them\."
    begun.pair.superuser("DROP SCHEMA handover CASCADE")
    for words in ((), ("--apply",)):
        told = begun.refused("init-journal", *words)
        assert re.search(says, told)
        assert f"mv {folder} {aside} -- If {name} has lost its journal, restore" in told
    assert "State: none" in begun.done("status").stdout
    folder.rename(aside)
    begun.done("init-journal", "--apply")
    shutil.rmtree(folder)
    aside.rename(folder)
    for words in (("status",), ("init-journal", "--apply"), ("resume",), ("cutover", "begin", "--apply")):
        assert re.search(says, begun.refused(*words)), words
    with psycopg.connect(begun.pair.database.url("owner")) as connection:
        assert connection.execute("SELECT kind FROM handover.journal").fetchall() == [("init",)]


def test_init_journal__again__keeps_what_is_there(begun):
    with opened(begun.config) as journal:
        before = ids(journal.entries())
    begun.done("init-journal", "--apply")
    with opened(begun.config) as journal:
        assert ids(journal.entries()) == before


def test_init_journal__role_is_its_own_and_cannot_log_in(begun):
    with psycopg.connect(begun.pair.database.url("owner")) as connection:
        assert role_exists(connection, ROLE)
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'handover'"
        ).fetchall()
        (may_log_in,) = connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
    assert owners == [(ROLE,)]
    assert may_log_in is False


@pytest.mark.parametrize("change", ["UPDATE handover.journal SET who = 'x'", "DELETE FROM handover.journal"])
def test_journal__entries__are_never_changed(begun, change):
    with (
        psycopg.connect(begun.pair.database.url("owner")) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="are added, never changed and never removed"),
    ):
        connection.execute(change)


def test_journal__another_machine_wrote_meanwhile__the_copy_catches_up(begun, tmp_path):
    elsewhere = begun.config.model_copy(update={"root": tmp_path / "elsewhere"})
    share_key(elsewhere.root, folder_key(begun.config.root))
    with opened(elsewhere) as there:
        there.add("note", {"said": "from there"})
    with opened(begun.config) as here:
        assert [e.kind for e in here.entries()][-1] == "note"
        here.catch_up()
        assert ids(here.copy.entries()) == ids(here.entries())


# pg_locks has the locks of all databases.
WAITING = """
    SELECT FROM pg_locks WHERE relation = 'handover.journal'::regclass AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def test_journal__another_adds_while_it_is_read__is_no_tampering(begun):
    with opened(begun.config) as here, opened(begun.config) as there, ThreadPoolExecutor(1) as pool:
        here.entries()
        with there.connection().transaction():
            there.connection().execute("LOCK TABLE handover.journal")
            reading = pool.submit(here.entries)
            # It has read the copy, and waits for the database.
            until(lambda: there.connection().execute(WAITING).rowcount, "the journal is not read")
            for number in (1, 2):
                there.add("note", {"number": number})
        assert [entry.body.get("number") for entry in reading.result()] == [None, 1, 2]


class LateCopy(JournalCopy):
    """A copy to which another process adds an entry just before each reading."""

    def __init__(self, there) -> None:
        super().__init__(there.config.root)
        self.there = there

    def entries(self):
        self.there.add("note", {"said": "meanwhile"})
        return super().entries()


def test_only_in_copy__another_adds_meanwhile__is_nothing(begun):
    with opened(begun.config) as here, opened(begun.config) as there:
        here.copy = LateCopy(there)
        assert here.only_in_copy() == []


@pytest.mark.parametrize("act", [lambda journal: journal.add("note", {}), lambda journal: journal.catch_up()])
def test_journal__another_makes_the_first_line_of_the_copy_meanwhile__is_of_this_database(begun, tmp_path, act):
    fresh = begun.config.model_copy(update={"root": tmp_path / "elsewhere"})
    share_key(fresh.root, folder_key(begun.config.root))
    with opened(fresh) as here, opened(fresh) as there:
        here.copy = LateCopy(there)
        act(here)
        here.copy = JournalCopy(fresh.root)
        here.catch_up()
        assert ids(here.copy.entries()) == ids(here.entries())


def test_journal__only_the_copy_had_an_entry__the_database_gets_it_with_its_time(begun):
    late = new_entry("note", {"said": "while it was down"})
    JournalCopy(begun.config.root).add(late)
    with opened(begun.config) as journal:
        assert ids(journal.only_in_copy()) == [late.id]
        journal.catch_up()
        assert journal.only_in_copy() == []
        (stored,) = [e for e in journal.entries() if e.id == late.id]
    assert stored.at == late.at
    assert stored.body["late"] is True


def test_journal__two_stories__are_told_and_nothing_is_begun(begun):
    body = {"run": "1", "command": "cutover", "source": "parallel", "through": "switching", "target": "switched"}
    JournalCopy(begun.config.root).add(new_entry("run", {**body, "actions": ["write the record"]}))
    assert "leads from parallel, but the entries before it lead to preparing" in begun.handover("status").stdout
    assert begun.handover("status").returncode == 4
    assert "HO506  journal entries contradict each other" in begun.refused("cutover", "begin", "--apply")


def test_copy__last_line_is_unfinished__is_not_read_and_is_written_over(tmp_path):
    copy = JournalCopy(tmp_path)
    copy.add(new_entry("note", {"number": 1}))
    with copy.path.open("a") as file:
        file.write('{"kind": "note", "bo')
    assert [e.body["number"] for e in JournalCopy(tmp_path).entries()] == [1]
    JournalCopy(tmp_path).add(new_entry("note", {"number": 2}))
    assert [e.body["number"] for e in JournalCopy(tmp_path).entries()] == [1, 2]


def test_copy__disk_was_full__the_same_process_goes_on(tmp_path):
    copy = JournalCopy(tmp_path)
    copy.add(new_entry("note", {"number": 1}))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (copy.path.stat().st_size + 10, hard))
    try:
        with pytest.raises(JournalCopyError, match=r"could not be written: File too large\. No action begins"):
            copy.add(new_entry("note", {"number": 2}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [e.body["number"] for e in copy.entries()] == [1]
    copy.add(new_entry("note", {"number": 3}))
    assert [e.body["number"] for e in copy.entries()] == [1, 3]
    assert ids(JournalCopy(tmp_path).entries()) == ids(copy.entries())


def test_told__line_is_not_on_disk_yet__does_not_count(tmp_path):
    copy = JournalCopy(tmp_path)
    copy.add(new_entry("note", {"number": 1}))
    head, told = copy.head.read_bytes(), copy.told()
    copy.add(new_entry("note", {"number": 2}))
    assert (told["lines"], copy.told()["lines"]) == (1, 2)
    copy.head.write_bytes(head)  # as while another process writes the line: the head follows when the line is on disk
    assert JournalCopy(tmp_path).told() == told


def test_copy__line_in_the_middle_was_changed__is_refused(tmp_path):
    copy = JournalCopy(tmp_path)
    copy.add(new_entry("note", {}), new_entry("note", {}))
    copy.path.write_text(copy.path.read_text().replace('"kind"', '"kin"', 1))
    with pytest.raises(JournalCopyError, match=r"line 1 is not the line that was written there\. It was"):
        JournalCopy(tmp_path).entries()


def check_until_it_is_lost(lease) -> None:
    while True:
        lease.check()


def test_lease__another_operator_holds_it__says_who(begun, tmp_path, monkeypatch):
    elsewhere = begun.config.model_copy(update={"root": tmp_path / "elsewhere"})
    monkeypatch.setenv("HANDOVER_OPERATOR", "bob")
    bob = operator()
    with held(elsewhere, "rehearse-rollback"):
        monkeypatch.setenv("HANDOVER_OPERATOR", "ana")
        said = begun.refused("resume")
        assert f"HO503  another operator holds the lease: {bob} on " in said
        assert "`rehearse-rollback`" in said
        assert f"Lease: {bob} on" in begun.handover("status").stdout
    begun.done("resume")


def test_lease__session_of_one_that_was_just_killed__is_waited_for(begun):
    queued = """
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    with begun.pair.database.server.connect(begun.pair.database.name) as dying:
        dying.execute("SELECT pg_advisory_lock(%s)", [SESSION_LOCK])
        with begun.pair.process("resume") as waiting:
            until(lambda: dying.execute(queued, [SESSION_LOCK & 0xFFFFFFFF]).rowcount, "the lease was not waited for")
            dying.close()
            assert waiting.wait() == 0


def test_lease__ran_out_but_the_session_lives__is_not_taken(begun, tmp_path):
    short = begun.config.journal.model_copy(update={"lease_s": 0.001})
    elsewhere = begun.config.model_copy(update={"root": tmp_path / "elsewhere", "journal": short})
    with held(elsewhere, "cutover") as lease, opened(begun.config) as journal:
        while holder(journal.connection()):
            pass
        with (
            pytest.raises(Refused, match=r"its time ran out, but session .* is still connected"),
            held(begun.config, "x"),
        ):
            raise AssertionError
        with pytest.raises(Refused, match="this process does nothing more"):
            check_until_it_is_lost(lease)


def test_opened__database_does_not_answer__reads_the_copy(begun, monkeypatch):
    with opened(begun.config) as journal:
        there = ids(journal.entries())
    monkeypatch.setenv("HANDOVER_DATABASE_URL", "postgresql://absent@127.0.0.1:1/nothing")
    with opened(begun.config) as journal:
        assert ids(journal.entries()) == there
        assert "does not answer at 127.0.0.1, port" in journal.trouble
        with pytest.raises(JournalError, match="No action was begun without its entry"):
            journal.add("note", {})
        with pytest.raises(JournalError):
            journal.now()


def test_fold__nothing__is_none():
    assert position_of([]).state == "none"


def test_entries__another_command_adds_some_in_between__is_no_tampering(begun, monkeypatch):
    with opened(begun.config) as journal, opened(begun.config) as other:
        read = journal._stored

        def later():
            for number in (1, 2):
                other.add("note", {"number": number})
            return read()

        monkeypatch.setattr(journal, "_stored", later)
        assert [entry.body.get("number") for entry in journal.entries()][-2:] == [1, 2]


@pytest.fixture
def reader(story):
    """A role of this test alone that may read, and its URL in the environment."""
    name, secret = f"reader_{token_hex(4)}", token_hex(8)
    story.pair.superuser(f"CREATE ROLE {name} LOGIN PASSWORD '{secret}'")
    story.pair.let_read(name)
    url = make_conninfo(story.pair.database.url("owner"), user=name, password=secret)
    yield name, {"HANDOVER_DATABASE_URL": url}
    story.pair.superuser(f"DROP OWNED BY {name}")
    story.pair.superuser(f"DROP ROLE {name}")


ACTING = [
    ("status",),
    ("gates",),
    ("cutover", "begin", "--apply"),
    ("rollback", "--apply", "--because", "it is slow"),
    ("sign", "--as", "DevOps", "--because", "it works"),
    ("pause",),
    ("load", "--apply"),
    ("init-journal", "--apply"),
]


def test_journal__role_may_not_act_as_its_owner__every_command_names_the_grant(begun, reader):
    name, environment = reader
    for words in ACTING:
        done = begun.handover(*words, **environment)
        assert f'As an administrator: GRANT "{ROLE}" TO "{name}"' in done.stdout + done.stderr, (words, done)


def test_doctor__role_may_not_act_as_the_journals_owner__names_the_grant_until_it_was_run(begun, reader):
    name, environment = reader
    done = begun.handover("doctor", **environment)
    assert done.returncode == 1
    cure = f'As an administrator: GRANT "{ROLE}" TO "{name}";'
    assert f"the journal may not be read or written\n   {cure}" in done.stdout
    begun.pair.superuser(cure.partition(": ")[2])
    done = begun.handover("doctor", **environment)
    assert done.returncode == 0, done.stdout
    assert f"the journal may be read and written, as {ROLE}" in done.stdout


def test_init_journal__rights_are_missing__each_message_names_the_next_statement(story, reader):
    name, environment = reader
    story.file.write_text(story.file.read_text() + f'\n[journal]\nrole = "{name}_journal"\n')
    database = story.pair.database.name
    for statement in (f'ALTER ROLE "{name}" CREATEROLE', f'GRANT CREATE ON DATABASE "{database}" TO "{name}"'):
        done = story.handover("init-journal", "--apply", **environment)
        assert "HO004" in done.stderr
        assert f"As an administrator: {statement}." in done.stderr
        story.pair.superuser(statement)
