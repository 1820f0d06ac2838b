"""The original and backends of both phases at every stage of the evolution: who runs, and who is refused.

One database goes all the way: forward, back, forward again, and to the end. At each stage every system that may run
starts a task by a request, reads those of all others, and moves one on; every other is refused with a reason.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sandbox import house, template
from sandbox.evolved import Evolving
from sandbox.shell import LinesFailedError, SystemShell, shell_of

SONG = "short.mp3"
USERS = {"original": "original_app", "phase 1": "backend_app", "phase 2": "backend_app"}
RUNS = {
    "before": {"original", "phase 1"},
    "expanded": {"original", "phase 1", "phase 2"},
    "switched": {"original", "phase 1", "phase 2"},
    "rolled back": {"original", "phase 1"},
    "expanded again": {"original", "phase 1", "phase 2"},
    "switched again": {"original", "phase 1", "phase 2"},
    "contracted": {"phase 2"},
}
WAYS: dict[str, Callable[[Evolving], None]] = {
    "expanded": Evolving.start,
    "switched": Evolving.switch,
    "rolled back": Evolving.roll_back,
    "expanded again": Evolving.start,
    "switched again": Evolving.switch,
    "contracted": Evolving.contract,
}
REASON = "SCHEMA_PHASE is {}, which needs choreography_tasks.task_id as {}; in database {} it is {}."
REASONS = {
    "phase 1": REASON.format(1, "character varying", "{}", "uuid"),
    "phase 2": REASON.format(2, "uuid", "{}", "character varying"),
}
# Ids as people have them in bookmarks: this one is no UUID.
OLD_ID = "the task of may"

SIGN_UP = """
from django.contrib.auth import get_user_model
answer = get_user_model().objects.create_user("ana", email="ana@example.com", display_name="Ana", password="secreto")
answer = answer.pk
"""
BROWSER = """
from django.contrib.auth import get_user_model
from django.test import Client
ana = get_user_model().objects.get(username="ana")
client = Client(headers={"host": "localhost"})
client.force_login(ana)
"""
# The original's view starts a thread that makes the video, so its row is written as the view does, without the thread.
START = {
    "original": BROWSER
    + """
import uuid
from choreography.models import ChoreographyTask
answer = ChoreographyTask.objects.create(task_id=str(uuid.uuid4()), user=ana).task_id
""",
    "backend": BROWSER
    + f"""
made = client.post("/create/", {{"song_selection": "{SONG}", "difficulty": "beginner", "auto_save": "false"}})
assert made.status_code == 200, made.content
answer = made.json()["task_id"]
""",
}
READ = (
    BROWSER
    + """
told = client.get(f"/task/{task}/").json()
answer = [told["task_id"], told["status"], told["progress"]]
"""
)
RUN = {
    "original": """
from choreography.models import ChoreographyTask
ChoreographyTask.objects.filter(task_id=task).update(status="running", progress=25)
""",
    "backend": """
from django.db import transaction
from apps.choreography import progress
from apps.jobs import leases
with transaction.atomic():
    lease = leases.take(task, queue_job_id=1)
    progress.begin(lease, job_execution_name="procrastinate/jobs/1")
progress.advance(lease, "analyzing")
leases.Job.objects.filter(pk=task).update(lease_expires_at="2000-01-01T00:00Z")
""",
}
END = {
    "original": """
from choreography.models import ChoreographyTask
ChoreographyTask.objects.filter(task_id=task).update(status="failed", progress=0, error="It is silent.")
""",
    "backend": BROWSER
    + """
answer = client.post(f"/task/{task}/cancel/").json()
assert answer["previous_status"] in ("started", "running"), answer
""",
}
CONNECT = "from django.db import connection; connection.ensure_connection()"
# As the original does it at each visit of the page, for the tasks of all users.
PURGE = "from choreography.models import ChoreographyTask; ChoreographyTask.objects.all().delete()"
COUNT = "from apps.choreography.models import ChoreographyTask; answer = ChoreographyTask.objects.count()"


@pytest.fixture(scope="module")
def shells(tmp_path_factory) -> Iterator[Mapping[str, SystemShell]]:
    """The three systems' interpreters."""
    media = tmp_path_factory.mktemp("media")
    (media / "songs").mkdir()
    (media / "songs" / SONG).write_bytes(b"a song that no one hears here")
    path = {"options": "-c search_path=phase1,public"}
    with (
        shell_of("original", media=media, options=path) as original,
        shell_of("backend", media=media, SCHEMA_PHASE="1") as first,
        shell_of("backend", media=media, SCHEMA_PHASE="2") as second,
    ):
        yield {"original": original, "phase 1": first, "phase 2": second, "media": media}


