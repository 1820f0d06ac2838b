import pytest

from handover.adoption.history import LiveState, classify
from handover.schema.models import Migration, MigrationOperation

LIVE = LiveState(
    tables={"tasks", "auth_group"},
    applied=frozenset({("auth", "0001_initial"), ("tasks", "0001_initial")}),
)


def operation(kind: str, table: str | None = None, final: str | None = "", **more: object) -> MigrationOperation:
    """Return an operation on a model with this table; ``final`` is its last table, the same by default."""
    last = table if final == "" else final
    tables = tuple(dict.fromkeys(name for name in (table, last) if name))
    told = {"column": None, "null": None, "sql": kind != "RunPython", "name": kind, **more}
    return MigrationOperation(kind=kind, table=table, final=last, tables=tables, **told)


def migration(
    name: str, *operations: MigrationOperation, app: str = "tasks", module: str = "tasks.migrations.n"
) -> Migration:
    return Migration(app=app, name=name, module=module, operations=operations)


def test_classify__table_is_there__is_recorded():
    assert classify((migration("0001", operation("CreateModel", "tasks")),), LIVE).recorded == (("tasks", "0001"),)


def test_classify__table_was_renamed_by_a_migration__is_recorded():
    steps = migration("0001", operation("CreateModel", "app_task", "tasks")), migration("0002", operation("X", "tasks"))
    assert classify(steps, LIVE).recorded == (("tasks", "0001"), ("tasks", "0002"))


def test_classify__table_of_its_own__is_run_as_its_role():
    history = classify((migration("0002", operation("CreateModel", "songs")),), LIVE)
    assert history.own == (("tasks", "0002"),)
    assert history.chosen == {("tasks", "0002"): (0,)}


def test_classify__name_in_the_live_history_but_table_missing__is_not_taken_for_applied():
    """Both systems have a tasks.0001_initial; what it says is not the same."""
    assert classify((migration("0001_initial", operation("CreateModel", "songs")),), LIVE).own == (
        ("tasks", "0001_initial"),
    )


def test_classify__mirror_and_own_table_in_one_migration__only_the_own_one_is_run():
    both = migration("0003", operation("CreateModel", "tasks"), operation("CreateModel", "songs"))
    assert classify((both,), LIVE).chosen == {("tasks", "0003"): (1,)}


def test_classify__of_an_app_that_both_have__is_copied():
    contrib = migration("0001_initial", operation("RunPython"), app="auth", module="django.contrib.auth.migrations")
    assert classify((contrib,), LIVE).copied == (("auth", "0001_initial"),)


def test_classify__operation_that_changes_no_database__is_recorded():
    assert classify((migration("0004", operation("AlterModelOptions", "songs", nothing=True)),), LIVE).recorded


def test_classify__model_is_gone_and_its_table_live__is_recorded_and_not_dropped():
    gone = migration("0001", operation("CreateModel", "tasks", None)), migration("0002", operation("X", "tasks", None))
    assert len(classify(gone, LIVE).recorded) == 2


def test_classify__removed_model_in_a_mirrored_app__is_recorded():
    """A package that both systems have made its table and removed it later."""
    gone = operation("CreateModel", "tasks_old", None), operation("DeleteModel", "tasks_old", None)
    steps = migration("0001", operation("CreateModel", "tasks"), gone[0]), migration("0002", gone[1])
    assert classify(steps, LIVE).recorded == (("tasks", "0001"), ("tasks", "0002"))
    code = migration("0001_initial", gone[0], operation("RunPython")), migration("0002", gone[1])
    assert classify((MIRROR, *code), LIVE).recorded == (MIRROR.key, ("tasks", "0001_initial"), ("tasks", "0002"))


def test_classify__code_beside_a_removed_model__is_refused_unless_it_ran():
    (finding,) = classify(
        (MIRROR, migration("0003", operation("X", "tasks_old", None), operation("RunPython"))), LIVE
    ).refused
    assert (finding.code, finding.where) == ("HO040", "tasks.0003")


