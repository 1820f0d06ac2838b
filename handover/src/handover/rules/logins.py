"""Log-ins, and the requests, cookies and signatures that one system makes and the other meets."""

from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.registry import rule
from handover.rules.statements import name_of
from handover.schema.models import Given
from handover.schema.subject import Subject
from handover.wording import identifier

SAME = "Give both systems the same value."
REFUSED = "one refuses a request that the other accepts"
ENDS = "sessions end at different times"
# Setting → what its difference does, and how bad that is.
EFFECTS: dict[str, tuple[str, Severity]] = {
    "SIGNING_BACKEND": ("a signed cookie of one is refused by the other", "risky"),
    "DEFAULT_HASHING_ALGORITHM": ("sessions and signatures of one are refused by the other", "breaking"),
    "SESSION_SAVE_EVERY_REQUEST": (ENDS, "risky"),
    "SESSION_EXPIRE_AT_BROWSER_CLOSE": (ENDS, "risky"),
    "SESSION_COOKIE_SECURE": ("over plain HTTP a browser does not send the cookie that the one with True set", "risky"),
    "SESSION_COOKIE_SAMESITE": (
        "browsers send the cookie along from other sites, or keep it at all, by turns",
        "risky",
    ),
    "CSRF_COOKIE_PATH": ("a form loaded from one is refused by the other", "risky"),
    "CSRF_HEADER_NAME": ("a page loaded from one is refused by the other", "risky"),
    "CSRF_COOKIE_HTTPONLY": ("a page loaded from one cannot read the token that the other sets", "risky"),
    "USE_X_FORWARDED_HOST": ("behind one proxy the two take themselves for other hosts", "risky"),
    "DATA_UPLOAD_MAX_MEMORY_SIZE": (REFUSED, "risky"),
    "DATA_UPLOAD_MAX_NUMBER_FIELDS": (REFUSED, "risky"),
    "PASSWORD_RESET_TIMEOUT": ("a link to reset a password works longer on one than on the other", "risky"),
    "SITE_ID": ("rows of a site are shown by one and not by the other", "risky"),
    "AUTOCOMMIT of the database": ("one loses writes that it does not commit itself", "risky"),
}


@rule("HO167")
def code(subject: Subject) -> Iterator[Observation]:
    """Log-ins and permissions run the same code.

    What is wrong
    -------------
    A class of `AUTHENTICATION_BACKENDS`, or a method of the user model that decides (`check_password`, `has_perm`, …),
    has the same path and other code.

    Why it hurts
    ------------
    A person may be let in, or may do something, on one system only.

    Example
    -------
    The original's backend refuses accounts that are not confirmed; the backend's copy does not.

    Mend
    ----
    Read both. Make them the same, or accept it.

    ```console
    $ handover contract accept HO167 users.auth.EmailBackend --because "only the logging differs"
    ```
    """
    if subject.both is None:
        return
    one, other = (system.description.settings.login_code for system in subject.both)
    for where in sorted(one.keys() & other.keys()):  # HO184 reports backends that one system lacks
        names = [", ".join(str(given) for given in code[where]) or "Django's own" for code in (one, other)]
        if len(one[where]) != len(other[where]) or not all(map(_same, one[where], other[where])):
            found = f"decides by other code in the backend: {names[1]}"
            expected = f"the original has {names[0]}: who is let in, and may do what, can differ"
            todo = "Read both, and make them the same or accept it in the contract."
            yield Observation(where=where, found=found, expected=expected, todo=todo, severity="risky", hurts="both")


def _same(one: Given, other: Given) -> bool:
    return one.same_as(other)


@rule("HO168")
def manners(subject: Subject) -> Iterator[Observation]:
    """Requests, cookies and signatures of one are good for the other.

    What is wrong
    -------------
    A setting that decides about requests, cookies or signatures differs: `SIGNING_BACKEND`, `SESSION_COOKIE_SECURE`,
    `DATA_UPLOAD_MAX_MEMORY_SIZE`, `PASSWORD_RESET_TIMEOUT`, and others. The finding says what follows.

    Why it hurts
    ------------
    One system refuses or ends what the other accepts.

    Example
    -------
    `SESSION_COOKIE_SAMESITE` is `Lax` in one and `Strict` in the other.

    Mend
    ----
    Give both systems the same value.

    ```python
    SESSION_COOKIE_SAMESITE = "Lax"
    ```
    """
    if subject.both is None:
        return
    one, other = (system.description.settings.others for system in subject.both)
    for name, (effect, severity) in EFFECTS.items():
        if one.get(name) != other.get(name):
            found = f"is {other.get(name)} in the backend"
            expected = f"the original has {one.get(name)}: {effect}"
            yield Observation(where=name, found=found, expected=expected, todo=SAME, severity=severity, hurts="both")


@rule("HO108")
def caches(subject: Subject) -> Iterator[Observation]:
    """Caches that are kept in tables have them.

    What is wrong
    -------------
    A system keeps a cache in a table, and the table does not exist or its role may not write it.

    Why it hurts
    ------------
    Every use of the cache fails.

    Example
    -------
    `CACHES` names `django_cache`, and `createcachetable` was never run.

    Mend
    ----
    Make the table, as a role that may create tables there.

    ```console
    $ python manage.py createcachetable
    ```
    """
    for system in subject.systems:
        if system.side == "backend" and not subject.adopted:
            continue
        for name in system.description.settings.cache_tables:
            table = subject.catalog.find(system.search_path, name)
            if table is None:
                found = f"does not exist in schema {', '.join(system.search_path)}"
                expected = f"the {system.side} keeps a cache in it: every use of that fails"
                todo = f"Run createcachetable with the {system.side}, as a role that may create tables there."
                yield Observation(where=name, found=found, expected=expected, todo=todo, hurts=system.side)
                continue
            held = subject.catalog.rights.get((system.acts_as, table.key))
            if held and (held.missing or held.no_schema):
                verbs = ", ".join(held.missing) or "its schema"
                role = identifier(system.acts_as)
                todo = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name_of(table)} TO {role};"
                found = f"does not allow {verbs} to {system.acts_as}"
                yield Observation(
                    where=str(table),
                    found=found,
                    expected=f"the {system.side} keeps a cache in it",
                    todo=todo,
                    hurts=system.side,
                )
