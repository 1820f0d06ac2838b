"""``init``, ``doctor`` and ``document`` as their user runs them."""

import json
import shlex

import pytest

from handover.config.config import load_config

# --- init


def test_init__two_projects__pairs_their_models_by_table(pair, python):
    written = pair.folder / "handover.toml"
    written.unlink()
    environment = pair.stage.environment("original", pair.database.name)
    arguments = ["--original", "original", "--backend", "backend", "--schema", "public"]
    settings = ["--original-settings", "settings", "--backend-settings", "settings"]
    pythons = ["--original-python", shlex.join(python), "--backend-python", shlex.join(python)]
    done = pair.handover("init", *arguments, *settings, *pythons, **environment)
    assert done.returncode == 0, done.stderr
    config = load_config(written)
    assert {m.table: (m.original, m.backend) for m in config.models} == {
        "dancers": ("dance.models.Dancer", "apps.dance.models.Dancer"),
        "dance_tasks": ("dance.models.Task", "apps.dance.models.Task"),
        "dance_videos": ("dance.models.Video", "apps.dance.models.Video"),
    }
    assert config.original is not None
    assert config.original.settings == "settings"
    # Both were asked in the original's environment, so both said its role: adoption makes another.
    assert config.backend.role == "backend_app"


def test_init__file_is_there__is_left_alone(pair):
    before = (pair.folder / "handover.toml").read_text()
    done = pair.handover("init", "--original", "original", "--backend", "backend")
    assert done.returncode == 3
    assert "exists already; nothing was written." in done.stderr
    assert (pair.folder / "handover.toml").read_text() == before


def test_init__nothing_names_the_settings__says_which_option(pair):
    (pair.folder / "handover.toml").unlink()
    done = pair.handover("init", "--original", "original", "--backend", "backend")
    assert done.returncode == 2
    assert "does not name a settings module. Name it: --original-settings, --backend-settings." in done.stderr


def test_init__folder_is_not_there__says_so(pair):
    (pair.folder / "handover.toml").unlink()
    done = pair.handover("init", "--original", "orignal", "--backend", "backend")
    assert done.returncode == 2
    assert "orignal is not a folder. Name the folder of the project's manage.py." in done.stderr


# --- doctor


def test_doctor__everything_can_be_looked_at__says_so(pair):
    done = pair.handover("doctor")
    assert done.returncode == 0, done.stdout
    assert "✅ the original answers: Django " in done.stdout
    assert "✅ 20 catalogs may be read" in done.stdout
    assert "tables may be read" in done.stdout
    assert "✅ 7 sequences may be read" in done.stdout
    assert "Everything can be checked." in done.stdout


@pytest.mark.parametrize("relation", ["dance_tasks", "dancers_id_seq"])
def test_doctor__something_may_not_be_read__gives_the_exact_grant(pair, relation):
    pair.let_read("original_app")
    pair.superuser(f"REVOKE SELECT ON {relation} FROM original_app")  # noqa: S608 - one of two names
    done = pair.handover("doctor", role="original_app")
    assert done.returncode == 1
    assert f"❌ {relation} may not be read" in done.stdout
    assert f'GRANT SELECT ON "public"."{relation}" TO "original_app";' in done.stdout
    assert "1 of " in done.stdout


def test_doctor__grant_was_run__has_nothing_left_to_say(pair):
    pair.let_read("original_app")
    assert pair.handover("doctor", role="original_app").returncode == 0


def test_doctor__system_does_not_start__goes_on_with_the_rest(pair):
    pair.change("backend/settings.py", "USE_TZ = True", "USE_TZ = no_such_name")
    done = pair.handover("doctor")
    assert done.returncode == 1
    assert "❌ the backend does not start" in done.stdout
    assert "tables may be read" in done.stdout


# --- document


def test_document__twice__is_equal_and_holds_what_only_python_knows(pair):
    one, other = pair.handover("document").stdout, pair.handover("document").stdout
    assert one == other
    assert "| `status` | character varying(20) | NOT NULL | — |" in one
    assert "default `'started'`; choices started, running, completed" in one
    assert 'dancers ||--o{ dance_tasks : "user_id"' in one
    assert "→ dancers, CASCADE, related_name `tasks`" in one


@pytest.mark.full
def test_document_diff__nothing_changed__ends_with_0(pair):
    saved = pair.folder / "saved.json"
    saved.write_text(pair.handover("document", "--json").stdout)
    done = pair.handover("document", "--diff", str(saved))
    assert done.returncode == 0
    assert done.stdout == f"Nothing changed since {saved}.\n"


def test_document_diff__after_a_change__names_it_and_ends_with_4(pair):
    saved = pair.folder / "saved.json"
    saved.write_text(pair.handover("document", "--json").stdout)
    pair.superuser("ALTER TABLE dance_tasks ADD note text")
    pair.change("backend/apps/dance/models.py", "default='started'", "default='running'")
    done = pair.handover("document", "--diff", str(saved))
    assert done.returncode == 4
    assert done.stdout.splitlines() == [
        "models > backend > dance.Task > fields > status > default: \"'started'\" → \"'running'\"",
        "tables > public.dance_tasks > columns > note: nothing → there",
    ]


def test_document_diff__markdown__is_no_saved_document(pair):
    saved = pair.folder / "saved.md"
    saved.write_text("# The schema")
    done = pair.handover("document", "--diff", str(saved))
    assert done.returncode == 2
    assert "--diff takes what `handover document --json` wrote." in done.stderr


def test_document_strategy__names_models_tables_and_related_names(pair):
    text = pair.handover("document", "--strategy").stdout
    assert "- **Backend:** `apps.dance.models.Task`" in text
    assert "- primary key task_id (CharField(36))" in text
    assert "- no new fields: an exact mirror" in text
    assert "| dance.Video | `user` | dance.Dancer | `videos` |" in text


def test_document__system_does_not_start__writes_no_half_document(pair):
    pair.change("original/settings.py", "USE_TZ = True", "USE_TZ = no_such_name")
    done = pair.handover("document", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "HO006  the document would not be complete:" in done.stderr


def test_document__json__holds_no_secret(pair):
    document = json.loads(pair.handover("document", "--json").stdout)
    assert "secret_key" not in document["systems"]["original"]["settings"]
    assert "drift" not in json.dumps(document["systems"]["original"]["settings"]["database"]["options"])