def task_is(task: str) -> str:
    """Return the line that names the task which the next lines are about."""
    return f"task = {task!r}\n"


class World:
    """One database, and everyone on it."""

    def __init__(self, database: Any, shells: Mapping[str, Any], folder: Path) -> None:
        self.database, self.shells = database, shells
        self.way = Evolving(database.server, database.name, folder)

    def run(self, system: str, code: str) -> Any:
        """Let one system do something."""
        url = self.database.url(USERS[system])
        return self.shells[system].run(url, code, media=self.shells["media"])

    def kind(self, system: str, codes: Mapping[str, str]) -> str:
        return codes["original" if system == "original" else "backend"]

    def act(self, systems: set[str]) -> None:
        """Let each start a task, all read it, the next one move it on, all read it again, and the one after end it."""
        order = sorted(systems)
        for place, system in enumerate(order):
            task = self.run(system, self.kind(system, START))
            self.all_read(order, task, "started", 0)
            mover = self.of_same_kind(order, system, place + 1)
            self.run(mover, task_is(task) + self.kind(mover, RUN))
            self.all_read(order, task, "running", 25)
            last = order[(place + 2) % len(order)]
            self.run(last, task_is(task) + self.kind(last, END))

    def of_same_kind(self, order: list[str], system: str, place: int) -> str:
        """Return the next that can move the task on: only backends have jobs, and only for tasks of backends."""
        same = [one for one in order if (one == "original") == (system == "original")]
        return same[place % len(same)]

    def all_read(self, systems: list[str], task: str, status: str, progress: int) -> None:
        seen = {system: self.run(system, task_is(task) + READ) for system in systems}
        assert seen == {system: [task, status, progress] for system in systems}

    def sees_old_task(self, systems: set[str]) -> dict[str, Any]:
        """Return what each system tells of the task whose id is no UUID, asked by its old address."""
        return {system: self.run(system, task_is(OLD_ID) + READ) for system in systems}


def refusals(world: World, systems: set[str]) -> dict[str, str]:
    told = {}
    for system in systems:
        with pytest.raises(LinesFailedError) as refused:
            world.run(system, CONNECT)
        told[system] = str(refused.value)
    return told


@pytest.fixture
def world(adopted_database, shells, tmp_path) -> World:
    world = World(adopted_database, shells, tmp_path)
    user = world.run("original", SIGN_UP)
    with psycopg.connect(adopted_database.url("owner")) as session:
        session.execute(
            "INSERT INTO choreography_tasks"
            " (task_id, user_id, status, progress, stage, message, created_at, updated_at)"
            " VALUES (%s, %s, 'completed', 100, 'completed', '', now(), now())",
            [OLD_ID, user],
        )
    return world


@pytest.mark.full
def test_matrix__whole_way__each_system_runs_or_is_refused_with_a_reason(world):
    mapped = world.run("phase 1", f"from apps.choreography.task_ids import uuid_of; answer = str(uuid_of({OLD_ID!r}))")
    for stage, systems in RUNS.items():
        if stage in WAYS:
            WAYS[stage](world.way)
        world.act(systems)
        old = {system: [mapped if system == "phase 2" else OLD_ID, "completed", 100] for system in systems}
        assert world.sees_old_task(systems) == old, stage
        for system, told in refusals(world, {"phase 1", "phase 2"} - systems).items():
            assert REASONS[system].format(world.database.name) in told, stage
    # The original cannot be asked to look first; the table refuses its role.
    rows = world.run("phase 2", COUNT)
    for code in (READ, START["original"], RUN["original"], PURGE):
        with pytest.raises(LinesFailedError, match="permission denied for table choreography_tasks"):
            world.run("original", task_is(mapped) + code)
    assert world.run("phase 2", COUNT) == rows > 0
    # Nor would it write its words if it were given the rights again.
    with psycopg.connect(world.database.url("owner")) as session:
        session.execute("GRANT ALL ON choreography_tasks TO original_app")
    with pytest.raises(LinesFailedError, match="choreography_tasks_status_check"):
        world.run("original", START["original"])


