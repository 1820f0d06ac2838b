"""One id leads from a request to the worker's lines; lines of the log are JSON; Prometheus is answered on a port."""

import io
import json
import logging
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.models.functions import Now
from django.test import Client, RequestFactory
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from apps.generation.worker import make_next
from apps.jobs.models import Job
from apps.monitoring.metrics import QueueCollector, ReadyCollector
from config import logs, traces
from config.refusals import WithoutLinks
from sandbox import house
from sandbox.ports import free_port
from tests.conftest import connected_to, make_user
from tests.generating import SONG, place_song, start
from tests.test_following import backend
from tests.workers import workers_on

ID = "0af7651916cd43dd8448eb211c80319c"
OTHER = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def lines(settings) -> Iterator[io.StringIO]:
    """What a process with LOG_FORMAT=json writes."""
    settings.LOG_FORMAT = "json"
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter())
    handler.addFilter(WithoutLinks())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def read(lines: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-Request-ID": ID}, ID),
        ({"X-Request-ID": ID.upper()}, ID),
        ({"traceparent": f"00-{ID}-00f067aa0ba902b7-01"}, ID),
        ({"X-Request-ID": OTHER, "traceparent": f"00-{ID}-00f067aa0ba902b7-01"}, OTHER),
        ({"X-Request-ID": "0" * 32}, None),
        ({"X-Request-ID": f'{ID}", "severity": "x'}, None),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None),
        ({}, None),
    ],
)
def test_request_id__is_a_trace_id_that_the_front_gave__or_a_new_one(headers, found):
    request = RequestFactory().get("/", headers=headers)
    ids = {traces.id_of(request) for _ in range(2)}
    if found:
        assert ids == {found}
    else:
        assert len(ids) == 2
        assert not [one for one in ids if not traces._ID.fullmatch(one)]


def test_request__has_a_line_with_its_id__and_none_of_a_secret_link(db, lines):
    answer = Client().get("/shared/very-secret", headers={"X-Request-ID": ID})
    assert answer["X-Request-ID"] == ID
    (line,) = [line for line in read(lines) if line["logger"] == "config.requests"]
    assert line.pop("seconds") >= 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "severity": "INFO",
        "logger": "config.requests",
        "message": "GET /shared/… 404",
        "request_id": ID,
        "status": 404,
    }
    assert "very-secret" not in lines.getvalue()


def test_request__that_a_balancer_asks__has_no_line(db, lines):
    Client().get("/api/health")
    assert not [line for line in read(lines) if line["logger"] == "config.requests"]


def test_lines_after_a_request__bear_no_id_of_it(db, lines):
    Client().get("/login", headers={"X-Request-ID": ID})
    logging.getLogger("later").info("something else")
    assert "request_id" not in read(lines)[-1]


def test_fault__is_one_line_with_the_traceback(lines):
    try:
        json.loads("\n")
    except ValueError:
        logging.getLogger("faulty").exception("it failed")
    (line,) = read(lines)
    assert (line["severity"], line["message"]) == ("ERROR", "it failed")
    assert line["exception"].startswith("Traceback")
    assert "\njson.decoder.JSONDecodeError: " in line["exception"]


def test_generation__the_workers_lines_bear_the_id_of_the_request(own_database, lines, demo_song, settings):
    place_song(demo_song)
    client = Client()
    client.force_login(make_user("ana"))
    wishes = {"song": SONG, "difficulty": "beginner"}
    answer = client.post("/api/choreography/generate", wishes, "application/json", headers={"X-Request-ID": ID})
    task_id = answer.json()["task_id"]
    settings.MOVES_LIBRARY = Path("/nowhere")  # so the run ends soon, and says why
    make_next(queue_job_id=1)
    of_run = [line for line in read(lines) if line.get("task_id") == task_id]
    assert {line["request_id"] for line in of_run} == {ID}
    assert len({line["run_id"] for line in of_run}) == 1
    begun, *between, ended = of_run
    assert (begun["message"], begun["attempt"]) == ("begins", 1)
    assert [line["severity"] for line in between] == ["ERROR"]
    assert (ended["message"], ended["outcome"]) == ("ended: failed", "failed")
    assert ended["seconds"] > 0


