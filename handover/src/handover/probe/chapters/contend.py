"""Sent to an agent that may act: it writes to rows that others write to at the same time, and records its operations.

Every write puts an operation id of its own into a text column. One answer holds a whole batch: for each operation
``[id, style, keys, began, ended, outcome, basis, seen, moves]``, with times in seconds since 1970, ``basis`` the row
as the writer knew it, ``seen`` what a reader saw; a row is ``[id, number, status]``.
"""

import os
import random
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F

if TYPE_CHECKING:  # they are given to it
    from handover.probe.agent import model_at
    from handover.probe.chapters.fill import related_value, row_values, unique_value

# ruff: noqa: S311 - a seed makes a run repeatable, it hides nothing

DEADLOCK, CONFLICT, DISK_FULL, TAKEN = "40P01", "40001", "53100", "23505"
GONE = ("08", "57P")  # classes of states in which the server ends a session
RECONNECT_WITHIN_S, RECONNECT_EVERY_S = 60.0, 0.05
IDS_AN_OPERATION = 2
HELD_AGAIN = 0.5
AGENT: List[Any] = []
COUNTED_UP = 20000  # writers count one row up to at most this
POINTED = "(alone)"  # no column has that name


class RolledBackError(Exception):
    """Ends a transaction that must be rolled back."""


