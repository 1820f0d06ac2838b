"""Run migrations for an adoption and read the result, as the adopted role on the live database."""

from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING:  # they are given to it
    from handover.probe.histories import Walk, editor_of


WALK: List[Any] = []


def stand_as(request: Dict[str, Any]) -> List[Any]:
    """Give every later session of the default alias this role, this search_path and this lock_timeout."""
    from django.db import connection

    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    options = dict(connection.settings_dict.get("OPTIONS") or {})
    options.pop("assume_role", None)
    settings = {"role": request["role"], "search_path": request["path"], "lock_timeout": request["lock_timeout"]}
    options["options"] = " ".join("-c %s=%s" % (name, escaped(value)) for name, value in settings.items())
    connection.settings_dict["OPTIONS"] = options
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, pg_backend_pid()")
        return list(cursor.fetchone())


def escaped(value: Any) -> str:
    """Escape a value for an option on the command line of PostgreSQL."""
    return str(value).replace("\\", "\\\\").replace(" ", "\\ ")


def migrate(request: Dict[str, Any]) -> Dict[str, Any]:
    """Run the chosen operations of one migration and record it; ``locked`` if a lock could not be taken."""
    if not WALK:
        WALK.append(Walk(request["shared"], request["deletable"]))
    walk, key = WALK[0], tuple(request["key"])
    if walk.at > walk.plan.index(key):
        walk.restart()
    walk.move_to(key)
    migration = walk.loader.graph.nodes[key]
    try:
        with editor_of(walk, atomic=migration.atomic) as editor:
            walk.migrate(key, request["operations"], editor)
            if migration.atomic:
                editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            if migration.atomic:
                record(migration, key)
        if not migration.atomic:
            record(migration, key)
    except Exception as error:
        walk.restart()
        return {"locked": is_lock(error), "refused": is_right(error), "said": said(error), "at": walk.refused}
    return {}


def record(migration: Any, key: Any) -> None:
    """Record a migration; a squashed one counts as applied when all that it replaces are."""
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    for one in [*migration.replaces, key]:
        MigrationRecorder(connection).record_applied(*one)


def is_lock(error: Any) -> bool:
    """Say whether an error is about a lock."""
    return state_of(error) == "55P03"


def is_right(error: Any) -> bool:
    """Say whether an error is about a missing right."""
    return state_of(error) == "42501"


def state_of(error: Any) -> Any:
    """Return PostgreSQL's code of an error."""
    cause = error.__cause__ or error
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


def said(error: Any) -> str:
    """Return the class and the first line of an error."""
    lines = str(error).strip().splitlines()
    return "%s: %s" % (type(error).__name__, lines[0] if lines else "")


def models_seen(_request: Any) -> Dict[str, Any]:
    """Read no row of every model, through its manager; return where its table is, or why it cannot be read."""
    from django.apps import apps
    from django.db import DEFAULT_DB_ALIAS, router

    found = []
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.proxy or router.db_for_read(model) != DEFAULT_DB_ALIAS:
            continue
        found.append({"label": meta.label, "table": meta.db_table, "managed": meta.managed, **read(model)})
    return {"models": found, "waiting": waiting()}


def read(model: Any) -> Dict[str, Any]:
    """Read one row of a model; return where its table is, or the error."""

    from django.core.exceptions import EmptyResultSet
    from django.db import connection

    try:
        statement, parameters = model._base_manager.order_by().query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(%s)",
                [connection.ops.quote_name(model._meta.db_table)],
            )
            place = cursor.fetchone()
            cursor.execute("SELECT * FROM (%s) AS seen LIMIT 0" % statement, parameters)  # noqa: S608 - Django's own
    except EmptyResultSet:
        return {"place": None, "error": None}
    except Exception as error:
        return {"place": None, "error": said(error)}
    return {"place": place[0] if place else None, "error": None}


def waiting() -> List[Any]:
    """Return the migrations that Django would still run, by its own reading of the history."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [[migration.app_label, migration.name] for migration, _ in plan]


ANSWERS = {"stand_as": stand_as, "migrate": migrate, "look": models_seen}
