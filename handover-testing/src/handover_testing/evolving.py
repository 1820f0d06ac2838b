"""An evolution on a database of a test's own: its plan, its stages one after another, and the catalog after each."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import psycopg
from psycopg import Connection

from handover.config.config import Config, load_config
from handover.evolve.evolution import Evolution
from handover.evolve.plan import make_plan
from handover.evolve.statement import EvolutionPlan, EvolveStep, Lock, Part
from handover.evolve.works import WORKS
from handover.wording import identifier
from handover_testing.paired import CONFIG, PairedTables
from sandbox.postgres import Database

# What a table is to people: names, types, defaults, keys, rights, words. The order of columns is left out.
_CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
               a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation::text,
               col_description(c.oid, a.attnum), a.attacl::text, a.attstattarget, a.attoptions::text
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.oid = ANY (%(tables)s::regclass[])""",
    "constraints": """
        SELECT c.relname, o.conname, pg_get_constraintdef(o.oid), o.convalidated,
               obj_description(o.oid, 'pg_constraint')
          FROM pg_class c JOIN pg_constraint o ON o.conrelid = c.oid WHERE c.oid = ANY (%(tables)s::regclass[])""",
    "indexes": """
        SELECT c.relname, x.indexrelid::regclass::text, pg_get_indexdef(x.indexrelid), x.indisvalid,
               obj_description(x.indexrelid, 'pg_class')
          FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid WHERE c.oid = ANY (%(tables)s::regclass[])""",
    "triggers": """
        SELECT c.relname, t.tgname, t.tgenabled::text, pg_get_triggerdef(t.oid)
          FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
         WHERE c.oid = ANY (%(tables)s::regclass[])""",
    "sequences": """
        SELECT c.relname, s.relname, format_type(q.seqtypid, NULL), q.seqmax, q.seqmin, q.seqstart,
               q.seqincrement, q.seqcache, q.seqcycle, a.attname, s.relacl::text
          FROM pg_class c
          JOIN pg_depend p ON p.refobjid = c.oid AND p.deptype IN ('a', 'i') AND p.classid = 'pg_class'::regclass
          JOIN pg_sequence q ON q.seqrelid = p.objid JOIN pg_class s ON s.oid = q.seqrelid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.refobjsubid
         WHERE c.oid = ANY (%(tables)s::regclass[])""",
    "rights": "SELECT relname, relacl::text FROM pg_class WHERE oid = ANY (%(tables)s::regclass[])",
    "functions": "SELECT proname FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace",
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'phase%%'",
}
# From the weakest to the strongest; writers wait for the last four.
MODES = get_args(Lock)
# By number: its name as ``schema.name``, and its file.
TableFiles = dict[int, tuple[str, int]]
STRONG = MODES[MODES.index("SHARE") :]


