"""``handover prove`` as its user runs it, on a small pair."""

import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from handover.config.config import load_config
from handover.journal.evidence import latest
from sandbox import template

# One table is enough to show how the command reports findings.
ONE_TABLE = ("dance.models.Dancer", "dance.models.Task")
ROUNDED = """
class Rounded(models.FloatField):
    def from_db_value(self, value, expression, connection):
        return None if value is None else round(value, 2)


"""


@pytest.fixture
def one_table(pair):
    """Give the pair with only its videos mapped."""
    path = pair.folder / "handover.toml"
    head, *models = path.read_text().split("[[models]]")
    prove = "[prove]" + models[-1].partition("[prove]")[2]
    kept = [m.partition("[prove]")[0] for m in models if not any(name in m for name in ONE_TABLE)]
    path.write_text("[[models]]".join([head, *kept]) + prove)
    return pair


@pytest.fixture
def rounding(one_table):
    """Give the same pair with a backend that rounds what it reads."""
    one_table.change("backend/apps/dance/models.py", "class Video(", ROUNDED + "class Video(")
    one_table.change("backend/apps/dance/models.py", "duration = models.FloatField()", "duration = Rounded()")
    return one_table


def prove(pair, *arguments: str, **environment: str):
    done = pair.handover("prove", "--json", "--group", "read-across", *arguments, **environment)
    return done, json.loads(done.stdout)["groups"] if done.stdout else {}


def copies(pair) -> list[str]:
    """Return the copies of this pair's database; other tests use the same server."""
    query = "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE %s"
    with pair.database.server.connect() as connection:
        return [name for (name,) in connection.execute(query, [f"throw-away copy of {pair.database.name},%"])]


def evidence(pair):
    return latest(load_config(pair.folder / "handover.toml"), "prove")


def rows(pair) -> list[tuple]:
    return rows_of(pair.database)


def rows_of(database) -> list[tuple]:
    with psycopg.connect(database.url("owner")) as connection:
        names = ("dancers", "dance_tasks", "dance_videos", "django_session")
        query = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t"
        return [connection.execute(sql.SQL(query).format(sql.Identifier(name))).fetchone() for name in names]


# --- on a copy


def test_prove__clean_pair__is_green_and_leaves_evidence_and_no_copy(one_table):
    before = rows(one_table)
    done, found = prove(one_table)
    assert done.returncode == 0, done.stderr
    assert set(found) == {"backend-reads-original", "original-reads-backend"}
    for group in found.values():
        assert group["green"]
        assert group["counts"]["rows of dance_videos"] > 10
        assert group["counts"]["existing_rows"] == 4
    assert copies(one_table) == []
    assert rows(one_table) == before
    sealed = evidence(one_table)
    assert (sealed.summary["green"], sealed.summary["on"]) == (True, "throw-away copy")
    assert set(sealed.summary["groups"]) == set(found)
    assert len(sealed.summary["fingerprint"]) == 16


def test_prove__field_that_rounds__is_shrunk_reproduced_replayed_and_accepted(rounding):
    done, found = prove(rounding)
    assert done.returncode == 4
    (failure,) = found["backend-reads-original"]["failures"]
    assert (failure["code"], failure["where"], failure["hurts"]) == ("HO300", "dance_videos.duration", "backend")
    assert failure["found"] == "is another float when the backend reads what the original wrote, float in the original"
    assert len(failure["reproduce"]) <= 5
    # The smallest row: only required columns, and the one value that shows the difference.
    (recorded, *_) = [line for line in evidence(rounding).lines("failures") if line["key"][2] == "original"]
    assert set(recorded["example"]["row"]) <= {"duration", "user_id", "level", "title", "path"}
    assert recorded["example"]["change"] == recorded["example"]["extra"] == {}

    printed = [run_line(rounding, line) for line in failure["reproduce"]]
    assert len(set(printed[-2:])) == 2, printed

    file = evidence(rounding).folder / "failures.jsonl"
    again = rounding.handover("prove", "--replay", str(file))
    assert again.returncode == 4
    assert "HO300 dance_videos.duration: still occurs" in again.stdout
    for code, place in {(f["code"], f["where"]) for group in found.values() for f in group["failures"]}:
        accepted = rounding.handover("contract", "accept", code, place, "--because", "only two digits are shown")
        assert accepted.returncode == 0, accepted.stderr
    rounding.change("backend/apps/dance/models.py", "round(value, 2)", "value")
    mended = rounding.handover("prove", "--replay", str(file))
    assert mended.returncode == 0
    assert "HO300 dance_videos.duration: no longer occurs" in mended.stdout