class Agent:
    """A writer: the columns that it writes, and the objects that it holds."""

    def __init__(self, request: Dict[str, Any]) -> None:
        self.model = model_at(request["model"])
        by_column = {field.column: field for field in self.model._meta.concrete_fields}
        self.text, self.number, self.status = (by_column[request[name]] for name in ("text", "number", "status"))
        self.key = self.model._meta.pk
        self.prefix = request["prefix"]
        self.statuses = request["statuses"]
        self.retries = request["retries"]
        self.audited = request["audited"]
        self.made: List[Any] = []  # rows that new rows point at
        self.single = single_fields(self.model, (self.text, self.number, self.status))
        self.held: Dict[Any, Any] = {}
        self.last_status: Dict[Any, Any] = {}
        self.values: Dict[str, Any]
        self.pointed: Dict[Any, Any]
        self.rows = self.model._default_manager

    def named(self, number: int) -> str:
        """Return an operation's id as a row's text holds it."""
        return "%s%d" % (self.prefix, number)

    def id_of(self, text: str) -> Optional[int]:
        """Return the id of the operation that wrote a row's text."""
        digits = text[len(self.prefix) :] if isinstance(text, str) and text.startswith(self.prefix) else ""
        return int(digits) if digits.isdigit() else None

    def state(self, row: Any) -> List[Any]:
        """Return the state of an object: id, number, status."""
        return [self.id_of(getattr(row, self.text.attname)), getattr(row, self.number.attname), self.status_of(row)]

    def status_of(self, row: Any) -> str:
        """Return the status of a row as text."""
        return str(getattr(row, self.status.attname))

    def hold(self, key: Any, rng: Any) -> Any:
        """Return an object of the row: in half of the cases one that is held, otherwise one that is read now."""
        if key not in self.held or rng.random() > HELD_AGAIN:
            self.held.pop(key, None)
            row = self.rows.filter(pk=key).first()
            if row is None:
                return None
            self.held[key] = row
        return self.held[key]

    def written(self, number: int) -> Dict[str, Any]:
        """Return the keyword arguments of an update that counts one up."""
        return {self.text.name: self.named(number), self.number.name: F(self.number.name) + 1}

    def new(self, op: Any) -> Dict[str, Any]:
        """Return the values of a new row."""
        values = dict(self.values, **{self.text.attname: self.named(op.id), self.number.attname: 0})
        values[self.status.attname] = self.statuses[0]
        for field in self.single:
            if field.remote_field:
                values[field.attname] = self.pointed[op.key][field.column]
            elif field.attname in values:
                values[field.attname] = unique_value(field, op.id)
        return values

    def create(self, op: Any) -> bool:
        """Make the row."""
        try:
            self.rows.create(pk=op.key, **self.new(op))
        except IntegrityError:
            return False  # the row exists
        return True

    def save(self, op: Any, forced: bool = False) -> bool:
        """Save a held object, with every column."""
        row = self.hold(op.key, op.rng)
        if row is None:
            return False
        op.basis = self.state(row)
        setattr(row, self.text.attname, self.named(op.id))
        setattr(row, self.number.attname, op.basis[1] + 1)
        self.held.pop(op.key)
        row.save(force_update=True) if forced else row.save()
        self.held[op.key] = row
        return True

    def forced_save(self, op: Any) -> Any:
        """Save a held object with ``force_update=True``."""
        return self.save(op, forced=True)

    def update_fields(self, op: Any) -> bool:
        """Save a held object with ``update_fields``."""
        row = self.hold(op.key, op.rng)
        if row is None:
            return False
        op.basis = self.state(row)
        setattr(row, self.text.attname, self.named(op.id))
        self.held.pop(op.key)
        row.save(update_fields=[self.text.name])
        self.held[op.key] = row
        return True

    def update(self, op: Any) -> bool:
        """Write by ``update()`` with ``F()``."""
        return self.rows.filter(pk=op.key).update(**self.written(op.id)) == 1

    def conditional(self, op: Any) -> bool:
        """Write by an ``update()`` that depends on the status."""
        known = self.last_status.get(op.key) or op.rng.choice(self.statuses)
        others = [status for status in self.statuses if status != known]
        op.moves = [known, op.rng.choice(others)]
        wanted = {"pk": op.key, self.status.name: known}
        changes = {self.text.name: self.named(op.id), self.status.name: op.moves[1]}
        self.last_status.pop(op.key, None)
        return self.rows.filter(**wanted).update(**changes) == 1

    def locked(self, op: Any) -> bool:
        """Write under ``select_for_update()``."""
        with transaction.atomic():
            row = self.rows.select_for_update().filter(pk=op.key).first()
            if row is None:
                return False
            op.basis = self.state(row)
            changes = {self.text.name: self.named(op.id), self.number.name: op.basis[1] + 1}
            return self.rows.filter(pk=op.key).update(**changes) == 1

    def double(self, op: Any) -> bool:
        """Write twice in one transaction."""
        with transaction.atomic():
            if not self.rows.filter(pk=op.key).update(**self.written(op.id)):
                return False
            self.rows.filter(pk=op.key).update(**self.written(op.id + 1))
        return True

    def rollback(self, op: Any) -> None:
        """Write, then roll back."""
        with transaction.atomic():
            self.rows.filter(pk=op.key).update(**self.written(op.id))
            raise RolledBackError

    def pair(self, op: Any) -> bool:
        """Write two rows in one transaction."""
        with transaction.atomic():
            for key in op.keys:
                if not self.rows.filter(pk=key).update(**self.written(op.id)):
                    op.outcome_if_rolled = "missed"
                    raise RolledBackError
        return True

    def sweep(self, op: Any) -> bool:
        """Write many rows by one ``update()``, as housekeeping does."""
        last = self.statuses[-1]
        changes = {self.text.name: self.named(op.id), self.status.name: last, self.number.name: 0}
        self.rows.filter(pk__in=op.keys).exclude(**{self.status.name: last}).update(**changes)
        return True

    def delete(self, op: Any) -> bool:
        """Delete the row."""
        return self.deleted(self.rows.filter(pk=op.key), op) > 0

    def purge(self, op: Any) -> bool:
        """Delete many rows at once."""
        self.deleted(self.rows.filter(**{"pk__in": op.keys, self.status.name: self.statuses[-1]}), op)
        return True

    def deleted(self, rows: Any, op: Any) -> Any:
        """Delete rows, and tell the audit the operation's id; return how many."""
        if not self.audited:
            return rows.delete()[0]
        with transaction.atomic():
            with connection.cursor() as cursor:  # a deleted row has no column for the operation's id
                cursor.execute("SELECT set_config('handover.operation', %s, true)", [self.named(op.id)])
            return rows.delete()[0]

    def read(self, op: Any) -> bool:
        """Read the row."""
        op.seen = [self.read_row(op.key)]
        return True

    def reread(self, op: Any) -> bool:
        """Read the row twice in one transaction."""
        with transaction.atomic():
            op.seen = [self.read_row(op.key), self.read_row(op.key)]
        return True

    def read_row(self, key: Any) -> Optional[List[Any]]:
        """Return the id of the last writer, the number and the status of a row."""
        row = self.rows.filter(pk=key).values_list(self.text.name, self.number.name, self.status.name).first()
        if row is None:
            self.last_status.pop(key, None)
            return None
        self.last_status[key] = str(row[2])
        return [self.id_of(row[0]), row[1], str(row[2])]


