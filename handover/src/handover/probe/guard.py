"""The agent's first part: which databases the system may reach, from any thread and under any alias.

Django's own wrappers are guarded before the project's first line runs, so ``connections`` offers no way around. A
driver that the project calls by itself cannot be guarded; PostgreSQL's own setting makes its sessions read-only.
"""

import functools
import os
from typing import Any, Callable, Dict, Optional

READ_ONLY = "-c default_transaction_read_only=on"
CLOSED = (
    "handover: looking at a system connects it to no database. If it cannot start without reading from its own, "
    "write reads_at_start = true in its section of handover.toml"
)
# These options and variables override NAME, HOST and PORT, or are mixed with them.
ELSEWHERE = ("dbname", "database", "db", "host", "hostaddr", "port", "service", "passfile", "read_default_file")
ELSEWHERE_VARIABLES = ("PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE")
# "closed", "reading" (sessions of PostgreSQL that cannot write), or "open"; only "place" can be reached.
GUARD: Dict[str, Any] = {"mode": "closed", "place": {}}


def stand_guard() -> None:
    """Guard every wrapper of a connection, those that are loaded already and later ones."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    def guard_each(cls: Any, **options: Any) -> None:
        super(BaseDatabaseWrapper, cls).__init_subclass__(**options)
        guard_class(cls)

    each: Any = guard_each
    BaseDatabaseWrapper.__init_subclass__ = classmethod(each)
    classes = [BaseDatabaseWrapper]
    for cls in classes:
        guard_class(cls)
        classes += [c for c in cls.__subclasses__() if c not in classes]


def guard_class(cls: Any) -> None:
    """Guard the methods of one wrapper that connect."""
    for name, guarded in (
        ("connect", only_where_allowed),
        ("get_new_connection", never_writing),
        ("get_connection_params", asking_to_read),
    ):
        method = vars(cls).get(name)
        if method is not None and not hasattr(method, "unguarded"):
            setattr(cls, name, guarded(method))
            vars(cls)[name].unguarded = method


def only_where_allowed(method: Any) -> Callable[..., Any]:
    """Return ``connect`` that refuses what the guard forbids."""

    @functools.wraps(method)
    def connect(self: Any, *arguments: Any, **options: Any) -> Any:
        refuse_if(refusal(self))
        return method(self, *arguments, **options)

    return connect


def never_writing(method: Any) -> Callable[..., Any]:
    """Return ``get_new_connection`` that refuses what the guard forbids, and sessions that could write."""

    @functools.wraps(method)
    def get_new_connection(self: Any, *arguments: Any, **options: Any) -> Any:
        refuse_if(refusal(self))
        connection = method(self, *arguments, **options)
        if GUARD["mode"] == "reading":
            with connection.cursor() as cursor:
                cursor.execute("SHOW default_transaction_read_only")
                kept = cursor.fetchone()[0] == "on"
            connection.rollback()
            refuse_if(None if kept else "handover: a pool before the database ignores that sessions must not write")
        return connection

    return get_new_connection


def asking_to_read(method: Any) -> Callable[..., Any]:
    """Return ``get_connection_params`` that asks for read-only sessions."""

    @functools.wraps(method)
    def get_connection_params(self: Any, *arguments: Any, **options: Any) -> Any:
        found = method(self, *arguments, **options)
        if GUARD["mode"] == "reading":
            found["options"] = " ".join(filter(None, [found.get("options"), READ_ONLY]))
        return found

    return get_connection_params


def refuse_if(why: Optional[str]) -> None:
    """Raise the error that Django raises if a database does not answer; projects handle that error."""
    if why:
        from django.db.utils import OperationalError

        raise OperationalError(why)


def refusal(wrapper: Any) -> Optional[str]:
    """Return why a wrapper may not connect; None when it may."""
    if GUARD["mode"] == "closed":
        return CLOSED
    if GUARD["mode"] == "reading" and wrapper.vendor != "postgresql":
        return "handover: only sessions of PostgreSQL can be kept from writing, so %s is not reached" % wrapper.alias
    found = wrapper.settings_dict
    if any(str(found.get(name) or "") != str(value) for name, value in GUARD["place"].items()):
        return "handover: the alias %s leads to another database than the one to act on" % wrapper.alias
    return None


def lead_to(place: Dict[str, Any]) -> None:
    """Let the default alias lead to a place, and with it the aliases of the same database (replicas).

    Every other alias keeps its settings and is refused. A place may have a HOSTADDR: it is connected to, and HOST is
    the name that a certificate must have.
    """
    if not place:
        return
    from django.db import DEFAULT_DB_ALIAS, connections

    address = {"hostaddr": place["HOSTADDR"]} if "HOSTADDR" in place else {}
    place = {name: value for name, value in place.items() if name != "HOSTADDR"}
    GUARD["place"] = place
    for name in ELSEWHERE_VARIABLES:
        os.environ.pop(name, None)
    own = str(connections.databases[DEFAULT_DB_ALIAS].get("NAME") or "")
    for alias, settings in connections.databases.items():
        if alias == DEFAULT_DB_ALIAS or (own and str(settings.get("NAME") or "") == own):
            settings.update(place)
            options = settings.get("OPTIONS") or {}
            kept = {name: value for name, value in options.items() if name not in ELSEWHERE}
            settings["OPTIONS"] = dict(kept, **address)


def become(mode: str) -> None:
    """Change the mode of the guard; connections of this thread under the old mode are closed, pools included."""
    from django.db import connections

    for alias in connections:
        if hasattr(connections._connections, alias):  # asking for a connection would make it and load its driver
            connection = connections[alias]
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()
    GUARD["mode"] = mode