@pytest.mark.full
def test_rolled_back__rows_that_phase_2_wrote__are_there_in_the_words_of_phase_1(world):
    world.way.go("switched")
    waiting = world.run("phase 2", START["backend"])
    moved = world.run("phase 2", START["backend"])
    world.run("phase 2", task_is(moved) + RUN["backend"])
    world.way.roll_back()
    for system in ("original", "phase 1"):
        assert world.run(system, task_is(waiting) + READ) == [waiting, "started", 0]
        assert world.run(system, task_is(moved) + READ) == [moved, "running", 25]


@pytest.mark.full
@pytest.mark.parametrize("system", ["original", "phase 1"])
def test_contract__session_of_the_old_shape_is_there__is_refused_and_names_it(world, system):
    world.way.go("switched")
    name = "backend-phase1 web" if system == "phase 1" else "gunicorn"
    with psycopg.connect(world.database.url(USERS[system]), application_name=name) as session:
        pid = session.info.backend_pid
        with pytest.raises(house.CommandFailedError) as refused:
            world.way.contract()
        assert f"a session expects the old shape: pid {pid} ({USERS[system]}, {name}" in str(refused.value)
    world.way.contract()


@pytest.mark.full
def test_switch__backend_of_a_version_without_phases_is_there__is_refused_and_names_it(world):
    world.way.start()
    with psycopg.connect(world.database.url("backend_app"), application_name="gunicorn") as session:
        with pytest.raises(house.CommandFailedError) as refused:
            world.way.switch()
        assert f"would meet the new names: pid {session.info.backend_pid} (backend_app, gunicorn" in str(refused.value)
    world.way.switch()


@pytest.mark.full
def test_roll_back__session_of_phase_2_is_there__waits_for_it_to_end(world):
    world.way.go("switched")
    with psycopg.connect(world.database.url("backend_app"), application_name="backend-phase2 web") as session:
        with pytest.raises(house.CommandFailedError) as refused:
            world.way.roll_back()
        assert f"pid {session.info.backend_pid} (backend_app, backend-phase2 web" in str(refused.value)
    world.way.handover("resume")
    assert world.run("phase 1", CONNECT) is None


FRESH = """
from django.db import connection
from apps.choreography.models import ChoreographyTask
with connection.schema_editor(collect_sql=True, atomic=False) as editor:
    editor.create_model(ChoreographyTask)
answer = editor.collected_sql
"""
CATALOG = """
SELECT 'column', attname, format_type(atttypid, atttypmod), attnotnull::text || attidentity::text || attgenerated::text
    || coalesce(pg_get_expr(adbin, adrelid), '')
FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
WHERE attrelid = 'public.choreography_tasks'::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'constraint', conname, pg_get_constraintdef(oid), convalidated::text || contype::text
FROM pg_constraint WHERE conrelid = 'public.choreography_tasks'::regclass
UNION ALL
SELECT 'index', relname, pg_get_indexdef(indexrelid), indisvalid::text || indisprimary::text || indisreplident::text
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = 'public.choreography_tasks'::regclass
UNION ALL
SELECT 'trigger', tgname, pg_get_triggerdef(oid), tgenabled::text
FROM pg_trigger WHERE tgrelid = 'public.choreography_tasks'::regclass AND NOT tgisinternal
UNION ALL
SELECT 'schema', nspname, '', '' FROM pg_namespace WHERE nspname LIKE 'phase%'
UNION ALL
SELECT 'function', proname, pg_get_functiondef(oid), '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""


def test_contracted__catalog__equals_a_fresh_schema_of_phase_2(shells, postgres, template_at, adopted_database):
    with template.clone(postgres, template_at("contracted")) as database:
        with psycopg.connect(database.url("owner")) as session:
            contracted = session.execute(CATALOG).fetchall()
        statements = shells["phase 2"].run(database.url("backend_app"), FRESH, media=shells["media"])
    with psycopg.connect(adopted_database.url("owner")) as session:
        assert session.execute(CATALOG).fetchall() != contracted
        session.execute("DROP TABLE public.choreography_tasks")
        for statement in statements:
            session.execute(statement)
        assert session.execute(CATALOG).fetchall() == contracted
        session.execute("CREATE INDEX left_over ON public.choreography_tasks (stage)")
        assert session.execute(CATALOG).fetchall() != contracted
