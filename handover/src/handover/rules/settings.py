"""Settings that two systems on one database must agree on."""

from collections.abc import Iterator
from typing import TypeVar

from handover.finding import Finding, Hurts, Severity
from handover.rules.registry import rule
from handover.schema.models import DatabaseSettings, Settings, address
from handover.schema.subject import DescribedSystem, Subject
from handover.side import Side

T = TypeVar("T")
SAME = "Give both systems the same value."


def _settings(subject: Subject) -> Iterator[tuple[Settings, Settings]]:
    if subject.both:
        original, backend = subject.both
        yield original.description.settings, backend.description.settings


def _differs(
    code: str, name: str, values: tuple[object, object], effect: str,
    severity: Severity = "breaking", hurts: Hurts = "both",
) -> Finding:  # fmt: skip
    found = f"is {_shown(values[1])} in the backend"
    return Finding(
        code=code,
        where=name,
        found=found,
        expected=f"the original has {_shown(values[0])}: {effect}",
        todo=SAME,
        severity=severity,
        hurts=hurts,
    )


def _both_ways(original: T, backend: T) -> Iterator[tuple[Hurts, T, T]]:
    yield Side.ORIGINAL, original, backend
    yield Side.BACKEND, backend, original


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) or "nothing" if isinstance(value, list | tuple) else str(value)


