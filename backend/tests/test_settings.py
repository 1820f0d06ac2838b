"""Settings come from the environment, and the reference lists every one."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

BACKEND = Path(__file__).resolve().parent.parent
READ = re.findall(r'_env\.\w+\(\s*"(\w+)"', (BACKEND / "config" / "env.py").read_text())
REFERENCE = (BACKEND.parent / "docs" / "reference" / "settings.md").read_text()
REQUIRED = {"SECRET_KEY": "x", "DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "MEDIA_ROOT": "/srv/media"}


def load(
    environment: dict[str, str], show: str = "", *, command: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in READ}
    return subprocess.run(
        [sys.executable, *(command or ["-c", f"from config import settings; print({show})"])],
        cwd=BACKEND,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_required_setting__missing__is_named(name):
    done = load({key: value for key, value in REQUIRED.items() if key != name})
    assert done.returncode == 1
    assert f"Set the {name} environment variable" in done.stderr


def test_defaults__are_safe():
    shown = load(REQUIRED, "settings.DEBUG, settings.ALLOWED_HOSTS, settings.MOVES_LIBRARY, settings.SONG_MAX_MB")
    assert shown.stdout == "False ['localhost', '127.0.0.1', '[::1]'] /srv/media/Bachata_steps 50\n"


def test_database_url__asks_for_tls__is_heard():
    url = {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x?sslmode=verify-full&sslrootcert=/srv/ca.pem&connect_timeout=3"}
    shown = load(REQUIRED | url, "settings.DATABASES['default']['OPTIONS']").stdout
    options = ast.literal_eval(shown)
    assert options["options"].startswith("-c search_path=backend,phase1,public ")
    # The URL wins over the settings' own.
    asked = {"sslmode": "verify-full", "sslrootcert": "/srv/ca.pem", "connect_timeout": 3}
    assert {name: options[name] for name in asked} == asked


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"STORAGE": "s3"}, "STORAGE is 's3'; it must be 'directory' or 'gcs'."),
        ({"STORAGE": "gcs"}, "Set the GS_BUCKET_NAME environment variable"),
        (
            {"STORAGE": "gcs", "GS_BUCKET_NAME": ""},
            "GS_BUCKET_NAME is empty; with STORAGE=gcs it must name the bucket.",
        ),
        (
            {"GS_API_ENDPOINT": "https://storage.example/v1"},
            "GS_API_ENDPOINT is 'https://storage.example/v1'; it must be like https://storage.googleapis.com",
        ),
        ({"JOBS": "lambda"}, "JOBS is 'lambda'; it must be 'workers' or 'cloud-run'."),
        ({"JOBS": "cloud-run"}, "Set the RUN_JOB environment variable"),
        (
            {"JOBS": "cloud-run", "RUN_JOB": "generate"},
            "RUN_JOB is 'generate'; with JOBS=cloud-run it must be the full name of the job, like projects/",
        ),
        ({"RUN_API_ENDPOINT": "run.googleapis.com"}, "RUN_API_ENDPOINT is 'run.googleapis.com'; it must be like https"),
    ],
)
def test_storage_and_jobs__wrong_or_missing__stops_the_start_and_says_why(environment, message):
    done = load(REQUIRED | environment)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"SONG_MAX_MB": "many"},
            "SONG_MAX_MB is 'many'; it must be a whole number of 1 or more, of at most 12 digits.",
        ),
        ({"SONG_MAX_MB": "0"}, "SONG_MAX_MB is 0; it must be 1 or more."),
        ({"USER_SONGS_LIMIT": "-1"}, "USER_SONGS_LIMIT is -1; it must be 0 or more."),
        ({"REGISTRATIONS_PER_ADDRESS": "0"}, "REGISTRATIONS_PER_ADDRESS is 0; it must be 1 or more."),
        ({"PARALLEL_RUNNING_LIMIT": "-1"}, "PARALLEL_RUNNING_LIMIT is -1; it must be 0 or more."),
        ({"JOB_LEASE_S": "30s"}, "JOB_LEASE_S is '30s'; it must be a number, above 0, of at most 999999."),
        ({"JOB_SWEEP_S": "0"}, "JOB_SWEEP_S is 0; it must be above 0."),
        ({"WEB_STATEMENT_S": "nan"}, "WEB_STATEMENT_S is 'nan'; it must be a number, 0 or more, of at most 999999."),
        ({"ELASTICSEARCH_BUDGET_S": "0"}, "ELASTICSEARCH_BUDGET_S is 0; it must be above 0."),
        ({"ELASTICSEARCH_BUDGET_S": "901"}, "ELASTICSEARCH_BUDGET_S is 901; it must be at most JOB_TIME_LIMIT_S, 900."),
        ({"SECOND_FACTOR": "enabled"}, "SECOND_FACTOR is 'enabled'; it must be 'on' or 'off'."),
        (
            {"ELASTICSEARCH_URL": "search:9200"},
            "ELASTICSEARCH_URL is no address; it must be like http://127.0.0.1:9200.",
        ),
        ({"DATABASE_URL": "mysql://u:hidden@db/x"}, "DATABASE_URL is no address of a PostgreSQL database; it must be"),
        ({"DATABASE_URL": "postgresql://u:hidden@db:port/x"}, "DATABASE_URL is no address of a PostgreSQL database;"),
        (
            {"EMAIL_URL": "smpt://u:hidden@mail"},
            "EMAIL_URL is no address of a mail server; it must be like smtp+tls://",
        ),
        ({"SECRET_KEY": ""}, "SECRET_KEY is empty; docs/reference/settings.md says what it must be."),
        ({"MEDIA_ROOT": ""}, "MEDIA_ROOT is empty; docs/reference/settings.md says what it must be."),
        ({"MOVES_LIBRARY": ""}, "MOVES_LIBRARY is empty; docs/reference/settings.md says what it must be."),
        (
            {"ELASTICSEARCH_URL": "http://u:hidden@search:99999"},
            "ELASTICSEARCH_URL is no address; it must be like http",
        ),
        ({"ELASTICSEARCH_URL": "http://[::1"}, "ELASTICSEARCH_URL is no address; it must be like http"),
        ({"ELASTICSEARCH_API_KEY": "hidden\n"}, "ELASTICSEARCH_API_KEY has spaces, or letters that no key has;"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:99999"}, "OTEL_EXPORTER_OTLP_ENDPOINT is 'http://h:99999'; it must"),
        ({"MAIL_FROM": "no-reply"}, "MAIL_FROM is 'no-reply'; it must be like Compás <no-reply@compas.example>."),
        ({"EVENTS_KEPT_DAYS": "1000000"}, "EVENTS_KEPT_DAYS is 1000000; it must be at most 999999."),
        ({"TOKEN_MAX_DAYS": "999999999999"}, "TOKEN_MAX_DAYS is 999999999999; it must be at most 999999."),
        ({"ALLOWED_HOSTS": " ,"}, "ALLOWED_HOSTS is empty; it must name the hosts that are answered."),
        (
            {"ALLOWED_HOSTS": "compas.example,https://compas.example"},
            "ALLOWED_HOSTS has 'https://compas.example'; each must be the name of a host, like compas.example,",
        ),
        ({"ALLOWED_HOSTS": "compas.example:8000"}, "ALLOWED_HOSTS has 'compas.example:8000'; each must be the name of"),
        ({"METRICS_BIND": "127.0.0.1:65536"}, "METRICS_BIND is '127.0.0.1:65536'; it must be like 127.0.0.1:9464."),
    ],
)
def test_setting__that_cannot_be_meant__stops_a_command_with_one_sentence(environment, message):
    done = load(REQUIRED | environment, command=["manage.py", "sweep_files"])
    assert done.returncode == 1
    assert done.stderr.startswith(message), done.stderr
    assert (done.stderr.count("\n"), "hidden" in done.stderr) == (1, False), done.stderr


def test_secret_key__begins_like_a_variable__is_taken_as_it_is():
    assert load(REQUIRED | {"SECRET_KEY": "$k3y"}, "settings.SECRET_KEY").stdout == "$k3y\n"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"STORAGE": "s3"}, "STORAGE is 's3'; it must be 'directory' or 'gcs'."),
        ({}, "The database was not reached: "),
    ],
)
@pytest.mark.parametrize(
    "command", [["manage.py", "procrastinate", "worker"], ["-m", "gunicorn", "--bind", "127.0.0.1:0"]]
)
def test_process__that_cannot_start__says_why_without_a_traceback(command, environment, message):
    done = load(REQUIRED | environment, command=command)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def test_cache__default__lies_beside_the_media():
    assert load(REQUIRED, "settings.BACHATEO_CACHE").stdout == "/srv/cache\n"


def test_reference__lists_exactly_what_is_read():
    assert re.findall(r"^\| `([A-Z_]+)` \| (?:none|off|`.+`) \|", REFERENCE.split("## Fixed")[0], re.MULTILINE) == READ


def test_only_one_module_reads_the_environment():
    readers = {
        path.relative_to(BACKEND).as_posix()
        for path in BACKEND.rglob("*.py")
        if "tests" not in path.parts
        and re.search(r"os\.environ\b(?!\.setdefault)|getenv|import environ", path.read_text())
    }
    assert readers == {"config/env.py"}
