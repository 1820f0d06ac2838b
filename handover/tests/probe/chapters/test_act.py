"""The chapter ``act`` uses a system's own ORM on rows of a real database."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from handover.config.config import load_config
from handover.errors import RaisedError
from handover.probe.client import probe
from handover.probe.wire import JSON_NULL, Strange, decode, encode, same, shown
from handover.side import Side
from handover_testing.drifts.shapes import DANCE, LAB, LIBRARY
from handover_testing.pair import toml
from sandbox import template

KEY = UUID("00000000-0000-4000-8000-000000000001")
NOON = datetime(2024, 3, 31, 12, 0, 0, 7, UTC)


@pytest.fixture
def agent(players, postgres, python, tmp_path, request):
    """Give an agent of a shape's original with the chapter loaded."""
    stage = players[request.param.name].stage
    with template.clone(postgres, stage.database) as database:
        stage.write(tmp_path, stage.pair)
        (tmp_path / "handover.toml").write_text(toml(stage, "postgres", python))
        config = load_config(tmp_path / "handover.toml")
        where = {"NAME": database.name}
        with probe("the original", config.system(Side.ORIGINAL), tmp_path, act_on=where) as it:
            it.load("act")
            yield it


on = pytest.mark.parametrize


@on("agent", [LAB], indirect=True)
def test_act__every_type__comes_back_unchanged(agent):
    values = {
        "id": KEY,
        "code": "a",
        "tags": ["one", ""],
        "facts": {"z": 1, "a": [None, True, 1.5, "ñ"], "m": {}},
        "weight": float("nan"),
        "count": -(2**63),
        "taken_at": NOON,
        "kept_for": timedelta(-1, 3, 7),
        "archived": True,
        "owner_address": "10.0.0.1",
    }
    sent = {name: encode(value) for name, value in values.items()}
    assert agent.ask("create", model="lab.Sample", values=sent) == encode(KEY)
    got = agent.ask("get", model="lab.models.Sample", where={"id": encode(KEY)})
    # jsonb sorts keys by length, then by letter; everything else stays.
    sent["facts"] = encode({"a": [None, True, 1.5, "ñ"], "m": {}, "z": 1})
    assert {name: got[name] for name in sent} == sent
    assert got["image"] == ["file", ""]  # what Django writes for no file
    assert got["extra"] is None


@on("agent", [LAB], indirect=True)
def test_act__nan_and_json_null__differ_from_similar_values(agent):
    rows = [{"id": encode(UUID(int=n)), "code": f"c{n}", "taken_at": encode(NOON)} for n in (1, 2, 3)]
    rows[0]["extra"] = ["json_null"]
    rows[1]["weight"] = encode(float("inf"))
    assert agent.ask("bulk_create", model="lab.Sample", rows=rows) == [row["id"] for row in rows]

    def keys(**where):
        question = {"model": "lab.Sample", "where": where, "select": "keys", "order": ["code"]}
        return agent.ask("filter", **question)

    assert keys(code__in=["list", ["c1", "c2", "c3"]], extra__isnull=False) == [rows[0]["id"]]
    assert keys(weight=encode(float("inf"))) == [rows[1]["id"]]


@on("agent", [DANCE], indirect=True)
def test_act__held_object__is_saved_as_it_was_read(agent):
    (task, *_) = agent.ask("filter", model="dance.Task", select="keys", order=["task_id"])
    where = {"task_id": task}
    agent.ask("get", model="dance.Task", where=where, held="stale")
    assert agent.ask("update", model="dance.Task", where=where, values={"progress": 70}) == 1
    agent.ask("save", held="stale", values={"status": "running"}, update_fields=["status"])
    assert agent.ask("refresh", held="stale")["progress"] == 70
    agent.ask("update", model="dance.Task", where=where, values={"progress": 80})
    agent.ask("save", held="stale")
    assert agent.ask("get", model="dance.Task", where=where)["progress"] == 70


