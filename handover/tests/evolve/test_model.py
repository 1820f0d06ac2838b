"""Random writes of both shapes, in random stages, against a model of what each shape must read."""

import random
from uuid import UUID

import pytest
from psycopg import errors

OLD, NEW = "phase1,public", "phase2,public"
TABLES = """
    CREATE TABLE a (id varchar(36) PRIMARY KEY, state varchar(9) DEFAULT 'started', size int,
        up varchar(36) REFERENCES a ON DELETE SET NULL ON UPDATE CASCADE, UNIQUE (state, size));
    CREATE TABLE b (n int PRIMARY KEY, a varchar(36) NOT NULL REFERENCES a ON DELETE CASCADE ON UPDATE CASCADE)
"""
OPERATIONS = (
    {"kind": "change_type", "table": "a", "column": "id", "type": "uuid", "up": "$1::uuid", "down": "$1::text"},
    {"kind": "rename_values", "table": "a", "column": "state", "values": {"started": "pending", "running": "busy"}},
    {
        "kind": "add_check",
        "table": "a",
        "column": "size",
        "name": "a_size",
        "check": "$1 BETWEEN 0 AND 9",
        "repair": "LEAST(GREATEST($1, 0), 9)",
    },
)
TO_NEW = {"started": "pending", "running": "busy"}
TO_OLD = {new: old for old, new in TO_NEW.items()}
STATES = {OLD: ("started", "running", "done", None), NEW: ("pending", "busy", "done", None)}
KEYS = [str(UUID(int=n)) for n in range(6)]


class Model:
    """What the old shape reads: rows of ``a`` by key, and of ``b`` by number; sizes of the new shape beside it."""

    def __init__(self):
        self.a, self.b = {}, {}

    def old(self):
        return sorted(((key, *row[:2], row[3]) for key, row in self.a.items()), key=repr)

    def new(self):
        return sorted(((key, TO_NEW.get(row[0], row[0]), row[2], row[3]) for key, row in self.a.items()), key=repr)


def repaired(size):
    return None if size is None else min(max(size, 0), 9)


def unique(model, key, state, size):
    """Whether no other row has this state and size, in either shape."""
    others = [row for other, row in model.a.items() if other != key]
    return None in (state, size) or not any(
        row[0] == state and (row[1] == size or row[2] == repaired(size)) for row in others
    )


def act(rng, one, model):
    """Do one random write by a random shape, in the database and in the model."""
    path = rng.choice((OLD, NEW))
    key, other = rng.sample(KEYS, 2)
    state = rng.choice(STATES[path])
    size = rng.choice((None, rng.randrange(10))) if path == NEW else rng.choice((None, rng.randrange(-3, 13)))
    plain = TO_OLD.get(state, state)
    number = rng.randrange(9)
    doing = rng.choice(("insert", "default", "state", "size", "up", "key", "delete", "child", "upsert"))
    values = {"key": key, "other": other, "state": state, "size": size, "number": number}
    if doing in ("insert", "upsert") and not unique(model, key, plain, size):
        return
    if doing == "insert" and key not in model.a:
        run(one, path, "INSERT INTO a (id, state, size) VALUES (%(key)s, %(state)s, %(size)s)", values)
        model.a[key] = [plain, size, repaired(size), None]
    elif doing == "default" and key not in model.a:
        run(one, path, "INSERT INTO a (id) VALUES (%(key)s)", values)
        model.a[key] = ["started", None, None, None]
    elif doing == "upsert":
        insert = "INSERT INTO a (id, state, size) VALUES (%(key)s, %(state)s, %(size)s)"
        run(one, path, f"{insert} ON CONFLICT (id) DO UPDATE SET state = excluded.state, size = excluded.size", values)
        model.a[key] = written(model, path, key, plain, size)
    elif key not in model.a:
        return
    else:
        change(one, model, path, doing, values, plain)


def written(model, path, key, state, size):
    """Return a row after its state and its size were written; what did not change stays as it was."""
    before = model.a.get(key)
    if before and path == NEW and size == before[2]:
        return [state, before[1], before[2], before[3]]
    return [state, size, repaired(size), before[3] if before else None]


def change(one, model, path, doing, values, plain):
    key, other, row = values["key"], values["other"], model.a[values["key"]]
    if doing == "state" and unique(model, key, plain, row[1]):
        run(one, path, "UPDATE a SET state = %(state)s WHERE id = %(key)s", values)
        row[0] = plain
    elif doing == "size" and unique(model, key, row[0], values["size"]):
        run(one, path, "UPDATE a SET size = %(size)s WHERE id = %(key)s", values)
        model.a[key] = written(model, path, key, row[0], values["size"])
    elif doing == "up" and other in model.a:
        run(one, path, "UPDATE a SET up = %(other)s WHERE id = %(key)s", values)
        row[3] = other
    elif doing == "key" and other not in model.a:
        run(one, path, "UPDATE a SET id = %(other)s WHERE id = %(key)s", values)
        moved(model, key, other)
    elif doing == "delete":
        run(one, path, "DELETE FROM a WHERE id = %(key)s", values)
        moved(model, key, None)
    elif doing == "child" and values["number"] not in model.b:
        run(one, path, "INSERT INTO b VALUES (%(number)s, %(key)s)", values)
        model.b[values["number"]] = key


def moved(model, key, to):
    row = model.a.pop(key)
    if to:
        model.a[to] = row
    for each in model.a.values():
        if each[3] == key:
            each[3] = to
    model.b = {n: to if parent == key else parent for n, parent in model.b.items() if parent != key or to}


def run(one, path, statement, values):
    one.session.execute(f"SET search_path = {path}".encode())
    one.session.execute(statement, values)
    one.session.execute("SET search_path = public")


def compare(one, model):
    query = "SELECT id::text, state, size, up::text FROM a"
    assert sorted(one.execute(query, path=OLD), key=repr) == model.old()
    assert sorted(one.execute(query, path=NEW), key=repr) == model.new()
    for path in (OLD, NEW):
        assert dict(one.execute("SELECT n, a::text FROM b", path=path)) == model.b


@pytest.mark.thinned(to_one_in=8)
@pytest.mark.parametrize("seed", range(8))
def test_random_writes__in_random_stages__both_shapes_read_what_the_model_says(seed, one):
    rng = random.Random(seed)  # noqa: S311 - the same writes each time
    one.execute(TABLES)
    plan, model, switched = one.plan(*OPERATIONS), Model(), False
    one.run(plan, "start")
    for number in range(150):
        try:
            act(rng, one, model)
        except errors.Error as error:
            raise AssertionError(f"write {number}: {error}") from error
        compare(one, model)
        if rng.random() < 0.03:
            one.run(plan, "back" if switched else "switch")
            switched = not switched
    for step in plan.validate:
        assert one.step(step, switched=switched)["differing_count"] == 0
    one.run(plan, *(() if switched else ("switch",)), "contract")
    assert sorted(one.execute("SELECT id::text, state, size, up::text FROM a"), key=repr) == model.new()