def test_generation__asked_again_with_its_key_in_another_request__is_the_same(own_database, demo_song):
    place_song(demo_song)
    client = Client()
    client.force_login(make_user("ana"))
    tasks = [
        client.post(
            "/api/choreography/generate",
            {"song": SONG, "difficulty": "beginner"},
            "application/json",
            headers={"X-Request-ID": one, "Idempotency-Key": "a-key"},
        ).json()["task_id"]
        for one in (ID, OTHER)
    ]
    assert tasks[0] == tasks[1]
    assert Job.objects.get(pk=tasks[0]).request["request_id"] == ID


def scraped(*collectors) -> dict[str, float]:
    registry = CollectorRegistry(auto_describe=False)
    for collector in collectors:
        registry.register(collector)
    return values(generate_latest(registry).decode())


def values(text: str) -> dict[str, float]:
    rows = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


def test_metrics__of_the_queue__count_what_waits(own_database, demo_song):
    place_song(demo_song)
    ana = make_user("ana")
    first, second = start(ana), start(ana)
    Job.objects.filter(pk=second.pk).update(token=ID, lease_expires_at="2000-01-01T00:00Z")
    found = scraped(QueueCollector())
    assert found.pop("compas_oldest_waiting_seconds") > 0
    assert found == {
        "compas_database_up": 1,
        'compas_jobs{state="waiting"}': 1,
        'compas_jobs{state="taken"}': 0,
        'compas_jobs{state="left_behind"}': 1,
        "compas_workers": 0,
        'compas_calls{queue="generate"}': 2,
        'compas_calls{queue="ingest"}': 0,
    }
    assert first.pk != second.pk


def test_metrics__without_the_database__say_so_and_invent_nothing(django_db_blocker):
    with django_db_blocker.unblock(), connected_to("postgresql://backend_app:secret@127.0.0.1:1/nowhere"):
        assert scraped(QueueCollector()) == {"compas_database_up": 0}


def test_metrics__of_what_is_needed__are_those_of_ready(own_database, settings, moves_library):
    settings.MOVES_LIBRARY = moves_library
    found = scraped(ReadyCollector())
    told = Client().get("/api/ready").json()["checks"]
    assert found == {f'compas_ready{{check="{name}"}}': float(told[name] == "ok") for name in told}
    assert set(found.values()) == {0.0, 1.0}, "no worker runs here, and the database is there"


def test_metrics__of_requests__name_the_view_and_never_what_was_typed(db):
    Client().generic("BREW", "/login")
    Client().get("/api/collections/6b1f8d52")
    names = [name for name in scraped_all() if name.startswith("compas_request_seconds_count")]
    assert 'compas_request_seconds_count{method="other",status="405",view="web:login"}' in names
    assert not [name for name in names if "6b1f8d52" in name or "BREW" in name]


def scraped_all() -> dict[str, float]:
    return values(generate_latest(REGISTRY).decode())


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LOG_FORMAT", "xml", "LOG_FORMAT is 'xml'; it must be 'lines' or 'json'."),
        ("METRICS_BIND", "9464", "METRICS_BIND is '9464'; it must be like 127.0.0.1:9464."),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "it must be like http://127.0.0.1:4318."),
    ],
)
def test_setting__that_cannot_be_meant__stops_the_start(name, value, says):
    environment = house.system_environment(database_url="postgresql://x", media=Path("/srv"), secret_key="unused")
    done = subprocess.run(
        [sys.executable, "-c", "from config import settings"],
        cwd=house.ROOT / "backend",
        env=environment | {name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, says in done.stderr) == (1, True), done.stderr


def test_metrics__more_processes_than_one__are_refused():
    environment = house.system_environment(database_url="postgresql://x", media=Path("/srv"), secret_key="unused")
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:0"],
        cwd=house.ROOT / "backend",
        env=environment | {"METRICS_BIND": "127.0.0.1:9464"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "METRICS_BIND is 127.0.0.1:9464 and there are 2 processes" in done.stderr


def test_traces__endpoint_without_the_packages__stops_the_start(settings, monkeypatch):
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:4318"
    traces.require()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match="its extra `tracing`"):
        traces.require()


def test_traces__request_and_run__are_spans_of_one_trace(own_database, settings, monkeypatch, demo_song):
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(traces, "_provider", lambda: provider)
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:4318"
    settings.MOVES_LIBRARY = Path("/nowhere")
    place_song(demo_song)
    client = Client()
    client.force_login(make_user("ana"))
    wishes = {"song": SONG, "difficulty": "beginner"}
    client.post("/api/choreography/generate", wishes, "application/json", headers={"X-Request-ID": ID})
    make_next(queue_job_id=1)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"request", "run"}
    assert {span.context.trace_id for span in spans.values()} == {int(ID, 16)}
    assert spans["run"].attributes["attempt"] == 1