@dataclass
class Evolving:
    """A database in which evolutions run, as the owner of its tables.

    Attributes
    ----------
    folder
        Holds ``handover.toml``.
    database
        Where the tables are.
    evolve
        More lines of ``[evolve]``.
    problems
        Where a statement took another lock than its plan said, or rewrote a table.
    """

    folder: Path
    database: Database
    evolve: str = ""
    problems: list[str] = field(default_factory=list)

    @cached_property
    def config(self) -> Config:
        """What ``handover.toml`` says."""
        path = self.folder / "handover.toml"
        path.write_text(CONFIG + self.evolve)
        return load_config(path)

    def prepare(self) -> None:
        """Make the table that keeps the marks of steps."""
        marks = files("handover.evolve").joinpath("evolve.sql").read_text()
        self.execute("CREATE SCHEMA handover", marks)

    def close(self) -> None:
        """End the session that stayed open."""
        self.session.close()

    def connect(self, path: str = "public") -> Connection[Any]:
        """Open a session as the owner, in autocommit, with a search path."""
        options = f"-c search_path={path}"
        return psycopg.connect(self.database.url("owner"), autocommit=True, options=options)

    @cached_property
    def session(self) -> Connection[Any]:
        """A session as the owner that stays open."""
        session = self.connect()
        session.prepare_threshold = None  # a prepared SELECT * ends with the first new column
        return session

    def execute(self, *statements: str, path: str = "public") -> list[tuple[Any, ...]]:
        """Run statements with a search path; return the rows of the last."""
        self.session.execute(f"SET search_path = {path}".encode())
        for statement in statements:
            found = self.session.execute(statement.encode())
        rows = found.fetchall() if found.description else []
        self.session.execute("SET search_path = public")
        return rows

    def plan(self, *operations: dict[str, Any], name: str = "0001_test") -> EvolutionPlan:
        """Return the plan of an evolution with these operations, as the journal gives it back."""
        evolution = Evolution.model_validate({"name": name, "operations": operations})
        made = make_plan(self.session, self.config, evolution)
        return EvolutionPlan.from_json(json.loads(json.dumps(made.as_json())))

    def run(self, plan: EvolutionPlan, *parts: Part) -> None:
        """Run the steps of parts, one after another."""
        for part in parts:
            for step in plan.part(part):
                self.step(step)

    def step(self, step: EvolveStep, *, switched: bool = False) -> Any:
        """Run one step, before or after the switch."""
        if step.how == "batches":
            return self._batches(step, switched=switched)
        if step.how == "alone":
            self.session.execute(step.statements[0].sql.encode())
            return None
        waits = [one.wait_ms for one in step.statements if one.wait_ms is not None]
        with self.session.transaction():
            if waits:
                self.session.execute(f"SET LOCAL lock_timeout = '{min(waits)}ms'".encode())
            before, said = files_of(self.session), {}
            for statement in step.statements:
                self.session.execute(statement.sql.encode())
                strongest(said, statement.lock, statement.table)
                self.observed(step, statement.sql, said, before)
        return None

    def observed(self, step: EvolveStep, statement: str, said: dict[str, str], before: TableFiles) -> None:
        """Compare the locks that the session really holds with what the plan said, and look whether a file is new."""
        held = locks_of(self.session, before)
        there = {name for name, _ in before.values()}
        expected = {table: mode for table, mode in said.items() if mode in STRONG and table in there}
        if held != expected:
            self.problems.append(f"{step.name}: {statement}: holds {held}, the plan says {expected}")
        now = files_of(self.session)
        if rewritten := [name for oid, (name, file) in before.items() if oid in now and now[oid][1] != file]:
            self.problems.append(f"{step.name}: {statement}: {', '.join(rewritten)} was rewritten")

    def _batches(self, step: EvolveStep, *, switched: bool) -> Any:
        if step.work == "recycle":
            return None  # no session of a test is older than its views
        context = PairedTables(self.folder, self.database).context(step.name, self.evolve)
        return WORKS[step.work](replace(context, switched=switched), step.arguments)

    def catalog(self, *tables: str, schema: str = "public") -> dict[str, list[Any]]:
        """Return what the catalog says about tables of one schema, without the order of their columns."""
        arguments = {"tables": [f"{schema}.{identifier(table)}" for table in tables], "schema": schema}
        self.session.execute("SET search_path = pg_catalog")
        found = {name: self.session.execute(query.encode(), arguments).fetchall() for name, query in _CATALOG.items()}
        self.session.execute("SET search_path = public")
        return {name: sorted(rows, key=repr) for name, rows in found.items()}

    def tables(self) -> list[str]:
        """Return the names of the tables and views of the shared schema."""
        query = (
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')"
        )
        return [name for (name,) in self.execute(query)]

    def everything(self) -> dict[str, list[Any]]:
        """Return what the catalog says about all tables of the shared schema."""
        return self.catalog(*self.tables())

    def rows(self, table: str, path: str = "public") -> list[tuple[Any, ...]]:
        """Return all rows of a table, or of the view that stands before it."""
        return self.execute(f"SELECT * FROM {identifier(table)} ORDER BY 1", path=path)

    def all_rows(self, table: str) -> list[str]:
        """Return all rows of a table as texts, in the order of the texts."""
        return [row for (row,) in self.execute(f"SELECT t::text FROM {identifier(table)} t ORDER BY 1")]


def locks_of(connection: Connection[Any], tables: TableFiles) -> dict[str, str]:
    """Return the strongest lock that a session holds on each of the tables, where writers or readers wait for it."""
    query = """
        SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND granted AND locktype = 'relation'
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    found: dict[str, str] = {}
    for oid, mode in connection.execute(query).fetchall():
        if oid in tables:
            strongest(found, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode.removesuffix("Lock")).upper(), tables[oid][0])
    return {table: mode for table, mode in found.items() if mode in STRONG}


def strongest(found: dict[str, str], mode: str, table: str) -> None:
    """Keep the strongest lock on a table."""
    if table and (table not in found or MODES.index(mode) > MODES.index(found[table])):
        found[table] = mode


def files_of(connection: Connection[Any]) -> TableFiles:
    """Return the name and the file of each table and view: a table that is rewritten gets another file."""
    query = """
        SELECT c.oid, n.nspname || '.' || c.relname, c.relfilenode
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    """
    return {oid: (name, file) for oid, name, file in connection.execute(query).fetchall()}


def differences(
    one: dict[str, list[Any]], other: dict[str, list[Any]]
) -> dict[str, tuple[Sequence[Any], Sequence[Any]]]:
    """Return, for each part of two catalogs that differs, what only the one and what only the other has."""
    parts: Iterable[str] = one.keys() | other.keys()
    return {
        part: (
            [row for row in one[part] if row not in other[part]],
            [row for row in other[part] if row not in one[part]],
        )
        for part in parts
        if one[part] != other[part]
    }
