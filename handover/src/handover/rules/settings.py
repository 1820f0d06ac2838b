"""Settings that two systems on one database must agree on."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from handover.config.config import Config
from handover.finding import Observation, Severity
from handover.rules.registry import rule
from handover.rules.setting_comparison import SAME, both_settings, setting_differs, shown
from handover.schema.models import DatabaseSettings, address
from handover.schema.subject import DescribedSystem, Subject


@rule("HO186")
def time_zones(subject: Subject) -> Iterator[Observation]:
    """Both mean the same time.

    What is wrong
    -------------
    `USE_TZ`, `TIME_ZONE`, or the time zone of the database connection differs.

    Why it hurts
    ------------
    Days and months begin at different times, or times are wrong by hours.

    Example
    -------
    `USE_TZ = False` in the original, `True` in the backend.

    Mend
    ----
    Give both systems the same values.

    ```python
    USE_TZ = True
    TIME_ZONE = "Europe/Madrid"
    ```
    """
    for one, other in both_settings(subject):
        if one.use_tz != other.use_tz:
            effect = "times are written in different zones"
            yield setting_differs("USE_TZ", (one.use_tz, other.use_tz), effect)
        zones = [(s.time_zone, s.database.time_zone) for s in (one, other)]
        if zones[0] != zones[1]:
            effect = "days and months begin at different times" if one.use_tz else "times are off by hours"
            severity: Severity = "risky" if one.use_tz and other.use_tz and zones[0][1] == zones[1][1] else "breaking"
            yield setting_differs("TIME_ZONE", (_zone(zones[0]), _zone(zones[1])), effect, severity)


def _zone(zone: tuple[str | None, str | None]) -> str:
    return f"{zone[0]}" + (f" (database {zone[1]})" if zone[1] else "")


@rule("HO187")
def auto_field(subject: Subject) -> Iterator[Observation]:
    """New tables get the same kind of key.

    What is wrong
    -------------
    `DEFAULT_AUTO_FIELD` of the two systems differs.

    Why it hurts
    ------------
    The next model gets a key of another type, and its relations do not fit.

    Example
    -------
    `AutoField` in the original, `BigAutoField` in the backend.

    Mend
    ----
    Write the original's value, or name the field in each model.

    ```python
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    ```
    """
    for one, other in both_settings(subject):
        if one.default_auto_field != other.default_auto_field:
            values = (one.default_auto_field, other.default_auto_field)
            yield setting_differs("DEFAULT_AUTO_FIELD", values, "the next key is of another type", "risky")


@rule("HO189")
def database(subject: Subject) -> Iterator[Observation]:
    """Both connect to this database.

    What is wrong
    -------------
    A system's default database has another name or is not PostgreSQL (breaking). Or address, `ATOMIC_REQUESTS`,
    isolation level or encoding differ (risky).

    Why it hurts
    ------------
    The two systems may write to two databases, and every other comparison is worthless.

    Example
    -------
    The backend's `DATABASE_URL` names `live_test`.

    Mend
    ----
    Give both systems the same database. Two addresses of one server can be accepted.

    ```console
    $ handover contract accept HO189 "address of the database" --because "the pooler leads to the same server"
    ```
    """
    for system in subject.systems:
        settings = system.description.settings.database
        if settings.vendor != "postgresql":
            found = f"is {settings.vendor} in the {system.side}"
            yield Observation(
                where="DATABASES",
                found=found,
                expected="the shared database is PostgreSQL",
                todo=SAME,
                hurts=system.side,
            )
        elif settings.name != subject.catalog.server["database"]:
            found = f"is {settings.name or 'nothing'} in the {system.side}"
            expected = f"what is compared here is {subject.catalog.server['database']}"
            yield Observation(
                where="name of the database", found=found, expected=expected, todo=SAME, hurts=system.side
            )
    for one, other in both_settings(subject):
        addresses = (_address(one.database), _address(other.database))
        if addresses[0] != addresses[1]:
            effect = "they may be two servers; accept it in the contract if both lead to one"
            yield setting_differs("address of the database", addresses, effect, "risky")
        for name, values in {
            "ATOMIC_REQUESTS": (one.database.atomic_requests, other.database.atomic_requests),
            "database OPTIONS": (_options(one.database), _options(other.database)),
        }.items():
            if values[0] != values[1]:
                effect = "the two treat transactions or values differently"
                yield setting_differs(name, values, effect, "risky")


def _address(settings: DatabaseSettings) -> str:
    return address(settings.host, settings.port)


def _options(settings: DatabaseSettings) -> list[str]:
    """Return the options that change what statements do; what sessions begin with is compared as HO198."""
    names = ("isolation_level", "client_encoding")
    return [f"{name}={settings.options[name]}" for name in names if name in settings.options]


@rule("HO199")
def hosts(subject: Subject) -> Iterator[Observation]:
    """Both answer to the name that is switched.

    What is wrong
    -------------
    `ALLOWED_HOSTS` of a system does not contain the name in `[dns]`.

    Why it hurts
    ------------
    After the switch that system answers 400 to every request.

    Example
    -------
    The backend allows `backend.example`, and people ask for `shop.example`.

    Mend
    ----
    Add the name. If a proxy asks under another name, accept it.

    ```python
    ALLOWED_HOSTS = ["shop.example", "backend.example"]
    ```
    """
    name = public_name(subject.config)
    if not name:
        return
    for system in subject.systems:
        allowed = system.description.settings.hosts
        if not any(host in ("*", name) or (host[:1] == "." and f".{name}".endswith(host)) for host in allowed):
            found = f"of the {system.side} is {shown(allowed)}"
            expected = f"people ask for {name}, and it would answer 400 to all of them"
            todo = f"Add {name}; if a proxy asks under another name, accept it in the contract."
            yield Observation(where="ALLOWED_HOSTS", found=found, expected=expected, todo=todo, hurts=system.side)


def public_name(config: Config) -> str:
    """Return the name that people ask for: the balancer's, or that of the DNS record; empty when it is not declared."""
    if config.switch.url:
        return urlsplit(config.switch.url).hostname or ""
    return config.dns.name.rstrip(".") if config.dns else ""


