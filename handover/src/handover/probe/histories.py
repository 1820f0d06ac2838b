"""The agent's fourth part, about migrations: what each does to which table, and its SQL if it needs no database.

A model is followed through all its names, from its first table to its last. Shared tables exist already in their final
form, so only what a migration does to other tables is rendered or run.
"""

import inspect
import re
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Set

if TYPE_CHECKING:  # the parts of the agent are sent as one source
    from handover.probe.declarations import needed
    from handover.probe.guard import CLOSED

    on_delete_name: Any
    quote_without_connection: Any
    sql_of: Any


class ModelHistory:
    """One model under all its names: every table that it had, and the final one."""

    def __init__(self) -> None:
        self.tables: List[str] = []
        self.final: Optional[str] = None


class ModelHistories:
    """The histories of all models, as a project's state moves forward."""

    def __init__(self) -> None:
        self.current: Dict[Any, ModelHistory] = {}
        self.all: List[ModelHistory] = []

    def follow(self, operation: Any, app_label: str, state: Any) -> Optional[ModelHistory]:
        """Record an operation that has changed the state; return its model's history, None if it concerns no table."""
        from django.db.migrations.operations import CreateModel, DeleteModel, RenameModel

        keys = [(app_label, name.lower()) for name in model_names(operation)]
        if isinstance(operation, CreateModel) and keys[0] not in self.current and has_table(keys[0], state):
            self.current[keys[0]] = ModelHistory()
            self.all.append(self.current[keys[0]])
        if isinstance(operation, RenameModel) and keys[0] in self.current:
            self.current[keys[1]] = self.current.pop(keys[0])
        history = next((self.current[key] for key in keys if key in self.current), None)
        if isinstance(operation, DeleteModel):
            self.current.pop(keys[0], None)
        for key, one in self.current.items():
            table = table_in(state, key)
            if table is not None and table not in one.tables:
                one.tables.append(table)
        return history

    def end(self, state: Any) -> None:
        """Record the last table of each model that is still there."""
        for key, history in self.current.items():
            history.final = table_in(state, key)


def model_names(operation: Any) -> List[Any]:
    """Return the names of an operation's model, the old one first."""
    from django.db.migrations.operations.models import ModelOperation

    if getattr(operation, "model_name", None):
        return [operation.model_name]
    if not isinstance(operation, ModelOperation):
        return []
    return list(filter(None, [operation.name, getattr(operation, "new_name", None)]))


def has_table(key: Any, state: Any) -> bool:
    """Say whether Django keeps a table for a model: not for a proxy, a swapped or an unmanaged model."""
    from django.conf import settings

    model = state.models.get(key)
    if model is None or model.options.get("proxy"):
        return False
    swapped = getattr(settings, model.options.get("swappable") or "", None)
    return not swapped or swapped.lower() == "%s.%s" % key


def table_in(state: Any, key: Any) -> Optional[str]:
    """Return the table of a model in a state; None if the state has no such model."""

    from django.db import connection
    from django.db.backends.utils import truncate_name

    model = state.models.get(key)
    if model is None:
        return None
    return model.options.get("db_table") or truncate_name("%s_%s" % key, connection.ops.max_name_length())


def table_of(operation: Any, app_label: str, state: Any) -> Optional[str]:
    """Return the table of an operation's model in the given state."""
    keys = [(app_label, name.lower()) for name in model_names(operation)]
    return next(filter(None, [table_in(state, key) for key in keys]), None)


def is_managed(state: Any, key: Any) -> bool:
    """Say whether Django makes the table of a model in a state."""
    model = state.models.get(key)
    return model is None or model.options.get("managed", True)