@rule("HO180", "One user model")
def user_model(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        if one.user_table != other.user_table:
            values = (one.user_table, other.user_table)
            yield _differs("HO180", "table of AUTH_USER_MODEL", values, "accounts are not the same")
        elif one.auth_user_model != other.auth_user_model:
            values = (one.auth_user_model, other.auth_user_model)
            yield _differs("HO180", "AUTH_USER_MODEL", values, "histories and permissions name another model", "risky")


@rule("HO181", "Passwords work on both systems")
def hashers(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        algorithms = [{h.algorithm for h in s.hashers} for s in (one, other)]
        for name, mine, theirs in _both_ways(*algorithms):
            if lacking := sorted(theirs - mine):
                found = f"of the {name} lack {', '.join(lacking)}"
                expected = "whoever has such a password cannot log in there"
                yield Finding(
                    code="HO181", where="PASSWORD_HASHERS", found=found, expected=expected, todo=SAME, hurts=name
                )
        if not one.hashers or not other.hashers or algorithms[0] != algorithms[1]:
            continue
        preferred = [(s.hashers[0].algorithm, *sorted(s.hashers[0].parameters.items())) for s in (one, other)]
        if preferred[0] != preferred[1]:
            values = (_hasher(one), _hasher(other))
            effect = "each login rehashes the password, and that ends the user's other sessions"
            yield _differs("HO181", "preferred password hasher", values, effect, "risky")


def _hasher(settings: Settings) -> str:
    first = settings.hashers[0]
    return " ".join([first.algorithm, *(f"{name}={value}" for name, value in sorted(first.parameters.items()))])


@rule("HO182", "Sessions of one system are sessions of the other")
def sessions(subject: Subject) -> Iterator[Finding]:
    out = "everybody is logged out at the switch"
    for one, other in _settings(subject):
        for name, values in {
            "SESSION_ENGINE": (one.session_engine, other.session_engine),
            "SESSION_SERIALIZER": (one.session_serializer, other.session_serializer),
            "SESSION_COOKIE_NAME, _DOMAIN, _PATH": (one.session_cookie, other.session_cookie),
        }.items():
            if values[0] != values[1]:
                yield _differs("HO182", name, values, out)
        if one.session_engine == other.session_engine:
            yield from _session_stores(one, other)
        if one.session_age != other.session_age:
            effect = "sessions end at different times"
            yield _differs("HO182", "SESSION_COOKIE_AGE", (one.session_age, other.session_age), effect, "risky")


def _session_stores(one: Settings, other: Settings) -> Iterator[Finding]:
    """Yield whether a session that one system keeps outside the database is there for the other."""
    engine = one.session_engine.rpartition(".")[2]
    if engine == "cache" and any("locmem" in store or "dummy" in store for store in one.session_store):
        found = "is the memory of one process"
        expected = "a session of one system is none of the other: everybody is logged out at the switch"
        yield Finding(
            code="HO182",
            where="cache of SESSION_ENGINE",
            found=found,
            expected=expected,
            todo="Keep sessions where both find them.",
        )
    elif one.session_store != other.session_store and engine == "file":
        effect = "everybody is logged out at the switch"
        yield _differs("HO182", "SESSION_FILE_PATH", (one.session_store, other.session_store), effect)
    elif one.session_store != other.session_store:
        severity: Severity = "breaking" if engine == "cache" else "risky"
        found, expected = "is another one in the backend", "everybody is logged out at the switch"
        if engine == "cached_db":
            expected = "whoever logs out on one system is still logged in on the other"
        yield Finding(
            code="HO182",
            where="cache of SESSION_ENGINE",
            found=found,
            expected=expected,
            todo=SAME,
            severity=severity,
            hurts="both",
        )


@rule("HO183", "One secret key")
def secret_key(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        if one.secret_key == other.secret_key:
            continue
        # A key that the other one still accepts keeps old signatures valid; new ones of either fail on one side.
        accepted = [one.secret_key in other.secret_key_fallbacks, other.secret_key in one.secret_key_fallbacks]
        found = "is another one in the backend" + (
            ", which accepts the original's as a fallback" if accepted[0] else ""
        )
        expected = "both sign sessions, cookies and password resets with one key"
        severity: Severity = "risky" if all(accepted) else "breaking"
        yield Finding(
            code="HO183", where="SECRET_KEY", found=found, expected=expected, todo=SAME, severity=severity, hurts="both"
        )


@rule("HO184", "Sessions name a backend that both have")
def authentication(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        for name, mine, theirs in _both_ways(one, other):
            if lacking := [path for path in theirs.backends if path not in mine.backends]:
                found = f"of the {name} lack {', '.join(lacking)}"
                expected = "a session that was opened through it is anonymous there"
                yield Finding(
                    code="HO184", where="AUTHENTICATION_BACKENDS", found=found, expected=expected, todo=SAME, hurts=name
                )


@rule("HO185", "People log in by the same field")
def login_fields(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        if one.login_fields != other.login_fields:
            values = (one.login_fields, other.login_fields)
            yield _differs("HO185", "USERNAME_FIELD, EMAIL_FIELD", values, "what people type finds no account")


@rule("HO186", "Both mean the same time")
def time_zones(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        if one.use_tz != other.use_tz:
            effect = "times are written in different zones"
            yield _differs("HO186", "USE_TZ", (one.use_tz, other.use_tz), effect)
        zones = [(s.time_zone, s.database.time_zone) for s in (one, other)]
        if zones[0] != zones[1]:
            effect = "days and months begin at different times" if one.use_tz else "times are off by hours"
            severity: Severity = "risky" if one.use_tz and other.use_tz and zones[0][1] == zones[1][1] else "breaking"
            yield _differs("HO186", "TIME_ZONE", (_zone(zones[0]), _zone(zones[1])), effect, severity)


def _zone(zone: tuple[str | None, str | None]) -> str:
    return f"{zone[0]}" + (f" (database {zone[1]})" if zone[1] else "")


@rule("HO187", "New tables get the same kind of key")
def auto_field(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        if one.default_auto_field != other.default_auto_field:
            values = (one.default_auto_field, other.default_auto_field)
            yield _differs("HO187", "DEFAULT_AUTO_FIELD", values, "the next key is of another type", "risky")


@rule("HO188", "Both accept the same passwords")
def password_validators(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        if sorted(one.password_validators) != sorted(other.password_validators):
            names = [[_validator(v) for v in s.password_validators] for s in (one, other)]
            effect = "a password chosen on one is refused on the other"
            yield _differs("HO188", "AUTH_PASSWORD_VALIDATORS", (names[0], names[1]), effect, "risky")


def _validator(validator: tuple[str, tuple[tuple[str, str], ...]]) -> str:
    options = ", ".join(f"{name}={value.partition(':')[2]}" for name, value in validator[1])
    return validator[0].rpartition(".")[2] + (f"({options})" if options else "")


@rule("HO189", "Both connect to this database")
def database(subject: Subject) -> Iterator[Finding]:
    for system in subject.systems:
        settings = system.description.settings.database
        if settings.vendor != "postgresql":
            found = f"is {settings.vendor} in the {system.side}"
            yield Finding(
                code="HO189",
                where="DATABASES",
                found=found,
                expected="the shared database is PostgreSQL",
                todo=SAME,
                hurts=system.side,
            )
        elif settings.name != subject.catalog.server["database"]:
            found = f"is {settings.name or 'nothing'} in the {system.side}"
            expected = f"what is compared here is {subject.catalog.server['database']}"
            yield Finding(
                code="HO189", where="name of the database", found=found, expected=expected, todo=SAME, hurts=system.side
            )
    for one, other in _settings(subject):
        addresses = (_address(one.database), _address(other.database))
        if addresses[0] != addresses[1]:
            effect = "they may be two servers; accept it in the contract if both lead to one"
            yield _differs("HO189", "address of the database", addresses, effect, "risky")
        for name, values in {
            "ATOMIC_REQUESTS": (one.database.atomic_requests, other.database.atomic_requests),
            "database OPTIONS": (_options(one.database), _options(other.database)),
        }.items():
            if values[0] != values[1]:
                effect = "the two treat transactions or values differently"
                yield _differs("HO189", name, values, effect, "risky")


def _address(settings: DatabaseSettings) -> str:
    return address(settings.host, settings.port)


def _options(settings: DatabaseSettings) -> list[str]:
    """Return the options that change what statements do; what sessions begin with is compared as HO198."""
    names = ("isolation_level", "client_encoding")
    return [f"{name}={settings.options[name]}" for name in names if name in settings.options]


@rule("HO194", "Forms that are open survive the switch")
def csrf(subject: Subject) -> Iterator[Finding]:
    for one, other in _settings(subject):
        if one.csrf != other.csrf:
            effect = "a form loaded from one is refused by the other"
            yield _differs(
                "HO194", "CSRF_COOKIE_NAME, _DOMAIN, CSRF_USE_SESSIONS", (one.csrf, other.csrf), effect, "risky"
            )
        origins = (one.csrf_origins, other.csrf_origins)
        for name, values in (
            ("CSRF_TRUSTED_ORIGINS", origins),
            ("SECURE_PROXY_SSL_HEADER", (one.proxy_header, other.proxy_header)),
        ):
            if values[0] != values[1]:
                yield _differs("HO194", name, values, "one may refuse a form that the other accepts", "risky")


@rule("HO199", "Both answer to the name that is switched")
def hosts(subject: Subject) -> Iterator[Finding]:
    dns = subject.config.dns
    if dns is None:
        return
    name = dns.name.rstrip(".")
    for system in subject.systems:
        allowed = system.description.settings.hosts
        if not any(host in ("*", name) or (host[:1] == "." and f".{name}".endswith(host)) for host in allowed):
            found = f"of the {system.side} is {_shown(allowed)}"
            expected = f"people ask for {name}, and it would answer 400 to all of them"
            todo = f"Add {name}; if a proxy asks under another name, accept it in the contract."
            yield Finding(
                code="HO199", where="ALLOWED_HOSTS", found=found, expected=expected, todo=todo, hurts=system.side
            )


@rule("HO195", "Both ask the same search index")
def search_index(subject: Subject) -> Iterator[Finding]:
    index = subject.config.index
    if index is None:
        return
    for system in subject.systems:
        name = system.description.settings.named.get(index.setting)
        if name != index.name:
            found = f"is {name} in the {system.side}"
            expected = f"handover.toml names the index {index.name}"
            yield Finding(
                code="HO195", where=index.setting, found=found, expected=expected, todo=SAME, hurts=system.side
            )


@rule("HO196", "Every model is in the shared database")
def routers(subject: Subject) -> Iterator[Finding]:
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
            yield Finding(
                code="HO196",
                where="DATABASE_ROUTERS",
                found=found,
                expected=expected,
                todo=todo,
                severity="unseen",
                hurts=system.side,
            )


def _routed(system: DescribedSystem) -> Iterator[Finding]:
    """Yield one finding for each other database that models are written to, or read from."""
    models, places = system.description.concrete(), system.description.settings.databases
    for alias in sorted(name for name in {m.routed.write for m in models} if system.description.is_away(name)):
        found = f"is {places.get(alias, 'not in DATABASES')}, and holds what is not in the shared database"
        tables = tuple(sorted(m.table for m in models if m.routed.write == alias))
        todo = "Compare these tables by hand on both systems, then accept it in the contract."
        yield Finding(
            code="HO196",
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
        yield Finding(
            code="HO196",
            where=f"database {alias}",
            found=found,
            expected="it was not looked at",
            todo=todo,
            severity="unseen",
            hurts=system.side,
            parts=tables,
        )