def single_fields(model: Any, written: Any) -> List[Any]:
    """Return the fields that are unique, alone or together with others; without the key."""
    meta = model._meta
    names = [name for some in meta.unique_together for name in some]
    names += [name for c in meta.constraints for name in getattr(c, "fields", ()) if "Unique" in type(c).__name__]
    fields = [f for f in meta.concrete_fields if (f.unique or f.name in names) and not f.primary_key]
    return [f for f in fields if f not in written and not (f.remote_field and f.null)]


class RunningOperation:
    """One operation that is being done."""

    def __init__(self, number: int, style: Any, keys: Any, rng: Any) -> None:
        self.id, self.style, self.keys, self.key, self.rng = number, style, keys, keys[0], rng
        self.basis: Any = None
        self.moves: Any = None
        self.seen: List[Any] = []
        self.outcome_if_rolled = "rolled"

    def run(self, agent: Any) -> str:
        """Do the operation, again after a deadlock; return its outcome."""
        work = getattr(agent, self.style)
        for _ in range(agent.retries + 1):
            self.seen = []
            try:
                return "ok" if work(self) else "missed"
            except RolledBackError:
                return self.outcome_if_rolled
            except (DatabaseError, InterfaceError) as error:
                outcome = outcome_of(error)
                forget(agent, self.keys)
            if outcome not in ("deadlock", "conflict"):
                break
        return outcome


def forget(agent: Any, keys: Any) -> None:
    """Drop the held objects of some rows."""
    for key in keys:
        agent.held.pop(key, None)


