"""While an evolution is under way, the proofs know the table's own names of the columns that a system sees."""

from handover.proof.shape_names import shape_names
from handover_testing.evolving_fixtures import evolving, one

__all__ = ["evolving", "one"]
VALUES = {"kind": "rename_values", "table": "t", "column": "a", "values": {"started": "pending"}}


def seen(one, schema):
    """Return the table's names of the columns that sessions with this schema before the table see."""
    (found,) = one.execute("SELECT to_regclass('t')::oid::bigint", path=f"{schema}, public")
    return dict(shape_names(one.session, *found))


def test_shape_names__at_each_stage__are_those_behind_the_view_of_each_shape(one):
    one.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
    plan = one.plan(VALUES)
    one.run(plan, "start")
    assert seen(one, "phase1") == {"id": "id", "a": "a"}
    assert seen(one, "phase2") == {"id": "id", "a": "a_v2"}
    one.run(plan, "switch")
    assert seen(one, "phase1") == {"id": "id", "a": "a_v1"}
    assert seen(one, "phase2") == {"id": "id", "a": "a"}
    assert seen(one, "public") == {}
    assert shape_names(one.session, 0) == {}