def run_line(pair, line: str) -> str:
    code, _, side = line.partition("  # in the shell of the ")
    code = f"import django; django.setup(); {code}"
    environment = pair.stage.environment(side, pair.database.name) | {"DJANGO_SETTINGS_MODULE": "settings"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=pair.folder / side, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_prove__unknown_group__names_the_known_ones(one_table):
    done = one_table.handover("prove", "--group", "dancing")
    assert done.returncode == 2
    assert "there is no group 'dancing'; there are: read-across, concurrent-writes, " in done.stderr


@pytest.mark.full
def test_prove__neither_search_nor_pages_are_described__is_red_until_the_contract_says_why(one_table):
    groups = ("--group", "search", "--group", "flows")
    done = one_table.handover("prove", *groups)
    assert done.returncode == 1
    assert "nothing to compare: no search is described" in " ".join(done.stdout.split())
    for code, place in re.findall(r"handover contract accept (HO\d+) (\w+)", done.stdout):
        assert one_table.handover("contract", "accept", code, place, "--because", "it does not exist").returncode == 0
    done = one_table.handover("prove", *groups)
    assert done.returncode == 0, done.stdout
    assert "0 groups green, search, flows had nothing to compare" in done.stdout


@pytest.mark.full
def test_prove__no_row_of_a_table_can_be_made__is_never_green(one_table):
    one_table.superuser("ALTER TABLE dance_videos ADD CHECK (duration < -5) NOT VALID")
    one_table.superuser("ALTER TABLE dance_videos ADD CHECK (duration > 5) NOT VALID")
    done, found = prove(one_table)
    assert done.returncode == 1
    assert not any(group["green"] for group in found.values())
    assert "rows of dance_videos" in found["backend-reads-original"]["empty"]


@pytest.mark.full
def test_prove__system_that_cannot_act__is_red_and_not_green(one_table):
    one_table.change("backend/apps/dance/models.py", "'dance_videos'", "'no_such_table'")
    done, found = prove(one_table)
    assert done.returncode == 1
    assert not any(group["green"] for group in found.values())
    assert copies(one_table) == []


@pytest.mark.full
def test_prove__neither_system_writes_in_bulk__the_note_says_so(one_table):
    refuse = "\n\ndef refuse(*_, **__):\n    raise RuntimeError('one by one, please')\n"
    for models in ("original/dance/models.py", "backend/apps/dance/models.py"):
        path = one_table.folder / models
        path.write_text(path.read_text() + refuse + "\n\nmodels.QuerySet.bulk_update = refuse\n")
    done, found = prove(one_table)
    assert done.returncode == 0, done.stderr
    said = "dance_videos: bulk_update was not compared, neither system does it. It said: one by one, please"
    assert found["original-reads-backend"]["notes"] == [said]


@pytest.mark.full
def test_prove__tables_and_a_schema_belong_to_the_owner_of_the_database__is_copied(one_table):
    name = one_table.database.name
    mine = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    one_table.superuser(
        f"ALTER DATABASE {name} OWNER TO drift_original; GRANT drift_original TO owner; CREATE SCHEMA more; "
        "ALTER SCHEMA more OWNER TO drift_original; DO $$ DECLARE t text; BEGIN "
        f"FOR t IN {mine} LOOP EXECUTE format('ALTER TABLE public.%I OWNER TO drift_original', t); END LOOP; END $$"
    )
    done, found = prove(one_table)
    assert done.returncode == 0, done.stderr
    assert all(group["green"] for group in found.values())
    assert copies(one_table) == []


def test_prove__role_may_not_create_databases__says_what_to_grant(one_table):
    with one_table.narrow() as url:
        done = one_table.handover("prove", HANDOVER_DATABASE_URL=url)
    assert done.returncode == 1
    assert re.search(r"HO421  the role narrow_\w+ may not create databases", done.stderr), done.stderr
    assert re.search(
        r"ALTER ROLE narrow_\w+ CREATEDB; or prove on a staging database: --database URL_ENV.", done.stderr
    )


def test_prove__programs_are_missing_or_too_old__says_what_to_name(one_table):
    path = one_table.folder / "handover.toml"
    text = path.read_text()
    path.write_text(text[: text.index("pg_bin")] + 'pg_bin = "no/such/folder"\n')
    done = one_table.handover("prove")
    assert "pg_dump is not in no/such/folder" in done.stderr
    old = one_table.folder / "old"
    old.mkdir()
    for name in ("pg_dump", "pg_restore"):
        old.joinpath(name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        old.joinpath(name).chmod(0o755)
    path.write_text(text[: text.index("pg_bin")] + 'pg_bin = "old"\n')
    done = one_table.handover("prove")
    assert done.returncode == 1
    assert "pg_dump is of version 9, the server of version" in done.stderr
    assert copies(one_table) == []


# --- on a database that stays


def test_prove__on_staging__removes_its_own_rows(one_table):
    before = rows(one_table)
    elsewhere = one_table.database.server.url("owner", "postgres")
    staging = one_table.database.url("owner")
    one_table.patch.setenv("STAGING", staging)
    one_table.patch.setattr("handover.cli.prove.database_url", lambda _: elsewhere)
    done, found = prove(one_table, "--database", "STAGING")
    assert done.returncode == 0, done.stderr
    assert all(group["notes"] == [] for group in found.values())
    assert rows(one_table) == before
    assert evidence(one_table).summary["on"] == "staging"


def test_prove__staging_is_the_pairs_own_database__is_refused(one_table):
    done = one_table.handover("prove", "--database", "HANDOVER_DATABASE_URL")
    assert done.returncode == 2
    assert "HO422  HANDOVER_DATABASE_URL is the pair's own database" in done.stderr


def test_prove__i_mean_production__reads_and_can_do_nothing_else(rounding):
    rounding.superuser("UPDATE dance_videos SET duration = 0.123456")
    before = rows(rounding)
    done, found = prove(rounding, "--i-mean-production")
    assert done.returncode == 4
    (failure,) = found["backend-reads-original"]["failures"]
    assert (failure["code"], failure["where"]) == ("HO315", "dance_videos.duration")
    # Values of existing rows are not printed.
    assert "0.123456" not in done.stdout
    assert rows(rounding) == before
    assert evidence(rounding).summary["on"] == "production, read only"
    refused = rounding.handover("prove", "--i-mean-production", "--group", "identity")
    assert refused.returncode == 2
    assert "identity writes, and on production nothing is written; only read-across, search can read." in refused.stderr


@pytest.mark.full
def test_prove__i_mean_production_of_empty_tables__is_not_green(one_table):
    one_table.superuser("DELETE FROM dance_videos")
    done, found = prove(one_table, "--i-mean-production")
    assert done.returncode == 1
    assert "existing rows of dance_videos" in found["backend-reads-original"]["empty"]


# --- ended in between


# A process that a shell starts in the background ignores Ctrl-C, and so do its children.
WAITS = "SELECT FROM pg_stat_activity WHERE datname = %s AND wait_event = 'advisory'"
OTHERS = "SELECT FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
AS_ON_A_TERMINAL = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from handover.cli import app; app()"
)


@contextmanager
def waiting_at_a_lock(pair, monkeypatch):
    """Give a real process of the command that waits in its copy for a lock, which the test holds."""
    monkeypatch.setenv("HANDOVER_DATABASE_URL", pair.database.url("owner"))
    # In the copy each insert takes an advisory lock; each database of a server has its own.
    with psycopg.connect(pair.database.url("owner")) as connection:
        connection.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock(77); "
            "RETURN NEW; END $$; CREATE TRIGGER wait BEFORE INSERT ON dance_videos FOR EACH ROW EXECUTE FUNCTION wait()"
        )
    config = str(pair.folder / "handover.toml")
    command = [sys.executable, "-c", AS_ON_A_TERMINAL, "prove", "--group", "read-across"]
    with subprocess.Popen([*command, "--config", config], stderr=subprocess.PIPE, text=True) as process:
        name = next(line.split()[-1] for line in process.stderr if line.startswith("copying"))
        with pair.database.server.connect("postgres") as server:
            while not server.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
                assert process.poll() is None
            holder = psycopg.connect(pair.database.server.url("owner", name))
            holder.execute("SELECT pg_advisory_lock(77)")
            while not server.execute(WAITS, [name]).rowcount:
                assert process.poll() is None
            yield process
            holder.close()  # the command has ended its session already, to drop the copy


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.full), signal.SIGTERM])
@pytest.mark.full
def test_prove__ended_while_an_agent_waits__leaves_no_copy_no_process_no_file(one_table, monkeypatch, number):
    pair = one_table
    with waiting_at_a_lock(pair, monkeypatch) as process:
        agents = children(process.pid)
        assert agents
        assert len(copies(pair)) == 1
        process.send_signal(number)
        process.wait()
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert copies(pair) == []
    assert not any(alive(pid) for pid in agents)
    assert not list((pair.folder / ".handover" / "evidence").iterdir())


