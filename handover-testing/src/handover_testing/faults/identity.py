"""Faults in accounts: users are locked out, logged out or let in when the other system takes over."""

from collections.abc import Callable, Iterator
from pathlib import Path

from handover_testing.drifts.drift import Edit
from handover_testing.drifts.projects import Project
from handover_testing.drifts.shapes import DANCE, SHOP
from handover_testing.faults.fault import Fault

# ruff: noqa: E501 - a method of a project's own is read best on one line

GROUP = "identity"
OWN_BACKEND = {"AUTHENTICATION_BACKENDS": "['own.Own']"}
BACKEND = (
    "from django.contrib.auth import get_user_model\nfrom django.contrib.auth.backends import ModelBackend\n\n\n"
    "class Own(ModelBackend):\n"
)
FOUND = "        user = get_user_model().objects.filter({}).first()\n        return user if user and user.check_password({}) else None\n"
# Authentication backends that take what is typed in their own way.
WAYS = {
    "by e-mail only": f"{BACKEND}    def authenticate(self, request, username=None, password=None):\n{FOUND.format('email=username', 'password')}",
    "by e-mail, called so": f"{BACKEND}    def authenticate(self, request, email, password):\n{FOUND.format('email=email', 'password')}",
    "by a name of their own": f"{BACKEND}    def authenticate(self, request, *, display_name, passphrase):\n{FOUND.format('display_name=display_name', 'passphrase')}",
}
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


def clean() -> Iterator[Fault]:
    """Yield the clean pairs with a user model of their own and with Django's."""
    for shape in (DANCE, SHOP):
        yield Fault(f"accounts of a clean {shape.name}", GROUP, shape.name)
    for name, source in WAYS.items():
        yield Fault(
            f"both log in {name}", GROUP, DANCE.name, edit=_both(_set(**OWN_BACKEND)), files=_own_in_both(source)
        )
    waits = "    def save(self, *a, **kw):\n        self.is_active = self.is_active and not self._state.adding\n        super().save(*a, **kw)"
    yield Fault("accounts of both wait for a confirmation", GROUP, DANCE.name, edit=_both(_method(waits)))
    yield Fault("no account is stored", GROUP, DANCE.name, sql="TRUNCATE dancers CASCADE")
    alike = f"{BACKEND}    def has_perm(self, user, perm, obj=None):\n        return perm in self.get_all_permissions(user)\n"
    yield Fault(
        "both ask for grants in a way of their own",
        GROUP,
        DANCE.name,
        edit=_both(_set(**OWN_BACKEND)),
        files=_own_in_both(alike),
    )


def faults() -> Iterator[Fault]:
    """Yield every fault of this group."""
    yield from _passwords()
    yield from _sessions()
    yield from _accounts()


def _fault(name: str, code: str, place: str, change: Callable[[Project], None] | None = None, **more: object) -> Fault:
    edit = change and (lambda projects: change(projects["backend"]))
    return Fault(name, GROUP, DANCE.name, code, place, edit, **more)  # type: ignore[arg-type]


def _set(**settings: str) -> Callable[[Project], None]:
    return lambda project: project.settings.update(settings)


def _own(source: str) -> Callable[[Path], None]:
    """Return what writes a module ``own`` into the backend."""
    return lambda folder: (folder / "backend" / "own.py").write_text(source) and None


