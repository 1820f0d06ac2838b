import pytest

from handover.adoption.history import Live, classify
from handover.schema.models import Migration, Operation

LIVE = Live(
    columns={"tasks": {"id"}, "auth_group": {"id"}},
    shared=frozenset({"tasks", "auth_group"}),
    new_columns=frozenset({("tasks", "job")}),
    applied=frozenset({("auth", "0001_initial"), ("tasks", "0001_initial")}),
)


def operation(kind: str, table: str | None = None, column: str | None = None, *, null: bool | None = None) -> Operation:
    return Operation(kind=kind, table=table, column=column, null=null, sql=kind != "RunPython")


def migration(name: str, *operations: Operation, app: str = "tasks", module: str = "tasks.migrations") -> Migration:
    return Migration(app=app, name=name, module=module, operations=operations)


def test_classify__table_is_there__is_recorded():
    assert classify((migration("0001", operation("CreateModel", "tasks")),), LIVE).recorded == (("tasks", "0001"),)


def test_classify__name_in_the_live_history_but_column_missing__is_not_taken_for_applied():
    """Both systems have a tasks.0001_initial; what it says is not the same."""
    adds = migration("0001_initial", operation("AddField", "tasks", "job", null=True))
    assert classify((adds,), LIVE).additive == (("tasks", "0001_initial"),)


def test_classify__table_of_its_own__is_run_as_its_role():
    assert classify((migration("0002", operation("CreateModel", "songs")),), LIVE).own == (("tasks", "0002"),)


def test_classify__of_an_app_that_both_have__is_copied():
    contrib = migration("0001_initial", operation("RunPython"), app="auth", module="django.contrib.auth.migrations")
    assert classify((contrib,), LIVE).copied == (("auth", "0001_initial"),)


REFUSED = {
    "undeclared column": (operation("AddField", "tasks", "surprise", null=True), "HO024"),
    "column that must be filled": (operation("AddField", "tasks", "job", null=False), "HO024"),
    "changed column": (operation("AlterField", "tasks", "gone"), "HO024"),
    "removed column": (operation("RemoveField", "tasks"), "HO024"),
    "dropped table": (operation("DeleteModel", "tasks"), "HO024"),
    "renamed column": (operation("RenameField", "tasks"), "HO024"),
    "code that is no SQL": (operation("RunPython"), "HO025"),
}


@pytest.mark.parametrize(("what", "code"), REFUSED.values(), ids=REFUSED)
def test_classify__does_more_to_a_shared_table__is_refused(what, code):
    history = classify((migration("0009", what),), LIVE)
    assert [f.code for f in history.refused] == [code]
    assert history.own == history.recorded == history.additive == ()


def test_classify__mirror_and_own_table_in_one_migration__is_refused():
    both = migration("0003", operation("CreateModel", "tasks"), operation("CreateModel", "songs"))
    (finding,) = classify((both,), LIVE).refused
    assert str(finding).startswith("HO024  tasks.0003 does more to tasks than add a declared nullable column;")