@on("agent", [DANCE], indirect=True)
def test_act__transaction__is_seen_after_its_commit_only(agent):
    count = {"model": "dance.Task", "select": "count"}
    (user, *_) = agent.ask("filter", model="dance.Dancer", select="keys")
    before = agent.ask("filter", **count)
    values = {"task_id": "t1", "user_id": user}
    agent.ask("begin")
    agent.ask("create", model="dance.Task", values=values)
    agent.ask("rollback")
    assert agent.ask("filter", **count) == before
    agent.ask("begin")
    agent.ask("create", model="dance.Task", values=values)
    agent.ask("commit")
    assert agent.ask("filter", **count) == before + 1
    tasks = agent.ask("related", model="dance.Dancer", key=user, accessor="tasks", select="keys", order=["task_id"])
    assert "t1" in tasks
    assert agent.ask("filter", model="dance.Dancer", where={"tasks": "t1"}, select="keys") == [user]
    assert agent.ask("delete", model="dance.Task", where={"task_id": "t1"}) == 1


@on("agent", [LIBRARY], indirect=True)
def test_act__many_to_many__is_set_and_read_from_both_ends(agent):
    (work, *_) = agent.ask("filter", model="library.Work", select="keys", order=["id"])
    (reader, *_) = agent.ask("filter", model="library.Reader", select="keys", order=["id"])
    asked = {"model": "library.Reader", "key": reader, "accessor": "favourites"}
    assert agent.ask("relate", **asked, how="add", keys=[work]) == 1
    assert agent.ask("related", **asked, select="keys") == [work]
    assert agent.ask("related", model="library.Work", key=work, accessor="fans", select="keys") == [reader]
    assert agent.ask("related", model="library.Work", key=work, accessor="book")[0]["work_ptr_id"] == work
    assert agent.ask("relate", **asked, how="set", keys=[]) == 0


@on("agent", [DANCE], indirect=True)
def test_act__made_read_only__the_database_refuses_to_write(agent):
    assert agent.ask("read_only") == "on"
    assert agent.ask("filter", model="dance.Task", select="count") == 4
    with pytest.raises(RaisedError, match="cannot execute DELETE in a read-only transaction"):
        agent.ask("delete", model="dance.Task")


@on("agent", [DANCE], indirect=True)
def test_act__batch__goes_on_after_a_request_that_raised(agent):
    missing = {"do": "get", "model": "dance.Task", "where": {"task_id": "nowhere"}}
    counted = {"do": "filter", "model": "dance.Task", "select": "count"}
    first, second = agent.ask("batch", requests=[missing, counted])
    assert first["raised"][:2] == ["DoesNotExist", "ObjectDoesNotExist"]
    assert second == {"ok": 4}


def test_wire__both_ends__have_the_same_forms():
    values = [None, True, 1, "a", 1.0, float("nan"), Decimal("1.10"), NOON, NOON.replace(tzinfo=None), KEY, b"\x00"]
    values += [date(2024, 2, 29), time(1, 2, 3, 4), timedelta(1, 2, 3), [1, [2]], (1,), {"b": 1, "a": 2}, JSON_NULL]
    for value in values:
        assert same(encode(decode(encode(value))), encode(value))
    assert decode(["other", "m.C", "x"]) == Strange("m.C", "x")
    with pytest.raises(TypeError, match="object has no wire form"):
        encode(object())


def test_wire__values_that_are_equal_in_python__are_not_the_same():
    pairs = [(1, True), (1, 1.0), (0.0, -0.0), (Decimal("1.1"), Decimal("1.10")), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
    assert not any(same(encode(one), encode(other)) for one, other in pairs)
    assert same(encode(float("nan")), encode(float("nan")))


def test_shown__text_is_ambiguous__shows_the_type():
    assert shown(["file", ""]) == "file ''"
    assert shown(encode(NOON)) == "datetime 2024-03-31T12:00:00.000007+00:00 in UTC"
    assert shown(encode(NOON.replace(tzinfo=None))).endswith("in no zone")
    assert shown(["other", "m.C", "x"]) == "m.C 'x'"