def _own_in_both(source: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for side in ("original", "backend"):
            (folder / side / "own.py").write_text(source)

    return write


def _both(change: Callable[[Project], None]) -> Edit:
    def edit(projects: dict) -> None:
        for project in projects.values():
            change(project)

    return edit


def _method(body: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        known = project.models["Dancer"]
        plain = known.source
        known.source = lambda: f"{plain()}\n\n{body}\n"  # type: ignore[method-assign]

    return change


def _passwords() -> Iterator[Fault]:
    def iterations(folder: Path) -> None:
        pinned = folder / "backend" / "pinned.py"
        pinned.write_text(pinned.read_text().replace("600_000", "600_001"))

    yield _fault("hashers differ in iterations", "HO384", "stored password", files=iterations)
    turned = "['django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher', 'pinned.PinnedHasher']"
    yield _fault("hashers stand in another order", "HO384", "stored password", _set(PASSWORD_HASHERS=turned))
    unknown = "['pinned.PinnedHasher']"
    stored = "UPDATE dancers SET password = 'pbkdf2_sha1$1$salt$hash' WHERE username = 'u1'"
    yield _fault("a hasher is missing", "HO389", "stored passwords", _set(PASSWORD_HASHERS=unknown), sql=stored)
    other = "['django.contrib.auth.hashers.ScryptPasswordHasher']"
    yield _fault("no hasher is shared", "HO380", "username login", _set(PASSWORD_HASHERS=other))
    peppered = "    def check_password(self, raw):\n        return super().check_password(raw + 'pepper')"
    yield _fault("passwords are peppered", "HO380", "username login", _method(peppered))


def _sessions() -> Iterator[Fault]:
    key = _set(SECRET_KEY="'another key, long enough not to be warned about, of 50 letters'")
    yield _fault("another secret key", "HO387", "session", key)
    own = f"from {MODEL_BACKEND.rpartition('.')[0]} import ModelBackend\n\n\nclass Own(ModelBackend):\n    pass\n"
    yield _fault("another authentication backend's path", "HO385", "session",
                 _set(AUTHENTICATION_BACKENDS="['own.Own']"), files=_own(own))  # fmt: skip
    serializer = (
        "import json\n\n\nclass Own:\n"
        "    def dumps(self, found):\n        return json.dumps(found).encode('utf-16')\n\n"
        "    def loads(self, data):\n        return json.loads(data.decode('utf-16'))\n"
    )
    yield _fault("another session serializer", "HO383", "session",
                 _set(SESSION_SERIALIZER="'own.Own'"), files=_own(serializer))  # fmt: skip
    cache = _set(SESSION_ENGINE="'django.contrib.sessions.backends.cache'")
    yield _fault("sessions in another place", "HO383", "session", cache)
    salted = "    def get_session_auth_hash(self):\n        return 'own' + super().get_session_auth_hash()"
    yield _fault("another session hash", "HO387", "session", _method(salted))


def _accounts() -> Iterator[Fault]:
    by_email = (
        "from django.contrib.auth import get_user_model\nfrom django.contrib.auth.backends import ModelBackend\n\n\n"
        "class Own(ModelBackend):\n    def authenticate(self, request, username=None, password=None, **kw):\n"
        "        user = get_user_model().objects.filter(email=username).first()\n"
        "        return user if user and user.check_password(password) else None\n"
    )
    both = f"['{MODEL_BACKEND}', 'own.Own']"
    yield _fault("e-mail logs in on one side only", "HO381", "e-mail login",
                 _set(AUTHENTICATION_BACKENDS=both), files=_own(by_email))  # fmt: skip
    anybody = by_email.replace("filter(email=username)", "filter(username=username)").replace(
        "user if user and user.check_password(password) else None", "user"
    )
    yield _fault("any password opens", "HO382", "backend login",
                 _set(AUTHENTICATION_BACKENDS=both), files=_own(anybody))  # fmt: skip
    none = "    def get_all_permissions(self, obj=None):\n        return set()"
    yield _fault("permissions do not carry over", "HO388", "permission", _method(none))
    deaf = f"{BACKEND}    def has_perm(self, user, perm, obj=None):\n        return False\n"
    yield _fault("a grant is not seen by has_perm", "HO388", "permission", _set(**OWN_BACKEND), files=_own(deaf))
    yield _fault(
        "the backend logs in by e-mail only",
        "HO380",
        "username login",
        _set(**OWN_BACKEND),
        files=_own(WAYS["by e-mail only"]),
    )
    yield _fault(
        "the backend logs in by a name of its own",
        "HO380",
        "username login",
        _set(**OWN_BACKEND),
        files=_own(WAYS["by a name of their own"]),
    )
    inactive = (
        "    def save(self, *a, **kw):\n        self.is_active = bool(self.last_login)\n        super().save(*a, **kw)"
    )
    yield _fault("new accounts wait for an e-mail", "HO380", "username login", _method(inactive))