def test_classify__removed_model_in_an_app_of_its_own__is_run():
    gone = migration("0001", operation("CreateModel", "songs"), operation("CreateModel", "old", None))
    assert classify((gone,), LIVE).chosen == {("tasks", "0001"): (0, 1)}


def test_classify__live_table_gets_another_name__is_refused():
    (finding,) = classify((migration("0005", operation("AlterModelTable", "tasks", "jobs")),), LIVE).refused
    assert str(finding).startswith("HO024  tasks.0005 renames the live table tasks to jobs, by AlterModelTable;")
    assert "tasks/migrations/n.py" in finding.todo


MIRROR = migration("0001", operation("CreateModel", "tasks"))


@pytest.mark.parametrize("kind", ["RunPython", "RunSQL"])
def test_classify__code_of_a_mirrored_app__is_refused_with_two_remedies(kind):
    code = migration("0006", operation(kind))
    (finding,) = classify((MIRROR, code), LIVE).refused
    assert finding.code == "HO040"
    assert 'already_true = ["tasks.0006"]' in finding.todo
    assert 'migrate_later = ["tasks.0006"]' in finding.todo
    true = LiveState(LIVE.tables, LIVE.applied, recorded=frozenset({"tasks.0006"}))
    assert classify((MIRROR, code), true).skipped == (f"tasks.0006: {kind} (tasks/migrations/n.py)",)
    later = LiveState(LIVE.tables, LIVE.applied, later=frozenset({"tasks.0006"}))
    assert classify((MIRROR, code), later).later == (("tasks", "0006"),)


def test_classify__code_of_an_app_with_tables_of_its_own__is_run():
    steps = MIRROR, migration("0002", operation("CreateModel", "songs")), migration("0003", operation("RunPython"))
    assert classify(steps, LIVE).own == (("tasks", "0002"), ("tasks", "0003"))


def test_classify__needs_one_that_is_left_for_later__is_left_too():
    needs = Migration(app="own", name="0002", module="own.m", operations=(), parents=(("own", "0001"),))
    first = migration("0001", operation("CreateModel", "songs"), app="own")
    live = LiveState(LIVE.tables, later=frozenset({"own.0001"}))
    assert classify((first, needs), live).later == (("own", "0001"), ("own", "0002"))


def test_classify__a_shared_table_is_left_for_later__is_refused():
    live = LiveState(LIVE.tables, later=frozenset({"tasks.0001"}))
    (finding,) = classify((MIRROR,), live).refused
    assert str(finding).startswith("HO041  tasks.0001 cannot run later: its CreateModel would change or create")


def test_classify__newer_or_older_than_the_live_tables__is_refused():
    django = "django.contrib.auth.migrations.x"
    steps = (migration("0002", app="auth", module=django),)
    live = LiveState(LIVE.tables, frozenset({("auth", "0001_initial")}))
    assert [finding.code for finding in classify(steps, live).refused] == ["HO022", "HO023"]


def test_classify__both_have_it_unchanged_and_it_ran__is_recorded_and_named():
    installed = migration("0001", operation("RunSQL"), app="queue", module="queue.migrations.0001")
    live = LiveState(tables={"tasks"}, applied=frozenset({("queue", "0001")}), alike=frozenset({("queue", "0001")}))
    history = classify((installed,), live)
    assert history.recorded == (("queue", "0001"),)
    assert history.skipped == ("queue.0001: RunSQL (queue/migrations/0001.py)",)


def test_classify__it_ran_and_the_original_has_another_one__is_run():
    homonym = migration("0001", operation("RunSQL"), app="queue")
    assert classify((homonym,), LiveState(tables={"tasks"}, applied=frozenset({("queue", "0001")}))).own


def test_classify__both_have_it_and_its_table_is_not_live__is_run():
    lost = migration("0001", operation("RunSQL"), operation("CreateModel", "jobs"), app="queue")
    live = LiveState(tables={"tasks"}, applied=frozenset({("queue", "0001")}), alike=frozenset({("queue", "0001")}))
    assert classify((lost,), live).own
