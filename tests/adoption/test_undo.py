import psycopg
import pytest

from sandbox.snapshot import changes


def test_undo__after_both_systems_wrote__leaves_no_trace(operator):
    operator.as_owner(
        "INSERT INTO users (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,"
        " date_joined, display_name, is_instructor, preferences)"
        " VALUES ('!', false, 'ana', '', '', 'ana@example.org', true, true, now(), 'Ana', false, '{}')",
        "INSERT INTO auth_group (name) VALUES ('teachers')",
        "INSERT INTO auth_group_permissions (group_id, permission_id)"
        " SELECT g.id, p.id FROM auth_group g, auth_permission p WHERE p.codename = 'view_user'",
        "INSERT INTO choreography_tasks SELECT 'not-a-uuid', 'running', 10, 's', 'm', NULL, NULL, now(), now(), id"
        " FROM users",
    )
    before = operator.snapshot()
    assert operator.adopt("--apply").returncode == 0
    with operator.as_backend() as backend:
        backend.execute(
            "INSERT INTO songs (file_name, title, sha256, size, duration_s, uploaded_at, uploaded_by_id)"
            " SELECT 'a.mp3', 'A', 'x', 1, 1, now(), id FROM users"
        )
        backend.execute("UPDATE choreography_tasks SET job_execution_name = 'procrastinate/jobs/1'")
        # What an administrator may do with rows that came with the adoption.
        backend.execute(
            "INSERT INTO auth_group_permissions (group_id, permission_id)"
            " SELECT g.id, p.id FROM auth_group g, auth_permission p WHERE p.codename = 'add_song'"
        )
        backend.execute(
            "INSERT INTO users_user_permissions (user_id, permission_id)"
            " SELECT u.id, p.id FROM users u, auth_permission p WHERE p.codename = 'view_song'"
        )
    done = operator.undo()
    assert done.returncode == 0, done.stderr
    assert "1 row: backend.songs" in done.stdout
    assert "1 row: values of choreography_tasks.job_execution_name" in done.stdout
    assert changes(before, operator.snapshot()) == {}


@pytest.mark.full
def test_undo__an_admin_log_entry_about_a_backend_model__keeps_the_entry(operator):
    operator.as_owner(
        "INSERT INTO users (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,"
        " date_joined, display_name, is_instructor, preferences)"
        " VALUES ('!', false, 'ana', '', '', '', true, true, now(), 'Ana', false, '{}')"
    )
    operator.adopt("--apply")
    with operator.as_backend() as backend:
        backend.execute(
            "INSERT INTO django_admin_log"
            " (action_time, object_repr, action_flag, change_message, content_type_id, user_id)"
            " SELECT now(), 'a song', 1, '', t.id, u.id FROM users u, django_content_type t WHERE t.model = 'song'"
        )
    assert operator.undo().returncode == 0
    with psycopg.connect(operator.database.url("owner")) as connection:
        rows = connection.execute("SELECT object_repr, content_type_id FROM django_admin_log").fetchall()
    assert rows == [("a song", None)]


def test_undo__without_apply__shows_what_is_lost_and_changes_nothing(operator):
    operator.adopt("--apply")
    before = operator.snapshot()
    done = operator.adopt("--undo")
    assert done.returncode == 0
    assert "Its schema, with everything in it" in done.stdout
    assert "The undo destroys this data for good:\n  nothing; its tables are empty" in done.stdout
    script = operator.adopt("--undo", "--sql")
    assert "DROP SCHEMA" in script.stdout
    assert changes(before, operator.snapshot()) == {}


def test_undo__another_name_typed__is_refused_and_changes_nothing(operator):
    operator.adopt("--apply")
    before = operator.snapshot()
    done = operator.adopt("--undo", "--apply", "--confirm", "production")
    assert done.returncode == 3
    assert f"HO005  'production' is not '{operator.database.name}', the database to confirm" in done.stderr
    assert changes(before, operator.snapshot()) == {}


@pytest.mark.full
def test_undo__backend_still_connected__names_the_session_and_changes_nothing(operator):
    operator.adopt("--apply")
    before = operator.snapshot()
    with operator.as_backend() as backend:
        backend.execute("SELECT 1")
        done = operator.undo()
        assert done.returncode == 3
        assert f"HO027  {operator.role} is connected: pid {backend.info.backend_pid} (no name)." in done.stderr
    assert changes(before, operator.snapshot()) == {}


def test_undo__no_adoption__is_refused(operator):
    done = operator.undo()
    assert done.returncode == 3
    assert f"HO030  {operator.database.name} has no backend.handover_adoption: no adoption is recorded" in done.stderr


@pytest.mark.full
def test_undo__role_was_there_before__gets_its_settings_back(operator):
    operator.as_superuser(
        f"CREATE ROLE {operator.role} LOGIN", f"ALTER ROLE {operator.role} SET search_path = a, public"
    )
    operator.as_superuser(f"GRANT {operator.role} TO owner WITH ADMIN OPTION")
    before = operator.snapshot()
    assert operator.adopt("--apply").returncode == 0
    assert operator.undo().returncode == 0
    assert changes(before, operator.snapshot()) == {}


@pytest.mark.full
def test_undo__role_rights_and_column_were_there_before__stay(operator):
    """

    import pytestA careful administrator prepared everything, and the column holds values already."""
    role = operator.role
    operator.as_owner(
        f"CREATE ROLE {role} LOGIN",
        f"GRANT SELECT ON users TO {role}",
        "ALTER TABLE choreography_tasks ADD COLUMN job_execution_name varchar(500)",
        "INSERT INTO users (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,"
        " date_joined, display_name, is_instructor, preferences)"
        " VALUES ('!', false, 'ana', '', '', '', true, true, now(), 'Ana', false, '{}')",
        "INSERT INTO choreography_tasks SELECT 't', 'running', 10, 's', 'm', NULL, NULL, now(), now(), id, 'mine'"
        " FROM users",
    )
    before = operator.snapshot()
    done = operator.adopt("--apply")
    assert done.returncode == 0, done.stderr
    with operator.database.server.connect(operator.database.name) as connection:
        connection.execute(f"SET ROLE {role}")
        assert connection.execute("SELECT job_execution_name FROM public.choreography_tasks").fetchone() == ("mine",)
    assert operator.undo().returncode == 0
    assert changes(before, operator.snapshot()) == {}


@pytest.mark.full
def test_undo__another_database_uses_the_role__keeps_it_as_it_is(operator, original_template):
    operator.adopt("--apply")
    server, copy = operator.database.server, f"{operator.database.name}_copy"
    server.create_database(copy, template=operator.database.name)
    try:
        plan = operator.adopt("--undo")
        assert f"The role stays as it is: {copy} uses it too" in plan.stdout
        assert operator.undo().returncode == 0
        with server.connect(copy) as connection:
            setting = connection.execute(
                "SELECT rolconfig FROM pg_roles WHERE rolname = %s", [operator.role]
            ).fetchone()
        assert setting == (["search_path=backend, public"],)
    finally:
        server.drop_database(copy)


@pytest.mark.full
def test_undo__then_adopt_again__works(operator):
    operator.adopt("--apply")
    operator.undo()
    assert operator.adopt("--apply").returncode == 0