def children(pid: int) -> list[int]:
    done = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def alive(pid: int) -> bool:
    done = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False)
    return done.stdout.strip() not in ("", "Z")


@pytest.mark.full
def test_prove__on_staging_ended_while_an_agent_waits__leaves_no_row(one_table, postgres, monkeypatch):
    monkeypatch.setenv("HANDOVER_DATABASE_URL", one_table.database.url("owner"))
    with template.clone(postgres, one_table.database.name) as staging, staging_that_waits(staging) as (server, holder):
        monkeypatch.setenv("STAGING_URL", staging.url("owner"))
        before = rows_of(staging)
        config = str(one_table.folder / "handover.toml")
        command = [sys.executable, "-c", AS_ON_A_TERMINAL, "prove", "--group", "read-across", "--database"]
        with subprocess.Popen([*command, "STAGING_URL", "--config", config], stderr=subprocess.DEVNULL) as process:
            while not server.execute(WAITS, [staging.name]).rowcount:
                assert process.poll() is None
            assert rows_of(staging) != before
            process.send_signal(signal.SIGTERM)
            process.wait()
        holder.close()  # the server now finishes the request of the ended agent
        while server.execute(OTHERS, [staging.name]).rowcount:
            pass
        assert process.returncode == 143
        assert rows_of(staging) == before


@contextmanager
def staging_that_waits(staging):
    """Let the inserts of a database wait for a lock, except the first three; give a session and the lock's holder."""
    with psycopg.connect(staging.url("owner")) as connection:
        connection.execute(
            "CREATE SEQUENCE inserted; GRANT ALL ON SEQUENCE inserted TO PUBLIC; "
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF nextval('inserted') > 3 THEN PERFORM pg_advisory_lock(77); END IF; RETURN NEW; END $$; "
            "CREATE TRIGGER wait BEFORE INSERT ON dance_videos FOR EACH ROW EXECUTE FUNCTION wait()"
        )
    holder = psycopg.connect(staging.url("owner"))
    holder.execute("SELECT pg_advisory_lock(77)")
    with staging.server.connect("postgres") as server:
        yield server, holder
    holder.close()
