"""Sessions and open forms: what both systems' settings must agree on so that people stay logged in."""

from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.registry import rule
from handover.rules.setting_comparison import SAME, both_settings, setting_differs
from handover.schema.models import Settings
from handover.schema.subject import Subject


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
    for one, other in both_settings(subject):
        for name, values in {
            "SESSION_ENGINE": (one.session_engine, other.session_engine),
            "SESSION_SERIALIZER": (one.session_serializer, other.session_serializer),
            "SESSION_COOKIE_NAME, _DOMAIN, _PATH": (one.session_cookie, other.session_cookie),
        }.items():
            if values[0] != values[1]:
                yield setting_differs(name, values, out)
        if one.session_engine == other.session_engine:
            yield from _session_stores(one, other)
        if one.session_age != other.session_age:
            effect = "sessions end at different times"
            yield setting_differs("SESSION_COOKIE_AGE", (one.session_age, other.session_age), effect, "risky")


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
        yield setting_differs("SESSION_FILE_PATH", (one.session_store, other.session_store), effect)
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
    for one, other in both_settings(subject):
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
    CSRF_TRUSTED_ORIGINS = ["https://shop.example"]
    ```
    """
    for one, other in both_settings(subject):
        if one.csrf != other.csrf:
            effect = "a form loaded from one is refused by the other"
            yield setting_differs(
                "CSRF_COOKIE_NAME, _DOMAIN, CSRF_USE_SESSIONS", (one.csrf, other.csrf), effect, "risky"
            )
        origins = (one.csrf_origins, other.csrf_origins)
        for name, values in (
            ("CSRF_TRUSTED_ORIGINS", origins),
            ("SECURE_PROXY_SSL_HEADER", (one.proxy_header, other.proxy_header)),
        ):
            if values[0] != values[1]:
                yield setting_differs(name, values, "one may refuse a form that the other accepts", "risky")
