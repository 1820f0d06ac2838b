"""Read-only mode: from before people are moved until they come back, the original cannot write."""

import re

import psycopg
import pytest

from handover.cutover import read_only
from handover.journal.journal import opened
from handover_testing.crashes import crash, go_back, go_on, run
from handover_testing.drifts.stage import PASSWORD
from handover_testing.night import BACKEND, ORIGINAL, VERIFY, database_down, windows
from handover_testing.sections import section

SETTING = '[read_only]\nby = "setting"\nrole = "drift_original"\ngrace_s = 0.2\n'


READS = '[[flows]]\nname = "a look"\n[[flows.steps]]\npath = "/page"\n'
WRITES = '[[flows]]\nname = "a post"\n[[flows.steps]]\nmethod = "POST"\npath = "/page"\nstatus = 201\n'


@pytest.fixture
def limited(story):
    """A story with read-only mode by the database."""
    story.pair.superuser('GRANT drift_original TO "owner" WITH ADMIN OPTION')
    story.pair.superuser('ALTER ROLE "owner" CREATEROLE')
    story.in_parallel()
    story.declare(SETTING)
    yield story
    story.pair.superuser(f'ALTER ROLE drift_original IN DATABASE "{story.pair.database.name}" RESET ALL')


def as_original(story) -> str:
    """Return the URL of the role that the original connects as."""
    return re.sub("//owner:[^@]+@", f"//drift_original:{PASSWORD}@", story.pair.database.url("owner"))


def writes(story) -> bool:
    """Say whether the original's role can write in a new session."""
    with psycopg.connect(as_original(story)) as connection:
        try:
            connection.execute("UPDATE dancers SET username = username")
        except psycopg.errors.ReadOnlySqlTransaction:
            return False
    return True


def test_cutover__original_may_only_read__cannot_write_until_the_way_back(limited):
    plan = limited.done("cutover", "plan").stdout
    assert "read-only: before the first change, the database lets drift_original only read" in plan
    with psycopg.connect(as_original(limited)) as kept:
        limited.done("cutover", "--apply", limited.plan())
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            kept.execute("UPDATE dancers SET username = username")
    assert not writes(limited)
    assert "Read-only mode: the original can only read." in limited.done("status").stdout
    limited.done("rollback", "--apply", "--because", "a trial")
    assert writes(limited)
    assert limited.people_reach() == [ORIGINAL]
    assert "Read-only mode" not in limited.done("status").stdout


def test_cutover__role_is_not_the_one_that_the_original_connects_as__is_seen_by_its_write(limited):
    limited.pair.superuser("CREATE ROLE another LOGIN")
    limited.file.write_text(limited.file.read_text().replace('role = "drift_original"', 'role = "another"'))
    limited.pair.superuser('GRANT another TO "owner" WITH ADMIN OPTION')
    try:
        ended = limited.handover("cutover", "--apply", limited.plan())
        assert (
            "HO626  the original still writes, although default_transaction_read_only is on for another" in ended.stderr
        )
        assert limited.people_reach() == [ORIGINAL]
    finally:
        limited.pair.superuser(f'ALTER ROLE another IN DATABASE "{limited.pair.database.name}" RESET ALL')
        limited.pair.superuser("DROP ROLE another")


@pytest.mark.parametrize(
    ("role", "said"), [("owner", "handover connects as it too"), ("nobody_here", "does not exist")]
)
@pytest.mark.thinned(to_one_in=2)
def test_cutover__role_may_not_be_limited__is_refused(limited, role, said):
    limited.file.write_text(limited.file.read_text().replace('role = "drift_original"', f'role = "{role}"'))
    assert said in limited.refused("cutover", "--apply", limited.plan())
    assert writes(limited)
    assert limited.people_reach() == [ORIGINAL]


def test_cutover__section_was_added_after_the_plan__applies_nothing(limited):
    text = limited.file.read_text()
    limited.file.write_text(text.replace(SETTING, ""))
    plan = limited.plan()
    limited.file.write_text(text)
    assert "but [read_only] in handover.toml has changed since" in limited.refused("cutover", "--apply", plan)
    assert writes(limited)


def test_resume_back__switch_crashed_while_the_original_may_only_read__writes_again(limited):
    crash(limited, "cutover", "write the record: begun")
    assert not writes(limited)
    assert go_back(limited).state == "rolled_back"
    assert writes(limited)


def test_resume_back__rollback_is_given_up__the_original_may_only_read_again(limited):
    run(limited, "cutover")
    crash(limited, "rollback", f"{read_only.OFF}: written")
    assert writes(limited)
    assert go_back(limited).state == "switched"
    assert not writes(limited)
    assert limited.people_reach() == [BACKEND]


def test_rollback__database_is_down__says_what_is_left_and_resume_does_it(limited):
    limited.done("cutover", "--apply", limited.plan())
    with database_down(limited):
        ended = limited.done("rollback", "--apply", "--copy-alone", "--because", "no database")
    assert (
        "the original can only read until it is told otherwise; when the database is back: handover resume"
        in ended.stderr
    )
    assert not writes(limited)
    assert "People reach it: handover resume, or `ALTER ROLE" in limited.handover("status").stdout
    go_on(limited)
    assert writes(limited)


@pytest.mark.parametrize("flows", [READS + WRITES, WRITES])
@pytest.mark.thinned(to_one_in=2)
def test_verify__errors_while_the_original_may_only_read__goes_back_by_itself(limited, flows):
    limited.declare(VERIFY + flows + section(journeys=["*"]))
    run(limited, "cutover")
    seen = limited.handover("watch", "--once").stdout
    assert "original journey a post: not enough traffic, flows that write through the original are left out" in seen
    windows(limited, 0.5, 0.5, 0.5)
    ended = limited.handover("verify")
    assert "automatic rollback: error_rate" in ended.stderr
    assert (limited.state(), limited.people_reach(), writes(limited)) == ("rolled_back", [ORIGINAL], True)


def test_verify__errors_while_the_original_may_only_read_and_fails_to__stays(limited):
    limited.declare(VERIFY + READS.replace("/page", '/page"\ncontains = "dance') + WRITES)
    run(limited, "cutover")
    windows(limited, 0.5, 0.5, 0.5)
    assert "no automatic rollback: the original fails its journey a look" in limited.handover("verify").stderr
    assert (limited.people_reach(), writes(limited)) == ([BACKEND], False)


def test_verify__not_confirmed_while_the_original_may_only_read__goes_back_by_itself(limited):
    limited.declare("[verify]\nconfirm_within_s = 0.001\n" + WRITES)
    run(limited, "cutover")
    assert "was not confirmed within" in limited.handover("verify").stderr
    assert (limited.state(), limited.people_reach(), writes(limited)) == ("rolled_back", [ORIGINAL], True)


def test_cutover__hooks_of_the_team__are_run_and_the_journal_knows(story):
    story.in_parallel()
    folder = story.pair.folder / "hooks"
    folder.mkdir()
    for name in ("close", "open"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {folder}/done\n")
        (folder / name).chmod(0o755)
    story.declare('[read_only]\nby = "hook"\non = ["close"]\noff = ["open"]\n')
    run(story, "cutover")
    with opened(story.config) as journal:
        assert read_only.is_on(story.config, journal.entries())
    assert read_only.is_on_now(story.config)
    run(story, "rollback")
    with opened(story.config) as journal:
        assert not read_only.is_on(story.config, journal.entries())
    assert not read_only.is_on_now(story.config)
    assert (folder / "done").read_text() == "close\nopen\n"