def migrations() -> List[Dict[str, Any]]:
    """Return every migration on disk in the order of the plan, with what each operation touches."""
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    loader = MigrationLoader(None)
    state, histories, facts = ProjectState(real_apps=loader.unmigrated_apps), ModelHistories(), []
    for key in full_plan(loader.graph):
        migration = loader.graph.nodes[key]
        operations = []
        for operation in migration.operations:
            operations += operation_facts(operation, migration.app_label, state, histories)
        parents = sorted(list(parent.key) for parent in loader.graph.node_map[key].parents)
        facts.append(
            {
                "app": key[0],
                "name": key[1],
                "module": type(migration).__module__,
                "operations": operations,
                "parents": parents,
                "replaces": [list(pair) for pair in migration.replaces],
                "by_hand": sorted(set(BY_HAND.findall(" ".join(own_sql(migration.operations))))),
            }
        )
    histories.end(state)
    for operation in (operation for migration in facts for operation in migration["operations"]):
        history = operation.pop("history")
        operation["tables"] = history.tables if history else []
        operation["final"] = history.final if history else None
    return facts


BY_HAND = re.compile(
    r"\b(?:INDEX|CONSTRAINT|TRIGGER|COLLATE)\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?"
    r'(?:"?\w+"?\.)?"?([^\s";,()]+)',
    re.IGNORECASE,
)


def own_sql(operations: Any) -> Iterator[Any]:
    """Yield the SQL that operations hold as text, in RunSQL or in their functions."""
    for operation in operations:
        for part in getattr(operation, "database_operations", ()):
            yield from own_sql([part])
        yield from texts_beside(getattr(operation, "code", None))
        statements = getattr(operation, "sql", None)
        for statement in statements if isinstance(statements, (list, tuple)) else [statements]:
            yield str(statement[0] if isinstance(statement, (list, tuple)) else statement or "")


