"""``handover check`` as its user runs it: real interpreters, a real database."""

import json
import xml.etree.ElementTree as ET

import psycopg
import pytest

from handover.census import census
from handover.rules import RULES
from handover.schema import catalog
from sandbox.snapshot import changes, snapshot


def test_check__clean_pair__ends_with_0_and_says_what_was_compared(pair):
    done = pair.check("--all")
    assert done.returncode == 0, done.stdout
    assert "Models Mapped" in done.stdout
    assert "✅ dance_tasks: primary key task_id (CharField(36))" in done.stdout
    assert "✅ clean; " in done.stdout
    assert "shared tables, " in done.stdout
    assert "asking both systems, reading the catalog" in done.stderr


# What is changed → the code that tells; one of each kind, through everything that is real.
DRIFTS = {
    "models": ("HO111", ("backend/apps/dance/models.py", "('started', 'Started')", "('pending', 'Started')"), ""),
    "settings": ("HO182", ("backend/settings.py", "USE_TZ = True", "USE_TZ = True\nSESSION_COOKIE_NAME = 'sid'"), ""),
    "catalog": ("HO012", None, "ALTER TABLE dance_tasks ALTER status TYPE varchar(10)"),
    "history": ("HO175", None, "DELETE FROM django_migrations WHERE app = 'auth' AND name LIKE '0001%'"),
    "rows": ("HO221", None, "UPDATE dance_videos SET duration = 'NaN'"),
}


@pytest.mark.parametrize(("code", "change", "sql"), DRIFTS.values(), ids=DRIFTS)
def test_check__drift_of_each_kind__ends_with_4_and_names_it(pair, code, change, sql):
    if change:
        pair.change(*change)
    if sql:
        pair.superuser(sql)
    done = pair.check("--json")
    assert done.returncode == 4, done.stdout
    assert code in done.codes()
    for finding in done.json()["findings"]:
        assert finding.keys() == {"code", "place", "is", "expected", "hurts", "severity", "todo"}


def test_check__census__never_shows_what_a_row_holds(pair):
    pair.superuser(
        "UPDATE dancers SET email = 'Maria.Lopez@Example.org', username = 'marialopez' WHERE username = 'u1'"
    )
    key = "(SELECT min(task_id) FROM dance_tasks)"
    pair.superuser(f"UPDATE dance_tasks SET task_id = 'task of maria lopez' WHERE task_id = {key}")  # noqa: S608
    done = pair.check("--json")
    assert {"HO227", "HO228"} <= set(done.codes())
    assert "maria" not in done.stdout.lower()
    (key,) = [f["is"] for f in done.json()["findings"] if f["code"] == "HO228"]
    assert "for example md5 " in key


def test_check__settings_do_not_import__is_a_finding_with_its_place(pair):
    pair.change("original/settings.py", "USE_TZ = True", "USE_TZ = no_such_name")
    done = pair.check("--json")
    assert done.returncode == 4
    (finding,) = [f for f in done.json()["findings"] if f["code"] == "HO104"]
    assert finding["hurts"] == "original"
    assert finding["is"] == "does not start: NameError: name 'no_such_name' is not defined"
    assert "settings.py, line " in finding["todo"]
    assert "USE_TZ = no_such_name\nMend it" in finding["todo"]


def test_check__several_outputs__is_a_mistake(pair):
    done = pair.check("--json", "--html")
    assert done.returncode == 2
    assert "HO001  --json, --sarif, --junit and --html are one output each; choose one." in done.stderr


