import subprocess
from pathlib import Path

import psycopg
import pytest

from handover.adoption.adopt import check_resolution
from handover.config.config import load_config
from handover.errors import Refused
from sandbox import house
from sandbox.postgres.account import Account
from sandbox.postgres.binaries import programs
from sandbox.snapshot import changes


def test_adopt__without_apply__shows_a_plan_and_changes_nothing(operator):
    before = operator.snapshot()
    done = operator.adopt()
    assert done.returncode == 0
    assert "1. The role, and the owner's right to act for it" in done.stdout
    assert "Nothing was changed." in done.stdout
    assert changes(before, operator.snapshot()) == {}


def test_adopt__as_an_owner_that_is_no_superuser__adds_a_schema_a_role_and_one_column(operator):
    with psycopg.connect(operator.database.url("owner")) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
    before = operator.snapshot()
    done = operator.adopt("--apply")
    assert done.returncode == 0, done.stderr
    changed = changes(before, operator.snapshot())
    public = [row for row in changed["columns"][1] if "." not in row[0]]
    assert public == [("choreography_tasks", "job_execution_name", "character varying(500)", False, "", None, None)]
    assert changed["columns"][0] == []
    assert {row[0] for row in changed["schemas"][1]} == {"backend"}
    assert "rows of django_migrations" not in changed
    assert "rows of users" not in changed


@pytest.mark.full
def test_adopt__done__role_finds_its_own_history_and_the_shared_tables(operator):
    operator.adopt("--apply")
    with operator.as_backend() as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("backend, public",)
        where = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = %s::regclass"
        assert connection.execute(where, ["django_migrations"]).fetchone() == ("backend",)
        assert connection.execute(where, ["users"]).fetchone() == ("public",)
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="must be owner of table users"):
            connection.execute("ALTER TABLE users ADD COLUMN nickname text")


