"""Settings that two systems on one database must agree on."""

from collections.abc import Iterator
from typing import TypeVar

from handover.finding import Hurts, Observation, Severity
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
    name: str, values: tuple[object, object], effect: str,
    severity: Severity = "breaking", hurts: Hurts = "both",
) -> Observation:  # fmt: skip
    found = f"is {_shown(values[1])} in the backend"
    return Observation(
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


@rule("HO180")
def user_model(subject: Subject) -> Iterator[Observation]:
    """One user model.

    What is wrong
    -------------
    `AUTH_USER_MODEL` of the two systems is on different tables. If only the label differs, it is risky.

    Why it hurts
    ------------
    Accounts of one system are not accounts of the other.

    Example
    -------
    `auth_user` in the original, `users` in the backend.

    Mend
    ----
    Let the backend's user model stand on the original's table, under the same label.

    ```python
    AUTH_USER_MODEL = "users.User"
    ```
    """
    for one, other in _settings(subject):
        if one.user_table != other.user_table:
            values = (one.user_table, other.user_table)
            yield _differs("table of AUTH_USER_MODEL", values, "accounts are not the same")
        elif one.auth_user_model != other.auth_user_model:
            values = (one.auth_user_model, other.auth_user_model)
            yield _differs("AUTH_USER_MODEL", values, "histories and permissions name another model", "risky")


@rule("HO181")
def hashers(subject: Subject) -> Iterator[Observation]:
    """Passwords work on both systems.

    What is wrong
    -------------
    One system's `PASSWORD_HASHERS` lacks an algorithm of the other (breaking), or the preferred hasher or its
    parameters differ (risky).

    Why it hurts
    ------------
    People with such a password cannot log in. With another preferred hasher each log-in stores a new hash, and that
    ends the user's other sessions.

    Example
    -------
    The backend prefers Argon2, the original has PBKDF2 only.

    Mend
    ----
    Give both systems the same list.

    ```python
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ```
    """
    for one, other in _settings(subject):
        algorithms = [{h.algorithm for h in s.hashers} for s in (one, other)]
        for name, mine, theirs in _both_ways(*algorithms):
            if lacking := sorted(theirs - mine):
                found = f"of the {name} lack {', '.join(lacking)}"
                expected = "whoever has such a password cannot log in there"
                yield Observation(where="PASSWORD_HASHERS", found=found, expected=expected, todo=SAME, hurts=name)
        if not one.hashers or not other.hashers or algorithms[0] != algorithms[1]:
            continue
        preferred = [(s.hashers[0].algorithm, *sorted(s.hashers[0].parameters.items())) for s in (one, other)]
        if preferred[0] != preferred[1]:
            values = (_hasher(one), _hasher(other))
            effect = "each login rehashes the password, and that ends the user's other sessions"
            yield _differs("preferred password hasher", values, effect, "risky")


def _hasher(settings: Settings) -> str:
    first = settings.hashers[0]
    return " ".join([first.algorithm, *(f"{name}={value}" for name, value in sorted(first.parameters.items()))])


@rule("HO182")
def sessions(subject: Subject) -> Iterator[Observation]:
    """Sessions of one system are sessions of the other.

    What is wrong
    -------------
    Engine, serializer, cookie, age or store of the sessions differs.

    Why it hurts
    ------------
    Everybody is logged out at the switch, and again on the way back.

    Example
    -------
    `SESSION_COOKIE_NAME` is `sessionid` in one and `sid` in the other.

    Mend
    ----
    Give both systems the same values, and keep sessions where both find them.

    ```python
    SESSION_ENGINE = "django.contrib.sessions.backends.db"
    SESSION_COOKIE_NAME = "sessionid"
    ```
    """
    out = "everybody is logged out at the switch"
    for one, other in _settings(subject):
        for name, values in {
            "SESSION_ENGINE": (one.session_engine, other.session_engine),
            "SESSION_SERIALIZER": (one.session_serializer, other.session_serializer),
            "SESSION_COOKIE_NAME, _DOMAIN, _PATH": (one.session_cookie, other.session_cookie),
        }.items():
            if values[0] != values[1]:
                yield _differs(name, values, out)
        if one.session_engine == other.session_engine:
            yield from _session_stores(one, other)
        if one.session_age != other.session_age:
            effect = "sessions end at different times"
            yield _differs("SESSION_COOKIE_AGE", (one.session_age, other.session_age), effect, "risky")


def _session_stores(one: Settings, other: Settings) -> Iterator[Observation]:
    """Yield whether a session that one system keeps outside the database is there for the other."""
    engine = one.session_engine.rpartition(".")[2]
    if engine == "cache" and any("locmem" in store or "dummy" in store for store in one.session_store):
        found = "is the memory of one process"
        expected = "a session of one system does not exist in the other: everybody is logged out at the switch"
        yield Observation(
            where="cache of SESSION_ENGINE",
            found=found,
            expected=expected,
            todo="Keep sessions where both find them.",
        )
    elif one.session_store != other.session_store and engine == "file":
        effect = "everybody is logged out at the switch"
        yield _differs("SESSION_FILE_PATH", (one.session_store, other.session_store), effect)
    elif one.session_store != other.session_store:
        severity: Severity = "breaking" if engine == "cache" else "risky"
        found, expected = "is another one in the backend", "everybody is logged out at the switch"
        if engine == "cached_db":
            expected = "whoever logs out on one system is still logged in on the other"
        yield Observation(
            where="cache of SESSION_ENGINE",
            found=found,
            expected=expected,
            todo=SAME,
            severity=severity,
            hurts="both",
        )


@rule("HO183")
def secret_key(subject: Subject) -> Iterator[Observation]:
    """One secret key.

    What is wrong
    -------------
    `SECRET_KEY` differs. If each accepts the other's key as a fallback, it is risky.

    Why it hurts
    ------------
    Sessions, signed cookies and links for password resets of one system are invalid on the other.

    Example
    -------
    The backend generates a key of its own at its first start.

    Mend
    ----
    Give both systems the same key.

    ```python
    SECRET_KEY = os.environ["SECRET_KEY"]
    ```
    """
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
        yield Observation(
            where="SECRET_KEY", found=found, expected=expected, todo=SAME, severity=severity, hurts="both"
        )


@rule("HO184")
def authentication(subject: Subject) -> Iterator[Observation]:
    """Sessions name a backend that both have.

    What is wrong
    -------------
    One system's `AUTHENTICATION_BACKENDS` lacks a path of the other.

    Why it hurts
    ------------
    A session holds the path of the backend that made it. On the other system its bearer is anonymous.

    Example
    -------
    `users.auth.EmailBackend` was moved to `apps.authentication.auth.EmailBackend`.

    Mend
    ----
    Keep the path: a module of that name that imports the class is enough.

    ```python
    AUTHENTICATION_BACKENDS = ["users.auth.EmailBackend"]
    ```
    """
    for one, other in _settings(subject):
        for name, mine, theirs in _both_ways(one, other):
            if lacking := [path for path in theirs.backends if path not in mine.backends]:
                found = f"of the {name} lack {', '.join(lacking)}"
                expected = "a session that was opened through it is anonymous there"
                yield Observation(
                    where="AUTHENTICATION_BACKENDS", found=found, expected=expected, todo=SAME, hurts=name
                )


@rule("HO185")
def login_fields(subject: Subject) -> Iterator[Observation]:
    """People log in by the same field.

    What is wrong
    -------------
    `USERNAME_FIELD` or `EMAIL_FIELD` of the user model differs.

    Why it hurts
    ------------
    What people type finds no account.

    Example
    -------
    `username` in the original, `email` in the backend.

    Mend
    ----
    Write the same fields in the backend's user model.

    ```python
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    ```
    """
    for one, other in _settings(subject):
        if one.login_fields != other.login_fields:
            values = (one.login_fields, other.login_fields)
            yield _differs("USERNAME_FIELD, EMAIL_FIELD", values, "what people type finds no account")


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
    for one, other in _settings(subject):
        if one.use_tz != other.use_tz:
            effect = "times are written in different zones"
            yield _differs("USE_TZ", (one.use_tz, other.use_tz), effect)
        zones = [(s.time_zone, s.database.time_zone) for s in (one, other)]
        if zones[0] != zones[1]:
            effect = "days and months begin at different times" if one.use_tz else "times are off by hours"
            severity: Severity = "risky" if one.use_tz and other.use_tz and zones[0][1] == zones[1][1] else "breaking"
            yield _differs("TIME_ZONE", (_zone(zones[0]), _zone(zones[1])), effect, severity)


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
    for one, other in _settings(subject):
        if one.default_auto_field != other.default_auto_field:
            values = (one.default_auto_field, other.default_auto_field)
            yield _differs("DEFAULT_AUTO_FIELD", values, "the next key is of another type", "risky")


@rule("HO188")
def password_validators(subject: Subject) -> Iterator[Observation]:
    """Both accept the same passwords.

    What is wrong
    -------------
    `AUTH_PASSWORD_VALIDATORS` of the two systems differs.

    Why it hurts
    ------------
    A password that one system accepts is refused by the other when it is changed.

    Example
    -------
    The minimum length is 8 in one and 12 in the other.

    Mend
    ----
    Write the same validators with the same options.

    ```python
    AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    ]
    ```
    """
    for one, other in _settings(subject):
        if sorted(one.password_validators) != sorted(other.password_validators):
            names = [[_validator(v) for v in s.password_validators] for s in (one, other)]
            effect = "a password chosen on one is refused on the other"
            yield _differs("AUTH_PASSWORD_VALIDATORS", (names[0], names[1]), effect, "risky")


def _validator(validator: tuple[str, tuple[tuple[str, str], ...]]) -> str:
    options = ", ".join(f"{name}={value.partition(':')[2]}" for name, value in validator[1])
    return validator[0].rpartition(".")[2] + (f"({options})" if options else "")


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
    for one, other in _settings(subject):
        addresses = (_address(one.database), _address(other.database))
        if addresses[0] != addresses[1]:
            effect = "they may be two servers; accept it in the contract if both lead to one"
            yield _differs("address of the database", addresses, effect, "risky")
        for name, values in {
            "ATOMIC_REQUESTS": (one.database.atomic_requests, other.database.atomic_requests),
            "database OPTIONS": (_options(one.database), _options(other.database)),
        }.items():
            if values[0] != values[1]:
                effect = "the two treat transactions or values differently"
                yield _differs(name, values, effect, "risky")


def _address(settings: DatabaseSettings) -> str:
    return address(settings.host, settings.port)


def _options(settings: DatabaseSettings) -> list[str]:
    """Return the options that change what statements do; what sessions begin with is compared as HO198."""
    names = ("isolation_level", "client_encoding")
    return [f"{name}={settings.options[name]}" for name in names if name in settings.options]


@rule("HO194")
def csrf(subject: Subject) -> Iterator[Observation]:
    """Forms that are open survive the switch.

    What is wrong
    -------------
    Settings of the CSRF protection differ: the cookie, where the token is kept, trusted origins, the header of the
    proxy.

    Why it hurts
    ------------
    A form that was loaded before the switch is refused after it (403).

    Example
    -------
    `CSRF_COOKIE_NAME` is `csrftoken` in one and `XSRF-TOKEN` in the other.

    Mend
    ----
    Give both systems the same values.

    ```python
    CSRF_COOKIE_NAME = "csrftoken"
    CSRF_TRUSTED_ORIGINS = ["https://dance.example"]
    ```
    """
    for one, other in _settings(subject):
        if one.csrf != other.csrf:
            effect = "a form loaded from one is refused by the other"
            yield _differs("CSRF_COOKIE_NAME, _DOMAIN, CSRF_USE_SESSIONS", (one.csrf, other.csrf), effect, "risky")
        origins = (one.csrf_origins, other.csrf_origins)
        for name, values in (
            ("CSRF_TRUSTED_ORIGINS", origins),
            ("SECURE_PROXY_SSL_HEADER", (one.proxy_header, other.proxy_header)),
        ):
            if values[0] != values[1]:
                yield _differs(name, values, "one may refuse a form that the other accepts", "risky")


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
    The backend allows `backend.example`, and people ask for `dance.example`.

    Mend
    ----
    Add the name. If a proxy asks under another name, accept it.

    ```python
    ALLOWED_HOSTS = ["dance.example", "backend.example"]
    ```
    """
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
            yield Observation(where="ALLOWED_HOSTS", found=found, expected=expected, todo=todo, hurts=system.side)


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