def test_check__sarif_junit_and_html__say_the_same(pair):
    pair.superuser("ALTER TABLE dance_tasks ALTER status TYPE varchar(10)")
    (run,) = json.loads(pair.check("--sarif").stdout)["runs"]
    results = [r for r in run["results"] if r["ruleId"] == "HO012"]
    assert [r["level"] for r in results] == ["error"]
    assert results[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "dance_tasks.status"
    assert {r["id"] for r in run["tool"]["driver"]["rules"]} >= RULES.keys()
    suite = ET.fromstring(pair.check("--junit").stdout)  # noqa: S314 - our own
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["HO012 Column types are equal"]
    assert int(suite.get("tests", "0")) == len(RULES)
    page = pair.check("--html")
    assert page.returncode == 4
    assert "<td class=todo>dance_tasks.status</td>" in page.stdout


# Something could not be looked at → the exit code is 1 and the reason is said.


def test_check__database_down__ends_with_1(pair, monkeypatch):
    monkeypatch.setattr(type(pair.database), "url", lambda *_: "postgresql://owner:hunter2@127.0.0.1:1/live")
    done = pair.check()
    assert done.returncode == 1
    assert "HO004  the database does not answer at 127.0.0.1, port 1. Start its server, or correct host" in done.stderr
    assert "hunter2" not in done.stderr


def test_check__catalog_may_not_be_read__ends_with_1_and_doctor_knows_the_grant(pair):
    pair.superuser("REVOKE SELECT ON pg_catalog.pg_index FROM PUBLIC")
    done = pair.check()
    assert done.returncode == 1
    assert "HO006  the database did not let owner look: permission denied for table pg_index." in done.stderr
    doctor = pair.handover("doctor")
    assert doctor.returncode == 1
    assert "❌ pg_catalog.pg_index may not be read" in doctor.stdout
    assert 'GRANT SELECT ON pg_catalog.pg_index TO "owner";' in doctor.stdout


def test_check__table_may_not_be_read__ends_with_1_and_names_the_grant(pair):
    pair.let_read("original_app")
    pair.superuser("REVOKE SELECT ON dance_tasks FROM original_app")
    done = pair.check("--json", role="original_app")
    assert done.returncode == 1
    unseen = {f["place"]: f for f in done.json()["unseen"]}
    assert unseen["dance_tasks"]["code"] == "HO242"
    assert 'GRANT SELECT ON "public"."dance_tasks" TO "original_app";' in unseen["dance_tasks"]["todo"]


def test_check__probe_is_killed__ends_with_1(pair):
    pair.change("backend/settings.py", "USE_TZ = True", "os.kill(os.getpid(), 9)")
    done = pair.check()
    assert done.returncode == 1
    assert "HO002  the interpreter of the backend ended with status -9 and gave no answer." in done.stderr


def test_check__probe_is_cut_off__ends_with_1(pair):
    program = pair.folder / "half"
    program.write_text('#!/bin/sh\nprintf \'{"ok": {"mod\'\n')
    program.chmod(0o755)
    toml = pair.folder / "handover.toml"
    head, section, tail = toml.read_text().partition("[backend]")
    lines = [f'python = ["{program}"]' if line.startswith("python") else line for line in tail.splitlines()]
    toml.write_text("\n".join([head + section, *lines]))
    done = pair.check()
    assert done.returncode == 1
    assert "HO002  the interpreter of the backend ended with status 0 in the middle of its answer." in done.stderr


def test_check__no_table_is_there__ends_with_1(pair):
    pair.superuser("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC")
    done = pair.check()
    assert done.returncode == 1
    assert "HO006  0 tables of the original and 0 tables of the backend were found in" in done.stderr
    assert "and none is shared. 0 tables compared." in done.stderr


def test_check__empty_table__ends_with_1_and_says_0_rows_compared(pair):
    pair.superuser("DELETE FROM dance_videos")
    done = pair.check()
    assert done.returncode == 1
    assert "HO240 unseen, hurts both: dance_videos is empty; 0 rows compared say nothing" in done.stdout


def test_check__no_time_for_the_census__is_sampled_and_not_clean(pair):
    pair.superuser(
        "INSERT INTO dance_tasks (task_id, user_id, status, progress, created_at)"
        " SELECT gen_random_uuid()::text, (SELECT min(id) FROM dancers), 'started', 0, now()"
        " FROM generate_series(1, 60000)"
    )
    pair.superuser("ANALYZE")
    done = pair.check("--json", "--census-seconds", "0")
    assert done.returncode == 1
    (finding,) = [f for f in done.json()["unseen"] if f["place"] == "dance_tasks"]
    assert finding["code"] == "HO241"
    assert finding["is"].startswith("has about 60004 rows, of which ")


def test_check__key_beyond_its_sequence__is_found_where_the_rest_is_sampled(pair, monkeypatch):
    monkeypatch.setattr(census, "SAMPLED_ROWS", 1)
    pair.superuser(
        "INSERT INTO dancers (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,"
        " date_joined, display_name, is_teacher, preferences)"
        " SELECT 'x', false, 'v' || n, '', '', 'v' || n || '@example.org', false, true, now(), '', false, '{}'"
        " FROM generate_series(1, 20000) n"
    )
    pair.superuser("UPDATE dancers SET id = 900000 WHERE username = 'v20000'")
    pair.superuser("ANALYZE")
    done = pair.check("--json", "--census-seconds", "0")
    assert "HO241" in done.codes("unseen")
    (finding,) = [f for f in done.json()["findings"] if f["code"] == "HO235"]
    assert finding["place"] == "dancers.id"
    assert finding["is"] == (
        "has 1 row of this kind: rows hold a key that dancers_id_seq has yet to give; its next is 20005"
        " (for example 900000)"
    )
    pair.superuser(finding["todo"])
    assert "HO235" not in pair.check("--json").codes()


def test_check__somebody_holds_a_table__is_told_within_its_time(pair):
    with psycopg.connect(pair.database.url("owner")) as holder:
        holder.execute("LOCK TABLE dance_tasks IN ACCESS EXCLUSIVE MODE")
        done = pair.check()
    assert done.returncode == 1
    assert "HO006  the database took too long to answer: canceling statement due to" in done.stderr


# Looking changes nothing.


def test_check__role_that_may_only_read__is_enough(pair):
    pair.let_read("original_app")
    done = pair.check(role="original_app")
    assert done.returncode == 0, done.stdout + done.stderr


def test_check__history_may_not_be_read__is_not_called_empty(pair):
    pair.let_read("original_app")
    pair.superuser("REVOKE SELECT ON django_migrations FROM original_app")
    done = pair.check("--json", role="original_app")
    assert done.returncode == 1
    assert done.codes() == pair.check("--json").codes()
    (finding,) = done.json()["unseen"]
    assert (finding["code"], finding["place"]) == ("HO242", "django_migrations")


def test_check__sequence_may_not_be_read__is_not_clean(pair):
    pair.let_read("original_app")
    pair.superuser("REVOKE SELECT ON dancers_id_seq FROM original_app")
    done = pair.check("--json", role="original_app")
    assert done.returncode == 1
    (finding,) = done.json()["unseen"]
    assert (finding["code"], finding["place"]) == ("HO242", "dancers_id_seq")


RECORDED = """
    CREATE TABLE recorded (what text);
    CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN INSERT INTO public.recorded VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$;
    DO $$ DECLARE t text; BEGIN
        FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                    AND relname <> 'recorded'
        LOOP EXECUTE format('CREATE TRIGGER recorder AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
                             FOR EACH STATEMENT EXECUTE FUNCTION record()', t); END LOOP;
    END $$;
"""


def test_check__triggers_that_record_every_write__record_none(pair):
    pair.superuser(RECORDED)
    before = snapshot(pair.database.url("postgres"), "owner")
    done = pair.check("--json", role="postgres")
    assert set(done.codes()) == {"HO163"}
    changed = changes(before, snapshot(pair.database.url("postgres"), "owner"))
    # Roles are the whole server's, and tests beside this one grant some of theirs to the owner.
    assert {kind: rows for kind, rows in changed.items() if kind != "role"} == {}
    with psycopg.connect(pair.database.url("postgres")) as connection:
        assert connection.execute("SELECT what FROM recorded").fetchall() == []
        connection.execute("UPDATE dancers SET is_teacher = true WHERE false")  # the control: even this is recorded
        assert connection.execute("SELECT what FROM recorded").fetchall() == [("UPDATE dancers",)]


def test_snapshot__a_write__is_refused_by_the_server(pair):
    with (
        pytest.raises(Exception, match="cannot execute UPDATE in a read-only transaction"),
        catalog.snapshot(pair.database.url("postgres")) as connection,
    ):
        connection.execute("UPDATE dancers SET is_teacher = true")


def test_snapshot__reading_the_catalog__holds_no_lock_that_stops_a_write(pair):
    query = "SELECT DISTINCT mode FROM pg_locks WHERE pid = %s AND locktype = 'relation'"
    with (
        catalog.snapshot(pair.database.url("owner")) as connection,
        psycopg.connect(pair.database.url("owner")) as other,
    ):
        catalog.read_catalog(connection)
        assert other.execute(query, [connection.info.backend_pid]).fetchall() == [("AccessShareLock",)]


def test_check__column_is_of_a_type_that_a_question_does_not_fit__is_unseen_and_the_others_are_asked(pair):
    pair.superuser("ALTER TABLE dancers ALTER email TYPE bytea USING email::bytea")
    pair.superuser("UPDATE dance_videos SET duration = 'NaN'")
    done = pair.check("--json")
    assert "HO221" in done.codes()
    (finding,) = [f for f in done.json()["unseen"] if f["code"] == "HO129" and "mixed case" in f["is"]]
    assert finding["place"] == "dancers.email"
    assert "function lower(bytea) does not exist" in finding["is"]