@rule("HO195")
def search_index(subject: Subject) -> Iterator[Observation]:
    """Both ask the same search index.

    What is wrong
    -------------
    A system's setting names another index than `[index]` of `handover.toml`.

    Why it hurts
    ------------
    What one system indexes is not found by the other.

    Example
    -------
    `SEARCH_INDEX` is `clips` in one and `clips_test` in the other.

    Mend
    ----
    Give both systems the same value.

    ```python
    SEARCH_INDEX = "clips"
    ```
    """
    index = subject.config.index
    if index is None:
        return
    for system in subject.systems:
        name = system.description.settings.named.get(index.setting)
        if name != index.name:
            found = f"is {name} in the {system.side}"
            expected = f"handover.toml names the index {index.name}"
            yield Observation(where=index.setting, found=found, expected=expected, todo=SAME, hurts=system.side)


@rule("HO196")
def routers(subject: Subject) -> Iterator[Observation]:
    """Every model is in the shared database.

    What is wrong
    -------------
    A database router sends models to another database, reads them from another, or could not be asked.

    Why it hurts
    ------------
    The tables there were not looked at.

    Example
    -------
    A router sends `audit` to the database `logs`.

    Mend
    ----
    Compare these tables by hand on both systems, then accept it.

    ```console
    $ handover contract accept HO196 "database logs" --because "both systems write the audit to the same server"
    ```
    """
    for system in subject.systems:
        settings, models = system.description.settings, system.description.concrete()
        if not settings.routers:
            continue
        raised = next((model.routed.said for model in models if model.routed.said), None)
        others = [alias for alias in settings.databases if system.description.is_away(alias)]
        routed = list(_routed(system))
        yield from routed
        if raised or (others and not routed):
            found = f"are {', '.join(settings.routers)}, and could not be asked ({raised})"
            if raised is None:
                found = f"are {', '.join(settings.routers)}, and name the default database where no row is known"
            expected = f"for a row they may name another database: {', '.join(others) or 'unknown'}"
            todo = "Make sure that the mapped models are in the default database, then accept it in the contract."
            yield Observation(
                where="DATABASE_ROUTERS",
                found=found,
                expected=expected,
                todo=todo,
                severity="unseen",
                hurts=system.side,
            )


def _routed(system: DescribedSystem) -> Iterator[Observation]:
    """Yield one finding for each other database that models are written to, or read from."""
    models, places = system.description.concrete(), system.description.settings.databases
    for alias in sorted(name for name in {m.routed.write for m in models} if system.description.is_away(name)):
        found = f"is {places.get(alias, 'not in DATABASES')}, and holds what is not in the shared database"
        tables = tuple(sorted(m.table for m in models if m.routed.write == alias))
        todo = "Compare these tables by hand on both systems, then accept it in the contract."
        yield Observation(
            where=f"database {alias}",
            found=found,
            expected="it was not looked at",
            todo=todo,
            severity="unseen",
            hurts=system.side,
            parts=tables,
        )
    readers = [m for m in models if m.routed.read != m.routed.write and system.description.is_away(m.routed.read)]
    for alias in sorted({m.routed.read for m in readers}):
        found = f"is {places.get(alias, 'not in DATABASES')}, and is where rows are read from"
        tables = tuple(sorted(m.table for m in readers if m.routed.read == alias))
        todo = "Make sure that it is a replica of the shared database, then accept it in the contract."
        yield Observation(
            where=f"database {alias}",
            found=found,
            expected="it was not looked at",
            todo=todo,
            severity="unseen",
            hurts=system.side,
            parts=tables,
        )
