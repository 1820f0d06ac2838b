"""Drifts of the live database: what a hand, a half-run migration or a repair leaves behind."""

# ruff: noqa: S608 - statements and rows of a table are read best on one line

from collections.abc import Iterator

from handover.finding import Severity
from handover.schema.catalog import Catalog, Column, LiveConstraint, Table
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.model_drifts import column_of, shown
from handover_testing.drifts.shapes import Shape

# A type that the column may have become, and the cast.
RETYPED = {
    "integer": "bigint",
    "bigint": "integer",
    "smallint": "integer",
    "text": "varchar(300)",
    "timestamp with time zone": "timestamp",
    "date": "timestamptz",
    "double precision": "numeric(9,3)",
    "jsonb": "json",
    "uuid": "varchar(36)",
    "interval": "varchar(40)",
    "boolean": "smallint",
    "inet": "varchar(40)",
    "time without time zone": "varchar(20)",
}


def drifts(shape: Shape, catalog: Catalog) -> Iterator[Drift]:
    """Yield every drift of the tables that the shape's own models use."""
    own = {shown(model) for model in shape.project.models.values() if "db_table" in model.meta}
    for table in catalog.tables.values():
        if str(table) in own or any(str(table).startswith(f"{name}_") for name in own):
            pointing = [str(other) for other, key in catalog.foreign_keys if key.target == table.key]
            yield from _Sabotage(shape, table, pointing).drifts()