def texts_beside(function: Any) -> Iterator[Any]:
    """Yield every text in the functions of a function's module, since it may call those."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    name = getattr(module, "__name__", None)
    for thing in list(vars(module).values()) if module else ():
        if inspect.isfunction(thing) and thing.__module__ == name:
            yield from texts_of(thing.__code__)


def texts_of(code: Any) -> Iterator[Any]:
    """Yield the texts in a code object, and in those inside it."""
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif inspect.iscode(constant):
            yield from texts_of(constant)


def full_plan(graph: Any) -> List[Any]:
    """Return every migration in the order in which Django applies them."""
    plan, seen = [], set()
    for leaf in graph.leaf_nodes():
        for key in graph.forwards_plan(leaf):
            if key not in seen:
                seen.add(key)
                plan.append(key)
    return plan


def operation_facts(operation: Any, app_label: str, state: Any, histories: Any) -> List[Dict[str, Any]]:
    """Return what an operation does to tables, in its order; the state moves forward."""
    if hasattr(operation, "database_operations"):
        # The database operations get a state of their own; the state operations follow.
        seen = state.clone()
        parts = [f for part in operation.database_operations for f in operation_facts(part, app_label, seen, histories)]
        operation.state_forwards(app_label, state)
        follow_state(operation, app_label, state, histories)
        return parts
    keys = [(app_label, name.lower()) for name in model_names(operation)]
    before = table_of(operation, app_label, state)
    needs = needed(operation, app_label, state)
    operation.state_forwards(app_label, state)
    after = table_in(state, keys[0]) if keys else None
    kind = type(operation).__name__
    facts: Dict[str, Any] = {
        "kind": kind,
        "table": after or before,
        "column": None,
        "null": None,
        "name": operation_name(operation),
    }
    facts["needs"] = needs
    facts["becomes"] = table_in(state, keys[-1]) if kind == "RenameModel" else facts["table"]
    facts["history"] = histories.follow(operation, app_label, state)
    facts["sql"] = not is_code(operation)
    facts["text"] = "\n".join(own_sql([operation]))
    facts["nothing"] = bool(keys) and (
        facts["history"] is None or not all(is_managed(state, key) for key in keys) or kind in BELIEFS
    )
    if facts["table"] is not None and kind in ("AddField", "AlterField"):
        field = operation.field.clone()
        field.set_attributes_from_name(operation.name)
        facts["column"] = None if field.many_to_many else field.column
        facts["null"] = operation.field.null
    return [facts]


# Operations that change Django's state and no table.
BELIEFS = ("AlterModelOptions", "AlterModelManagers")


def follow_state(operation: Any, app_label: str, state: Any, histories: Any) -> None:
    """Record the state operations of an operation."""
    for part in operation.state_operations:
        if hasattr(part, "state_operations"):
            follow_state(part, app_label, state, histories)
        else:
            histories.follow(part, app_label, state)


def is_code(operation: Any) -> bool:
    """Say whether an operation runs Python code."""
    from django.db.migrations import RunPython

    if isinstance(operation, RunPython):
        return operation.code is not RunPython.noop
    return not getattr(operation, "reduces_to_sql", True)


def operation_name(operation: Any) -> str:
    """Return an operation for people to read: RunPython fill, AlterField book.id."""
    kind, code = type(operation).__name__, getattr(operation, "code", None)
    if code is not None:
        return "%s %s" % (kind, getattr(code, "__name__", type(code).__name__))
    parts = [*model_names(operation)[:1], getattr(operation, "name", None) if kind.endswith("Field") else None]
    return " ".join([kind, ".".join(str(part) for part in parts if part)]).strip()


class Walk:
    """Goes through all migrations and runs the chosen operations with an editor.

    ``shared`` names the tables that both systems use, ``deletable`` those whose rows the other system may delete: a
    foreign key to one of these gets an action of the database.
    """

    def __init__(self, shared: Any, deletable: Any) -> None:
        from django.db.migrations.loader import MigrationLoader
        from django.db.migrations.state import ProjectState

        self.shared, self.deletable = set(shared), set(deletable)
        self.loader = MigrationLoader(None)
        self.plan = full_plan(self.loader.graph)
        self.restart()
        self.refused: List[Any] = []
        self.editor: Any = None
        self.chosen: Set[int] = set()
        for key in self.plan:
            self.forwards(key)
        self.histories.end(self.state)
        self.ends = [history.final for history in self.histories.all]
        self.final = {
            self.histories.all.index(history): self.state.models[key] for key, history in self.histories.current.items()
        }
        self.new_state: Callable[[Any], Any] = lambda models: ProjectState(
            models=models, real_apps=self.state.real_apps
        )
        self.restart()

    def restart(self) -> None:
        """Go back to the state before the first migration."""

        from django.db.migrations.state import ProjectState

        self.state = ProjectState(real_apps=self.loader.unmigrated_apps)
        self.histories, self.at = ModelHistories(), 0

    def move_to(self, key: Any) -> None:
        """Go to the place before a migration; without one, to the end."""
        while self.at < len(self.plan) and self.plan[self.at] != key:
            self.forwards(self.plan[self.at])
            self.at += 1

    def migrate(self, key: Any, chosen: Any, editor: Any) -> None:
        """Run the chosen operations of a migration with the editor, and go past it."""
        self.editor, self.chosen, self.refused = editor, set(chosen), []
        try:
            self.forwards(key)
        finally:
            self.editor, self.chosen = None, set()
        self.at += 1

    def forwards(self, key: Any) -> None:
        """Follow the operations of one migration."""
        migration, number = self.loader.graph.nodes[key], 0
        for operation in migration.operations:
            number = self.step(operation, migration, self.state, number)

    def step(self, operation: Any, migration: Any, state: Any, number: int) -> int:
        """Follow one operation, and run it if it was chosen; return the number of the next one."""
        app_label = migration.app_label
        if hasattr(operation, "database_operations"):
            seen = state.clone()
            for part in operation.database_operations:
                number = self.step(part, migration, seen, number)
            operation.state_forwards(app_label, state)
            follow_state(operation, app_label, state, self.histories)
            return number
        run = number in self.chosen
        before = self.seen(state.clone()) if run else None
        operation.state_forwards(app_label, state)
        self.histories.follow(operation, app_label, state)
        if run:
            self.meet(operation, migration, before, self.seen(state))
        return number + 1

    def meet(self, operation: Any, migration: Any, before: Any, after: Any) -> None:
        """Render an operation as SQL, or run it, as the editor says."""
        if not self.editor.collect_sql:
            apart = operation.atomic or (migration.atomic and operation.atomic is not False)
            self.run(operation, migration.app_label, before, after, apart=apart)
            return
        if is_code(operation):
            self.refused.append([operation_name(operation), "runs Python code"])
            return
        try:
            operation.database_forwards(migration.app_label, self.editor, before, after)
        except Exception as error:  # it asks the database, and there is none
            if CLOSED not in str(error):
                sys.stderr.write("handover: %s gives no SQL: %s\n" % (operation_name(operation), error))
            self.refused.append([operation_name(operation), "asks the database"])

    def run(self, operation: Any, app_label: str, before: Any, after: Any, apart: Any) -> None:
        """Run an operation, in a transaction of its own if it needs one."""

        from django.db import transaction

        try:
            if apart and not self.editor.atomic_migration:
                with transaction.atomic(self.editor.connection.alias):
                    operation.database_forwards(app_label, self.editor, before, after)
            else:
                operation.database_forwards(app_label, self.editor, before, after)
        except Exception:
            self.refused.append([operation_name(operation), "failed"])
            raise

    def seen(self, state: Any) -> Any:
        """Return the state of the live database: shared tables in their final form, without keys to later tables."""
        changed = {}
        for key, history in self.histories.current.items():
            number = self.histories.all.index(history)
            if self.ends[number] in self.shared and key in state.models and number in self.final:
                shape = self.shape(key, state.models[key], self.final[number], self.ends[number], state)
                if shape is not None:
                    changed[key] = shape
        if not changed:
            return state
        models = {key: model.clone() for key, model in state.models.items()}
        models.update(changed)
        return self.new_state(models)

    def shape(self, key: Any, model: Any, final: Any, table: Optional[str], state: Any) -> Any:
        """Return a shared model in its final form, under its present name; None if it has that form already."""
        fields = {}
        for name, field in model.fields.items():
            last = final.fields.get(name)
            if last is None and field.primary_key:
                last = self.final_key(final)
            if last is None or not self.is_known(last, final, state):
                continue
            fields[name] = field if same_field(field, last) else last.clone()
        same = len(fields) == len(model.fields) and all(fields[name] is model.fields[name] for name in fields)
        if same and table_in(state, key) == table:
            return None
        shape = model.clone()
        shape.fields = fields
        shape.options = dict(model.options, db_table=table)
        return shape

    def final_key(self, final: Any) -> Any:
        """Return the primary key of a model in its final form."""
        for name, field in final.fields.items():
            if field.primary_key:
                key = field.clone()
                key.db_column = key.db_column or name
                return key
        return None

    def is_known(self, field: Any, model: Any, state: Any) -> bool:
        """Say whether the target of a field exists: in the state, and not as a later table of the system's own."""
        target = target_of(field, (model.app_label, model.name.lower()))
        if target is None:
            return True
        history = self.histories.current.get(target)
        if history is not None and self.ends[self.histories.all.index(history)] not in self.shared:
            return False
        return target in state.models or target[0] in state.real_apps

    def action(self, model: Any, field: Any, always: Any) -> Optional[str]:
        """Return the database's action where Django's own cascade does not reach; None if none is needed."""
        theirs = field.remote_field.model._meta.db_table in self.deletable  # the original deletes its rows
        if not always and not theirs:
            return None
        history = self.histories.current.get((model._meta.app_label, model._meta.model_name))
        final = self.final.get(self.histories.all.index(history)) if history is not None else None
        last = final.fields.get(field.name, field) if final is not None else field
        rule = on_delete_name(getattr(last.remote_field, "on_delete", None)) or ""
        if rule.startswith("DB_") or (rule in ("PROTECT", "RESTRICT") and not theirs):
            return None
        return "CASCADE" if rule == "CASCADE" else "SET NULL" if last.null else None