def outcome_of(error: Any) -> str:
    """Return the outcome of an operation that raised; ``unknown`` if the connection was lost."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""
    # Taken: a save found no row at its UPDATE, and another writer made the row before its INSERT.
    named = {DEADLOCK: "deadlock", CONFLICT: "conflict", DISK_FULL: "full", TAKEN: "missed"}
    if state in named:
        return named[state]
    if isinstance(error, (OperationalError, InterfaceError)) and (not state or state.startswith(GONE)):
        reconnect()
        return "unknown"
    # Django says so when a forced update finds no row. Anything else is a defect, and is raised.
    if type(error) is DatabaseError or "NotUpdated" in type(error).__name__:
        return "missed"
    raise error


def reconnect() -> Any:
    """Close the connection and open another, within a time limit."""
    connection.close()
    deadline = time.monotonic() + RECONNECT_WITHIN_S
    while True:
        try:
            return connection.ensure_connection()
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(RECONNECT_EVERY_S)


def join(request: Dict[str, Any]) -> Dict[str, Any]:
    """Prepare the agent: its columns, its isolation level, and values for the columns of new rows."""
    if request["isolation"]:
        connection.settings_dict.setdefault("OPTIONS", {}).pop("isolation_level", None)
        connection.close()
        connection.__dict__.pop("isolation_level", None)
        isolate(request["isolation"])
    agent = Agent(request)
    while True:
        try:
            return joined(agent, request)
        except (OperationalError, InterfaceError) as error:
            if outcome_of(error) != "unknown":  # it reconnected after a restart of the server
                raise


def joined(agent: Any, request: Dict[str, Any]) -> Dict[str, Any]:
    """Answer ``join``: the agent is ready to write."""
    related = dict(request["related"])
    agent.pointed = related.pop(POINTED, None) or pointed(agent, request["rows"])
    agent.values = row_values(agent.model, related, agent.made)
    agent.values.pop(agent.key.attname, None)
    AGENT[:] = [agent]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        level = cursor.fetchone()[0]
    related = {f.column: agent.values[f.attname] for f in agent.model._meta.concrete_fields if f.remote_field}
    related[POINTED] = agent.pointed
    return {"isolation": level, "related": related, "made": [[m._meta.label, str(row.pk)] for m, row in agent.made]}


def pointed(agent: Any, rows: Any) -> Dict[str, Any]:
    """Return row → column → target, for unique foreign keys: each row gets a target of its own."""
    links = [field for field in agent.single if field.remote_field]
    alone = related_value
    return {row: {f.column: plain(alone(f, agent.made, alone=True)) for f in links} for row in rows if links}


def plain(value: Any) -> Any:
    """Return a key as JSON has it."""
    return value if isinstance(value, int) else str(value)


def isolate(level: Any) -> None:
    """Let every new session work at this isolation level, whatever the settings say."""
    from django.db.backends.signals import connection_created

    def set_level(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL " + level)

    connection_created.connect(set_level, weak=False, dispatch_uid="handover")


def try_out(request: Dict[str, Any]) -> Any:
    """Make every kind of write to a row and roll it back; return the error of the model or the database, if any."""
    agent, said = AGENT[0], ""
    plain = dict(agent.values)
    for more in rows_begun_with(agent):
        agent.values = dict(plain, **more)
        try:
            with transaction.atomic():
                write_all(agent, request["key"])
                transaction.set_rollback(True)
        except Exception as error:  # any error means that this model's rows cannot be written so
            said = said or "%s: %s" % (type(error).__name__, (str(error).strip().splitlines() or [""])[0])
        else:
            return ""
    return said


def rows_begun_with(agent: Any) -> Iterator[Any]:
    """Yield no values, then values of existing rows: a check or a save() may need more than a plain row has."""
    yield {}
    own = (agent.key, agent.text, agent.number, agent.status, *agent.single)
    fields = [f for f in agent.model._meta.concrete_fields if f not in own and not getattr(f, "generated", False)]
    for row in agent.model._base_manager.all()[:3]:
        yield {field.attname: getattr(row, field.attname) for field in fields}


def write_all(agent: Any, key: Any) -> None:
    """Write a row in every way once, so that later failures are due to concurrency."""
    operation = RunningOperation(IDS_AN_OPERATION, "create", [key], None)
    agent.rows.create(pk=key, **agent.new(operation))
    for status in reversed(agent.statuses):
        agent.rows.filter(pk=key).update(**dict(agent.written(operation.id), **{agent.status.name: status}))
    row = agent.rows.get(pk=key)
    setattr(row, agent.number.attname, COUNTED_UP)
    row.save()


def contend(request: Dict[str, Any]) -> List[Any]:
    """Do a batch of operations; ``die`` ends this process in the middle of it, as SIGKILL does."""
    agent = AGENT[0]
    rng = random.Random(request["seed"])
    styles, weights = zip(*request["weights"])  # noqa: B905 - Python 3.8 has no strict
    die = request.get("die") or {}
    timer = threading.Timer(die.get("after_s", 0), kill)
    timer.daemon = True
    if "after_s" in die:
        timer.start()
    gone = set()
    history = []
    for number in range(request["operations"]):
        operation_id = request["first"] + IDS_AN_OPERATION * number
        if die.get("at") == number:
            die_within(agent, operation_id, die["key"])
        style = rng.choices(styles, weights)[0]
        keys = keys_of(style, request["keys"], rng)
        if keys[0] in gone and style not in ("read", "reread"):
            style, keys = "create", keys[:1]
        history.append(recorded(agent, RunningOperation(operation_id, style, keys, rng)))
        ended = history[-1][5]
        single = keys[0] if len(keys) == 1 else None
        gone.discard(single)
        if ended == "missed" and style not in ("create", "conditional", "pair"):
            gone.add(single)
    if "after_s" in die:
        timer.join()  # so that it dies in this batch, not in a later one
    return history


def keys_of(style: Any, keys: Any, rng: Any) -> Any:
    """Return the keys of the rows that an operation of this style is about."""
    if style in ("sweep", "purge"):
        return keys
    return rng.sample(keys, 2) if style == "pair" else [rng.choice(keys)]


def recorded(agent: Any, operation: Any) -> List[Any]:
    """Run an operation and return its record."""
    began = time.time()
    outcome = operation.run(agent)
    ended = time.time()
    o = operation
    return [o.id, o.style, o.keys, began, ended, outcome, o.basis, o.seen, o.moves]


def die_within(agent: Any, operation_id: Any, key: Any) -> None:
    """Kill this process inside a transaction that has written."""
    with transaction.atomic():
        agent.rows.filter(pk=key).update(**agent.written(operation_id))
        kill()


def kill() -> None:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def make_rows(request: Dict[str, Any]) -> List[Any]:
    """Create the rows that all agents write to."""
    rng = random.Random(0)
    numbered = enumerate(request["keys"])
    first = request["first"]
    return [
        recorded(AGENT[0], RunningOperation(first + IDS_AN_OPERATION * n, "create", [key], rng)) for n, key in numbered
    ]


def plant(request: Dict[str, Any]) -> List[Any]:
    """Create the row of a control without the system's own managers and save()."""
    agent, rng = AGENT[0], random.Random(0)
    operation = RunningOperation(request["id"], "create", [request["key"]], rng)
    rows = agent.model._base_manager
    agent.create = lambda op: bool(rows.bulk_create([agent.model(pk=op.key, **agent.new(op))]))
    try:
        return recorded(agent, operation)
    finally:
        del agent.create