def test_adopt__done__django_sees_nothing_left_to_migrate(operator):
    operator.adopt("--apply")
    url = psycopg.conninfo.conninfo_to_dict(operator.database.url("owner"))
    password = operator.environment["BACKEND_DATABASE_PASSWORD"]
    backend_url = f"postgresql://{operator.role}:{password}@{url['host']}:{url['port']}/{url['dbname']}"
    environment = {**operator.environment, "DATABASE_URL": backend_url}
    for command in (["migrate", "--check"], ["makemigrations", "--check", "--dry-run"], ["migrate"]):
        before = operator.snapshot()
        argv = [str(house.PROGRAMS / "python"), "manage.py", *command]
        done = subprocess.run(
            argv, cwd=house.ROOT / "backend", env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert changes(before, operator.snapshot()) == {}


def test_adopt__again__has_nothing_to_do(operator):
    operator.adopt("--apply")
    before = operator.snapshot()
    done = operator.adopt("--apply")
    assert done.returncode == 0
    assert "is adopted already; nothing to do" in done.stdout
    assert changes(before, operator.snapshot()) == {}


def test_adopt__password__stands_in_no_output_and_opens_the_role(operator):
    secret = operator.environment["BACKEND_DATABASE_PASSWORD"]
    for arguments in ((), ("--sql",), ("--apply",)):
        done = operator.adopt(*arguments)
        assert secret not in done.stdout + done.stderr
    with operator.as_backend() as connection:
        assert connection.execute("SELECT current_user").fetchone() == (operator.role,)


def test_adopt_sql__run_by_hand_in_psql__does_what_adopt_does(operator, tmp_path: Path):
    before = operator.snapshot()
    script = tmp_path / "adopt.sql"
    script.write_text(operator.adopt("--sql").stdout)
    assert "GRANT REFERENCES ON" in script.read_text()
    assert changes(before, operator.snapshot()) == {}
    psql = [str(programs(Account.current()) / "psql"), "--quiet", "--file", str(script), operator.database.url("owner")]
    subprocess.run(psql, check=True, stdout=subprocess.DEVNULL)
    by_hand = operator.snapshot()
    assert operator.undo().returncode == 0
    assert changes(before, operator.snapshot()) == {}
    operator.adopt("--apply")
    assert changes(by_hand, operator.snapshot()).keys() <= set(ROWS_WITH_NEW_IDS)


# Sequences are not turned back, so the same rows get other ids.
ROWS_WITH_NEW_IDS = ("rows of django_content_type", "rows of auth_permission")


def test_adopt__a_session_holds_the_table__names_it_and_changes_nothing(operator):
    before = operator.snapshot()
    with psycopg.connect(operator.database.url("original_app"), application_name="nightly report") as reader:
        reader.execute("SELECT count(*) FROM choreography_tasks")
        done = operator.adopt("--apply", "--attempts", "1")
        pid = reader.info.backend_pid
    assert done.returncode == 3
    assert "HO028  no lock within 2000 ms in 1 attempts; nothing was changed." in done.stderr
    assert f"pid {pid} (original_app, nightly report, idle in transaction, in a transaction for " in done.stderr
    assert "SELECT count(*) FROM choreography_tasks" in done.stderr
    assert changes(before, operator.snapshot()) == {}


@pytest.mark.full
def test_adopt__the_session_ends_after_an_attempt__succeeds_at_the_next(operator):
    with psycopg.connect(operator.database.url("original_app")) as reader:
        reader.execute("SELECT count(*) FROM choreography_tasks")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [str(house.PROGRAMS / "handover"), *operator.arguments("--apply")]
        with subprocess.Popen(command, env=operator.environment, **pipes) as process:
            locked_out = next(line for line in process.stderr if "locked out" in line)
            reader.rollback()
            stdout, _ = process.communicate()
        assert locked_out.startswith(f"attempt 1 of 5 was locked out by pid {reader.info.backend_pid} (original_app,")
    assert process.returncode == 0
    assert "is adopted" in stdout


@pytest.mark.full
def test_adopt__killed_while_it_waits_for_the_table__is_seen_and_can_be_removed(operator):
    before = operator.snapshot()
    with psycopg.connect(operator.database.url("original_app")) as reader:
        reader.execute("SELECT count(*) FROM choreography_tasks")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [str(house.PROGRAMS / "handover"), *operator.arguments("--apply")]
        with subprocess.Popen(command, env=operator.environment, **pipes) as process:
            assert any("locked out" in line for line in process.stderr)
            process.kill()
    done = operator.adopt("--apply")
    assert done.returncode == 3
    assert f"HO031  an adoption of {operator.database.name} was interrupted" in done.stderr
    assert operator.undo().returncode == 0
    assert changes(before, operator.snapshot()) == {}


# Sabotage of the live database → what adoption says.
MISMATCHES = {
    "DROP INDEX choreography_tasks_task_id_e6fed22c_like;"
    "ALTER TABLE choreography_tasks ALTER task_id TYPE uuid USING task_id::uuid": (
        "HO012  choreography_tasks.task_id is uuid; choreography.ChoreographyTask expects character varying(36)."
    ),
    "ALTER TABLE users ALTER display_name TYPE varchar(100)": (
        "HO012  users.display_name is character varying(100); users.User expects character varying(200)."
    ),
    "ALTER TABLE users ALTER email DROP NOT NULL": "HO013  users.email is NULL; users.User expects NOT NULL.",
    "ALTER TABLE saved_choreographies ALTER music_info SET NOT NULL": (
        "HO013  saved_choreographies.music_info is NOT NULL; choreography.SavedChoreography expects NULL."
    ),
    "ALTER TABLE saved_choreographies DROP COLUMN thumbnail_path": (
        "HO011  saved_choreographies.thumbnail_path does not exist;"
    ),
    "ALTER TABLE users ADD COLUMN phone text NOT NULL": "HO014  users.phone is NOT NULL without a default;",
    "ALTER TABLE users_groups DROP CONSTRAINT users_groups_pkey": (
        "HO015  users_groups has its primary key on nothing; users.User_groups expects id."
    ),
    "ALTER TABLE users DROP CONSTRAINT users_username_key": "HO016  users (username) is not unique;",
    "ALTER TABLE saved_choreographies DROP CONSTRAINT saved_choreographies_user_id_f5f64ad0_fk_users_id": (
        "HO017  saved_choreographies.user_id has no foreign key to users.id;"
    ),
    "CREATE TABLE badges (user_id bigint REFERENCES users)": (
        "HO019  public.badges.user_id points at users without ON DELETE; the backend does not know that table"
    ),
    "DROP TABLE django_session": "HO010  django_session does not exist in schema public;",
    "CREATE SCHEMA backend": "HO021  schema backend exists already, and no adoption made it.",
    "DELETE FROM django_migrations WHERE app = 'auth' AND name LIKE '0012%'": (
        "HO022  auth.0012_alter_user_first_name_max_length is not applied, but the backend's Django needs it"
    ),
    "INSERT INTO django_migrations (app, name, applied) VALUES ('auth', '0099_future', now())": (
        "HO023  auth.0099_future is applied, and the backend's Django does not have it"
    ),
    "ALTER TABLE choreography_tasks ADD COLUMN job_execution_name varchar(400)": (
        "HO012  choreography_tasks.job_execution_name is character varying(400);"
    ),
}


def test_adopt__index_is_missing_that_both_expect__is_reported_and_refuses_nothing(operator):
    operator.as_owner("DROP INDEX choreography_tasks_status_7ff03242")
    done = operator.adopt()
    assert done.returncode == 3
    assert "could not be asked whether it tolerates this already: HO001" in done.stderr
    operator.patch.setenv("ORIGINAL_DATABASE_URL", operator.database.url("owner"))
    done = operator.adopt()
    assert done.returncode == 0, done.stderr
    assert "tolerated by the original already: HO018 choreography_tasks (status) has no valid index" in done.stdout


@pytest.mark.parametrize(("sabotage", "message"), MISMATCHES.items())
@pytest.mark.thinned(to_one_in=3)
def test_adopt__schema_does_not_match__says_how_and_changes_nothing(operator, sabotage, message):
    operator.as_owner(sabotage)
    before = operator.snapshot()
    done = operator.adopt("--apply")
    assert done.returncode == 3
    assert "cannot be adopted as it is; nothing was changed." in done.stderr
    assert message in done.stderr
    assert changes(before, operator.snapshot()) == {}


def test_adopt__table_of_another_owner__names_the_owner(operator):
    operator.as_superuser("ALTER TABLE users OWNER TO postgres")
    done = operator.adopt("--apply")
    assert done.returncode == 3
    assert "HO020  users belongs to postgres; adoption grants rights on it, so it needs the owner." in done.stderr


def test_adopt__role_that_could_alter_the_tables__is_refused(operator):
    operator.as_superuser(f"CREATE ROLE {operator.role} LOGIN SUPERUSER")
    done = operator.adopt("--apply")
    assert done.returncode == 3
    assert f"HO026  role {operator.role} is a superuser or bypasses row security" in done.stderr
    operator.as_superuser(f"ALTER ROLE {operator.role} NOSUPERUSER", f"GRANT owner TO {operator.role}")
    done = operator.adopt("--apply")
    assert f"HO026  users could be altered by {operator.role}, a member of its owner owner." in done.stderr


def test_adopt__role_that_owns_the_tables__is_refused_in_one_sentence(operator):
    operator.config.write_text(operator.config.read_text().replace(operator.role, "owner"))
    done = operator.adopt()
    assert done.returncode == 3
    assert "HO026  role owner owns shared tables, so it could alter them" in done.stderr
    assert done.stderr.count("HO026") == 1
    assert "REVOKE" not in done.stderr


def test_adopt__a_shadow_table_appears_meanwhile__is_found_before_the_commit(operator):
    """The check inside the transaction does not rely on the survey."""
    with psycopg.connect(operator.database.url("owner")) as connection:
        connection.execute("CREATE SCHEMA backend")
        connection.execute("CREATE TABLE backend.django_migrations (id int)")
        connection.execute("CREATE TABLE backend.users (id int)")
        connection.execute(f"CREATE ROLE {operator.role}")
        connection.execute(f"GRANT {operator.role} TO CURRENT_USER")
        connection.execute(f"GRANT USAGE ON SCHEMA backend TO {operator.role}")
        with pytest.raises(Refused, match=r"HO029  after adoption .* users resolves to backend, expected public"):
            check_resolution(connection, load_config(operator.config))
        connection.rollback()


def test_adopt__wrong_database_url__is_not_repeated(operator):
    operator.environment["HANDOVER_DATABASE_URL"] = "hunter2 is my password"
    done = operator.adopt()
    assert done.returncode == 2
    assert "HANDOVER_DATABASE_URL holds no database URL; it must look like postgresql://" in done.stderr
    assert "hunter2" not in done.stderr


def test_adopt__server_not_there__says_so_without_the_password(operator):
    operator.environment["HANDOVER_DATABASE_URL"] = "postgresql://owner:hunter2@127.0.0.1:1/live"
    done = operator.adopt()
    assert done.returncode == 1
    assert "HO004  the database does not answer at 127.0.0.1, port 1." in done.stderr
    assert "hunter2" not in done.stderr