def constraint_name(field: Any) -> Any:
    """Return Django's name for the constraint of a foreign key; None if it cannot tell."""
    from django.db import connection

    try:
        name = connection.schema_editor()._fk_constraint_name(field.model, field, "_fk_%(to_table)s_%(to_column)s")
        return str(name).strip('"')
    except Exception as error:
        sys.stderr.write("handover: no name for the key %s: %s\n" % (field, error))
        return None


def same_field(one: Any, other: Any) -> bool:
    """Say whether two fields are declared alike, whatever their names."""
    return one.deconstruct()[1:] == other.deconstruct()[1:]


def target_of(field: Any, own: Any) -> Any:
    """Return the model that a field points at, as (app, name)."""
    remote = getattr(field, "remote_field", None)
    name = getattr(remote, "model", None)
    if not name:
        return None
    name = name if isinstance(name, str) else name._meta.label
    if name == "self":
        return own
    app, _, model = name.rpartition(".")
    return (app or own[0], model.lower())


def editor_of(walk: Any, always: bool = False, **options: Any) -> Any:
    """Return a schema editor that gives foreign keys the database's action, where the walk asks for it."""
    from django.db import connection

    editor = connection.schema_editor(**options)
    editor.sql_create_column_inline_fk = None  # so that the method below makes every key
    make = editor._create_fk_sql

    def create_fk_sql(model: Any, field: Any, suffix: Any) -> Any:
        statement, action = make(model, field, suffix), walk.action(model, field, always)
        if action and "ON DELETE" not in str(statement):
            statement.parts["deferrable"] = " ON DELETE %s%s" % (action, statement.parts.get("deferrable", ""))
        return statement

    editor._create_fk_sql = create_fk_sql
    return editor