def test_worker__by_its_settings__writes_json_and_answers_prometheus(
    own_database, tmp_path, demo_song, settings, moves_library
):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    port = free_port()
    task = start(make_user("ana"))
    with workers_on(own_database, tmp_path, LOG_FORMAT="json", METRICS_BIND=f"127.0.0.1:{port}") as workers:
        name = workers.start()
        counted = 'compas_run_seconds_count{outcome="completed"}'
        found = workers.until(lambda: of_process(port).get(counted) and of_process(port), "the run is counted")
        assert found[counted] == 1
        assert found["compas_last_sweep_timestamp_seconds"] > 1e9
        assert found["process_resident_memory_bytes"] > 1e6
        written = [json.loads(line) for line in workers.log(name).read_text().splitlines()]
    assert "Launching a worker on all queues" in [line["message"] for line in written]
    assert [line["message"] for line in written if line.get("task_id") == task.pk][-1] == "ended: completed"


def of_process(port: int) -> dict[str, float]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return values(answer.read().decode())
    except OSError:
        return {}  # it has not begun to listen


def asked_for(text: str) -> set[str]:
    """Return the metrics that queries ask for."""
    return set(re.findall(r"\b(?:compas|handover|process)_[a-z_]+", text))


def told() -> set[str]:
    """Return every metric there is: of a web server, of a worker, of any process, and of the night."""
    sums = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
    collectors = (REGISTRY, QueueCollector(), ReadyCollector())
    families = [family for collector in collectors for family in collector.collect()]
    names = {family.name + end for family in families for end in sums.get(family.type, ("",))}
    night = (house.ROOT / "docs/reference/events.md").read_text()
    return names | set(re.findall(r"`(handover_[a-z_]+)`", night))


@pytest.mark.parametrize("name", ["grafana.json", "alerts.yml", "alerts.test.yml"])
def test_dashboard_and_alerts__ask_for_metrics_that_are_told(own_database, settings, moves_library, name):
    settings.MOVES_LIBRARY = moves_library
    began = make_user("ana")
    Job.objects.create(
        task_id=ID, user=began, request={}, created_at=Now(), began_at=Now(), ended_at=Now(), outcome="completed"
    )
    text = (house.ROOT / "deploy/monitoring" / name).read_text()
    assert len(asked_for(text)) > 5
    assert asked_for(text) - told() == set()
    planted = text.replace("compas_jobs", "compas_jobz").replace("_seconds_bucket", "_seconds_bukket")
    assert len(asked_for(planted) - told()) >= 2


def test_dashboard__each_panel__has_a_query_and_a_place():
    board = json.loads((house.ROOT / "deploy/monitoring/grafana.json").read_text())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    assert all(target["expr"] for panel in panels for target in panel["targets"])


def test_server__by_its_settings__writes_json_and_answers_prometheus(own_database, tmp_path):
    port = free_port()
    more = {"LOG_FORMAT": "json", "METRICS_BIND": f"127.0.0.1:{port}", "MOVES_LIBRARY": "/nowhere"}
    with backend(own_database, tmp_path, **more) as server:
        asked = urllib.request.Request(f"http://127.0.0.1:{server.port}/login", headers={"X-Request-ID": ID})
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            assert answer.headers["X-Request-ID"] == ID
        found = of_process(port)
    assert found['compas_request_seconds_count{method="GET",status="200",view="web:login"}'] == 1
    assert (found["compas_database_up"], found['compas_ready{check="library"}']) == (1, 0)
    written = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {line["logger"] for line in written} >= {"gunicorn.error", "config.requests", "config.metrics"}
    assert [line["message"] for line in written if line.get("request_id") == ID] == ["GET /login 200"]