def hold(request: Dict[str, Any]) -> Any:
    """Read an object and hold it."""
    agent = AGENT[0]
    agent.held[request["key"]] = agent.model._base_manager.get(pk=request["key"])
    return agent.state(agent.held[request["key"]])


def write_held(request: Dict[str, Any]) -> List[Any]:
    """Write every column of the held object, as a plain save() does."""
    agent, key = AGENT[0], request["key"]
    row = agent.held.pop(key)
    operation = RunningOperation(request["id"], "planted", [key], None)
    operation.basis = agent.state(row)
    setattr(row, agent.text.attname, agent.named(operation.id))
    setattr(row, agent.number.attname, operation.basis[1] + 1)
    columns = [field for field in agent.model._meta.local_concrete_fields if not field.primary_key]
    values = {field.attname: getattr(row, field.attname) for field in columns}
    agent.planted = lambda _: agent.model._base_manager.filter(pk=key).update(**values) == 1
    return recorded(agent, operation)


def clear(request: Dict[str, Any]) -> Any:
    """Delete the rows, and the rows that were made for them."""
    from django.apps import apps

    agent = AGENT[0]
    reconnect()  # the server may have been restarted since
    removed = agent.model._base_manager.filter(pk__in=request["keys"]).delete()[0]
    for label, key in reversed(request["made"]):
        apps.get_model(label)._base_manager.filter(pk=key).delete()
    return removed


ANSWERS = {
    "contend_join": join,
    "contend_try": try_out,
    "contend_rows": make_rows,
    "contend": contend,
    "contend_hold": hold,
    "contend_plant": plant,
    "contend_write_held": write_held,
    "contend_clear": clear,
}