class _Sabotage:
    def __init__(self, shape: Shape, table: Table, pointing: list[str]) -> None:
        self.shape, self.table, self.pointed_at = shape, table, bool(pointing)
        self.of_many = any(other.startswith(f"{table}_") for other in pointing)
        self.name = f'"{table.schema}"."{table.name}"'

    def _drift(self, what: str, code: str, severity: Severity, sql: str, place: str = "") -> Drift:
        name = f"{self.shape.name} live {self.table}: {what}"
        return Drift(name, "catalog", self.shape.name, code, place or str(self.table), severity, sql=sql)

    def _alter(self, what: str, code: str, severity: Severity, action: str, place: str = "") -> Drift:
        return self._drift(what, code, severity, f"ALTER TABLE {self.name} {action}", place)

    def drifts(self) -> Iterator[Drift]:
        """Yield what can happen to this table."""
        for name, column in self.table.columns.items():
            yield from self._of_column(name, column)
        yield from self._of_constraints()
        yield from self._of_indexes()
        yield from self._additions()
        yield from self._of_rights()
        yield self._drift("dropped", "HO010", "breaking", f"DROP TABLE {self.name} CASCADE", self.table.name)
        yield self._alter("renamed", "HO010", "breaking", "RENAME TO somewhere_else", self.table.name)
        view = (
            f"ALTER TABLE {self.name} RENAME TO behind; "
            f'CREATE VIEW {self.name} AS SELECT * FROM "{self.table.schema}".behind; '
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {self.name} TO drift_original, drift_backend"
        )
        # Foreign keys stay with the table behind it; those of many-to-many tables are found at the same place, too.
        severity: Severity = "breaking" if self.of_many else "risky"
        yield self._drift("a view over another table", "HO102", severity, view)

    def _of_column(self, name: str, column: Column) -> Iterator[Drift]:
        at = f"{self.table}.{name}"
        key = name in self.table.primary_key
        # A condition on it would no longer be one.
        conditional = column.type == "boolean" and any(i.special and name in i.definition for i in self.table.indexes)
        if not key and not self._is_referenced(name) and not conditional:
            new = self._retyped(column)
            if new:
                action = f'ALTER "{name}" TYPE {new} USING "{name}"::text::{new.partition("(")[0]}'
                if column.type == "boolean":
                    action = f'ALTER "{name}" TYPE smallint USING "{name}"::int::smallint'
                if column.type == "jsonb":
                    action = f'DROP COLUMN "{name}", ADD COLUMN "{name}" json NOT NULL DEFAULT \'{{}}\''
                yield self._alter(f"{name} is {new}", "HO012", "breaking", action, at)
        if not key:
            yield self._alter(f"{name} dropped", "HO011", "breaking", f'DROP COLUMN "{name}" CASCADE', at)
            yield self._alter(f"{name} renamed", "HO011", "breaking", f'RENAME "{name}" TO elsewhere', at)
            if column.null and not column.generated:
                fill = f'UPDATE {self.name} SET "{name}" = DEFAULT; DELETE FROM {self.name} WHERE "{name}" IS NULL;'
                sql = f'{fill} ALTER TABLE {self.name} ALTER "{name}" SET NOT NULL'
                yield self._drift(f"{name} is NOT NULL", "HO013", "breaking", _replicated(sql), at)
            elif not column.null:
                yield self._alter(f"{name} is NULL", "HO013", "risky", f'ALTER "{name}" DROP NOT NULL', at)
        if column.identity:
            yield self._alter(f"{name} without identity", "HO140", "breaking", f'ALTER "{name}" DROP IDENTITY', at)
            yield self._alter(f"{name} always identity", "HO140", "risky", f'ALTER "{name}" SET GENERATED ALWAYS', at)
        if column.type.startswith("character varying") and "[" not in column.type and not key:
            action = f'ALTER "{name}" TYPE {column.type} COLLATE "C.utf8"'
            yield self._alter(f"{name} with a collation", "HO142", "risky", action.replace("C.utf8", "POSIX"), at)

    def _is_referenced(self, name: str) -> bool:
        return any(name in key.columns for key in self.table.foreign_keys())

    def _retyped(self, column: Column) -> str | None:
        if column.type.startswith("character varying(") and "[" not in column.type:
            length = int(column.type.partition("(")[2].rstrip(")"))
            return f"varchar({length + 1})"
        if column.type.startswith("numeric"):
            return "numeric(12,4)"
        return RETYPED.get(column.type)

    def _of_constraints(self) -> Iterator[Drift]:
        for c in self.table.constraints:
            drop = f'DROP CONSTRAINT "{c.name}" CASCADE'
            if c.kind == "p":
                yield self._alter("no primary key", "HO015", "breaking", drop)
            elif c.kind == "u" and not self._is_unique_otherwise(c):
                yield self._alter(f"{c.name} dropped", "HO016", "breaking", drop)
            elif c.kind == "c":
                yield self._alter(f"{c.name} dropped", "HO152", "risky", drop)
                again = f'{drop}, ADD CONSTRAINT "{c.name}" {c.definition} NOT VALID'
                yield self._alter(f"{c.name} not valid", "HO139", "risky", again)
                changed = c.definition.replace(">= 0", ">= 7").replace("(0)", "(7)")
                twin = f'{drop}, ADD CONSTRAINT "{c.name}" {changed} NOT VALID'
                positive = c.name.endswith("_check")
                severity: Severity = "breaking" if positive else "risky"
                if changed == c.definition:
                    continue
                yield self._alter(f"{c.name} demands 7", "HO151" if positive else "HO153", severity, twin)
            elif c.kind == "f":
                yield from self._of_foreign_key(c.name, c.columns[0], c.definition, drop)

    def _is_unique_otherwise(self, constraint: LiveConstraint) -> bool:
        """Whether its columns, or some of them, stay unique when it is gone."""
        others = [i for i in self.table.indexes if i.unique and not i.special and i.name != constraint.name]
        return any(set(i.columns) <= set(constraint.columns) for i in others)

    def _of_foreign_key(self, name: str, column: str, definition: str, drop: str) -> Iterator[Drift]:
        at = f"{self.table}.{column}"
        plain = definition.replace(" DEFERRABLE INITIALLY DEFERRED", "")
        again = f'{drop}, ADD CONSTRAINT "{name}"'
        yield self._alter(f"{name} dropped", "HO017", "breaking", drop, at)
        yield self._alter(f"{name} at once", "HO155", "risky", f"{again} {plain}", at)
        yield self._alter(f"{name} not valid", "HO156", "risky", f"{again} {definition} NOT VALID", at)
        named = f"{self.table} ({name})"
        yield self._alter(f"{name} not enforced", "HO159", "breaking", f"{again} {plain} NOT ENFORCED", named)
        yield self._alter(f"the triggers of {name} off", "HO159", "breaking", "DISABLE TRIGGER ALL", named)
        clash = "SET DEFAULT" if "work_ptr" in column else "SET NULL" if not self._sets_null(column) else "CASCADE"
        if clash != "SET DEFAULT":
            action = f"{again} {plain} ON DELETE {clash} DEFERRABLE INITIALLY DEFERRED"
            yield self._alter(f"{name} with {clash}", "HO157", "risky", action, at)

    def _sets_null(self, column: str) -> bool:
        """Whether the model of this table empties the column itself when a row goes that it points at."""
        models = [m for m in self.shape.project.models.values() if "db_table" in m.meta and shown(m) == self.table.name]
        fields = [f for m in models for name, f in m.fields.items() if column_of(name, f) == column]
        return any(f.options.get("on_delete") in ("models.SET_NULL", "models.SET(None)") for f in fields)

    def _of_indexes(self) -> Iterator[Drift]:
        enforced = {c.name for c in self.table.constraints}
        for index in self.table.indexes:
            if index.name in enforced:
                continue
            schema = self.table.schema
            drop = f'DROP INDEX "{schema}"."{index.name}"'
            invalid = (
                f'UPDATE pg_index SET indisvalid = false WHERE indexrelid = \'"{schema}"."{index.name}"\'::regclass'
            )
            code = "HO160" if index.like else "HO161" if index.special else "HO018"
            severity: Severity = "risky"
            if index.unique:
                code, severity = "HO016", "breaking"
            if self._is_needed(index.columns, like=index.like, special=index.special):
                yield self._drift(f"index {index.name} dropped", code, severity, drop)
            yield self._drift(f"index {index.name} invalid", "HO162", severity, invalid)
            if index.special and not index.unique:
                column = next(iter(self.table.columns))
                other = f'{drop}; CREATE INDEX "{index.name}" ON {self.name} ("{column}") WHERE "{column}" IS NULL'
                yield self._drift(f"index {index.name} on something else", "HO153", "risky", other)

    def _is_needed(self, columns: tuple[str, ...], *, like: bool, special: bool) -> bool:
        twins = [i for i in self.table.indexes if i.columns == columns and i.like == like and i.special == special]
        return len(twins) == 1

    def _additions(self) -> Iterator[Drift]:
        column = list(self.table.columns)[-1]
        not_null = f"DELETE FROM {self.name}; ALTER TABLE {self.name} ADD added text NOT NULL"
        yield self._drift(
            "a column that must be filled", "HO014", "breaking", _replicated(not_null), f"{self.table}.added"
        )
        added = "ADD added text NOT NULL DEFAULT 'x'"
        yield self._alter("a column with a default", "HO131", "risky", added, f"{self.table}.added")
        stored = "ADD added int NOT NULL GENERATED ALWAYS AS (1) STORED"
        yield self._alter("a generated column", "HO131", "risky", stored, f"{self.table}.added")
        unique = (
            f'CREATE UNIQUE INDEX surprise ON {self.name} ("{column}", "{next(iter(self.table.columns))}") WHERE false'
        )
        yield self._drift("an unknown unique index", "HO150", "breaking", unique)
        check = f'ADD CONSTRAINT surprise CHECK ("{column}" IS NOT NULL) NOT VALID'
        yield self._alter("an unknown check", "HO151", "breaking", check)
        trigger = (
            "CREATE FUNCTION surprise() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
            f"CREATE TRIGGER surprise BEFORE UPDATE ON {self.name} FOR EACH ROW EXECUTE FUNCTION surprise()"
        )
        yield self._drift("a trigger", "HO163", "risky", trigger)
        rule = f"CREATE RULE surprise AS ON DELETE TO {self.name} DO INSTEAD NOTHING"
        yield self._drift("a rewrite rule", "HO164", "risky", rule)
        yield self._alter("row level security", "HO103", "risky", "ENABLE ROW LEVEL SECURITY")
        child = f"CREATE TABLE child () INHERITS ({self.name})"
        yield self._drift("a child by inheritance", "HO107", "risky", child)
        parent = f"CREATE TABLE parent (LIKE {self.name}); ALTER TABLE {self.name} INHERIT parent"
        yield self._drift("a parent by inheritance", "HO107", "risky", parent)
        published = f"CREATE PUBLICATION everything FOR ALL TABLES; ALTER TABLE {self.name} REPLICA IDENTITY NOTHING"
        yield self._drift("published without an identity", "HO165", "breaking", published)
        if not self.pointed_at:  # a table that survives a crash may not point at one that does not
            yield self._alter("unlogged", "HO106", "risky", "SET UNLOGGED")
        if len(self.table.primary_key) == 1:
            key = self.table.primary_key[0]
            kind = self.table.columns[key].type
            stranger = f'CREATE TABLE stranger (id int PRIMARY KEY, row_id {kind} REFERENCES {self.name} ("{key}"))'
            yield self._drift("a stranger points at it", "HO019", "breaking", stranger, "public.stranger")

    def _of_rights(self) -> Iterator[Drift]:
        for role in ("drift_original", "drift_backend"):
            revoke = f"REVOKE UPDATE ON {self.name} FROM {role}"
            yield self._drift(f"{role} may not update", "HO191", "breaking", revoke)
        yield self._drift("the backend owns it", "HO192", "risky", f"ALTER TABLE {self.name} OWNER TO drift_backend")


def _replicated(sql: str) -> str:
    """Rows go without anybody's foreign keys being asked; and none may be left to be asked later."""
    return f"SET session_replication_role = replica; {sql}; SET session_replication_role = origin"
