"""Sent over standard input to a system's own interpreter: standard library and Django only, Python 3.8 or newer.

It never connects to a database. Requests come in and answers go out as JSON, one a line; whatever the system itself
prints goes to standard error.
"""

import json
import os
import sys
import traceback


def field_facts(field, connection):
    target = field.target_field if field.remote_field else None
    return {
        "column": field.column,
        "type": field.db_type(connection),
        "null": field.null,
        "primary_key": field.primary_key,
        "unique": field.unique,
        "indexed": bool(field.db_index or field.unique),
        "references": [target.model._meta.db_table, target.column] if target is not None else None,
    }


def columns_of(meta, names):
    return [meta.get_field(name.lstrip("-")).column for name in names]


def model_facts(model, connection):
    meta = model._meta
    unique = [columns_of(meta, names) for names in meta.unique_together]
    unique += [columns_of(meta, c.fields) for c in meta.constraints if getattr(c, "fields", None)]
    permissions = [
        ["%s_%s" % (action, meta.model_name), "Can %s %s" % (action, meta.verbose_name_raw)]
        for action in meta.default_permissions
    ]
    return {
        "label": meta.label,
        "app_label": meta.app_label,
        "model_name": meta.model_name,
        "table": meta.db_table,
        "made_for": meta.auto_created._meta.label if meta.auto_created else None,
        "proxy": meta.proxy,
        "fields": [field_facts(f, connection) for f in meta.local_concrete_fields],
        "unique": unique,
        "indexes": [columns_of(meta, index.fields) for index in meta.indexes if index.fields],
        "permissions": permissions + [list(p) for p in meta.permissions],
    }


def describe(_request):
    from django.apps import apps
    from django.db import connection

    models = apps.get_models(include_auto_created=True)
    return {"models": [model_facts(model, connection) for model in models], "migrations": migrations()}


def migrations():
    """Every migration on disk in the order it would be applied, with what each operation touches."""
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    loader = MigrationLoader(None)
    state = ProjectState(real_apps=loader.unmigrated_apps)
    facts = []
    for key in full_plan(loader.graph):
        migration = loader.graph.nodes[key]
        operations = []
        for operation in migration.operations:
            before = state.clone()
            operation.state_forwards(migration.app_label, state)
            operations += operation_facts(operation, migration.app_label, before, state)
        module = type(migration).__module__
        facts.append({"app": key[0], "name": key[1], "module": module, "operations": operations})
    return facts


def full_plan(graph):
    plan = []
    for leaf in graph.leaf_nodes():
        plan += [key for key in graph.forwards_plan(leaf) if key not in plan]
    return plan


def operation_facts(operation, app_label, before, after):
    if hasattr(operation, "database_operations"):
        parts = operation.database_operations
        return [facts for part in parts for facts in operation_facts(part, app_label, before, after)]
    kind = type(operation).__name__
    facts = {"kind": kind, "table": None, "column": None, "null": None, "sql": kind != "RunPython"}
    model = model_of(operation, app_label, before, after)
    if model is not None:
        facts["table"] = model._meta.db_table
        if kind in ("AddField", "AlterField"):
            facts["column"] = model._meta.get_field(operation.name).column
            facts["null"] = operation.field.null
    return [facts]


def model_of(operation, app_label, before, after):
    """The model an operation is about: as it is afterwards, or as it was if the operation removes it."""
    from django.db.migrations.operations.models import ModelOperation

    names = [getattr(operation, "model_name", None), getattr(operation, "old_name", None)]
    if isinstance(operation, ModelOperation):
        names.append(operation.name)
    for name in filter(None, names):
        for state in (after, before):
            if (app_label, name.lower()) in state.models:
                return state.apps.get_model(app_label, name)
    return None


def render(request):
    """The SQL of the named migrations, in the given order, without a database."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    # Django asks an open connection to put parameters into a statement; there is none here.
    quote = connection.schema_editor(collect_sql=True).quote_value
    connection.ops.compose_sql = lambda query, params: query % tuple(map(quote, params or ()))
    loader = MigrationLoader(None)
    rendered = []
    for app, name in request["migrations"]:
        state = loader.project_state((app, name), at_end=False)
        editor = connection.schema_editor(collect_sql=True, atomic=False)
        with editor:
            loader.graph.nodes[(app, name)].apply(state, editor, collect_sql=True)
        rendered.append([text for text in editor.collected_sql if not is_comment(text)])
    return {"sql": rendered}


def is_comment(text):
    return all(line.startswith("--") or not line.strip() for line in text.splitlines())


def answer(request):
    return {"describe": describe, "render": render}[request["do"]](request)


def main():
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the system's own prints must not mix with the answers
    sys.path.insert(0, os.getcwd())
    for line in sys.stdin:
        try:
            import django

            django.setup()
            reply = {"ok": answer(json.loads(line))}
        except Exception:
            reply = {"error": traceback.format_exc()}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


main()