def render(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return the SQL of the chosen operations, in the order of the plan; an operation without SQL says why.

    With ``columns`` and ``joins``, also the SQL that adds those columns to shared tables and makes those tables.
    """
    from django.db import connection

    quote_without_connection(connection)
    walk = Walk(request["shared"], request["deletable"])
    rendered = []
    for app, name, chosen in request["migrations"]:
        walk.move_to((app, name))
        editor = editor_of(walk, collect_sql=True, atomic=False)
        with editor:
            walk.migrate((app, name), chosen, editor)
        sql = statements(editor)
        apart = [text for text in sql if "CONCURRENTLY" in text.upper()]
        refused = walk.refused + [
            [text.partition("(")[0].strip(), "needs to be outside a transaction"] for text in apart
        ]
        rendered.append({"sql": sql, "code": refused})
    walk.move_to(None)
    columns = [[label, added_columns(walk, label, names)] for label, names in request.get("columns", [])]
    return {
        "migrations": rendered,
        "columns": columns,
        "joins": [[label, join(walk, label)] for label in request.get("joins", [])],
    }


def added_columns(walk: Any, label: str, names: Any) -> List[Any]:
    """Return the SQL that adds fields to a model's table, with their indexes and constraints."""
    from django.apps import apps

    model = apps.get_model(label)
    meta = model._meta
    columns = ['"%s"' % meta.get_field(name).column for name in names]
    editor = editor_of(walk, always=True, collect_sql=True, atomic=False)
    with editor:
        for name in names:
            editor.add_field(model, meta.get_field(name))
        for together in meta.unique_together:
            if set(together) & set(names):
                editor.alter_unique_together(model, (), (together,))
        for things, add in ((meta.indexes, editor.add_index), (meta.constraints, editor.add_constraint)):
            for thing in things:
                text = (sql_of(model, thing) or "").partition(" ON ")[2] or sql_of(model, thing) or ""
                if any(column in text for column in columns):
                    add(model, thing)
    return statements(editor)


def join(walk: Any, label: str) -> List[Any]:
    """Return the SQL that makes the table of a many-to-many field."""
    from django.apps import apps

    editor = editor_of(walk, collect_sql=True, atomic=False)
    with editor:
        editor.create_model(apps.get_model(label))
    return statements(editor)


def statements(editor: Any) -> List[Any]:
    """Return the SQL that an editor collected, without comments."""
    return [text for text in editor.collected_sql if not is_comment(text)]


def is_comment(text: str) -> bool:
    """Say whether a text has only comments and empty lines."""
    return all(line.startswith("--") or not line.strip() for line in text.splitlines())
