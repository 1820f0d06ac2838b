"""A Django project as data, so that one fact of it can be changed and everything else stays."""

import ast
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

SECRET = "one key for both systems, long enough not to be warned about"


@dataclass
class Field:
    """One field: its class, and its options as source text."""

    kind: str
    options: dict[str, str] = field(default_factory=dict)
    to: str = ""

    def source(self) -> str:
        """Return the right-hand side of its assignment."""
        kind = self.kind if "." in self.kind else f"models.{self.kind}"
        arguments = [self.to] if self.to else []
        return f"{kind}({', '.join([*arguments, *(f'{name}={value}' for name, value in self.options.items())])})"


@dataclass
class Model:
    """One model: its fields and its ``Meta``, both as source text; ``code`` is what else its body holds."""

    name: str
    fields: dict[str, Field]
    meta: dict[str, str] = field(default_factory=dict)
    base: str = "models.Model"
    code: list[str] = field(default_factory=list)

    @property
    def table(self) -> str:
        """Its table, as ``Meta.db_table`` names it."""
        return str(ast.literal_eval(self.meta["db_table"])).strip('"')

    def source(self) -> str:
        """Return the class."""
        lines = [f"class {self.name}({self.base}):"]
        lines += [f"    {name} = {one.source()}" for name, one in self.fields.items()]
        lines += [f"    {line}" for line in self.code]
        lines += ["", "    class Meta:", *(f"        {name} = {value}" for name, value in self.meta.items())]
        return "\n".join(lines)


@dataclass
class Project:
    """One system: an app, settings on top of the usual ones, and code before the models.

    That code stands in a module ``aside`` of its own, if one is named. ``squashed``: its first migration replaces the
    one that is applied.
    """

    label: str
    models: dict[str, Model]
    preamble: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    apps: tuple[str, ...] = ()
    package: str = ""
    aside: str = ""
    squashed: bool = False

    def copy(self) -> "Project":
        """Return one that can be changed."""
        return deepcopy(self)

    @property
    def module(self) -> str:
        """The package of its app."""
        return self.package or self.label

    def write(self, folder: Path, migrations: Path | None = None) -> None:
        """Write it as files; ``migrations`` is a folder to copy them from."""
        app = folder.joinpath(*self.module.split("."))
        (app / "migrations").mkdir(parents=True, exist_ok=True)
        for package in (app, *list(app.parents)[: self.module.count(".")], app / "migrations"):
            package.joinpath("__init__.py").touch()
        app.joinpath("apps.py").write_text(
            f"from django.apps import AppConfig\n\n\nclass Config(AppConfig):\n"
            f"    name = {self.module!r}\n    label = {self.label!r}\n"
        )
        classes = "\n\n\n".join(model.source() for model in self.models.values())
        preamble = self.preamble
        if self.aside:
            app.joinpath(f"{self.aside}.py").write_text(f"{IMPORTS}{preamble}\n")
            preamble = f"from {self.module}.{self.aside} import *\nfrom {self.module}.{self.aside} import _\n"
        app.joinpath("models.py").write_text(f"{IMPORTS}{preamble}\n\n{classes}\n")
        for file in migrations.glob("0*.py") if migrations else ():
            # A migration imports the functions that its models name.
            text = file.read_text().replace(f"{self.label}.models", f"{self.module}.models")
            name = file.name
            if self.squashed and "    initial = True\n" in text:
                replaced = f"    replaces = [({self.label!r}, {file.stem!r})]\n"
                text, name = text.replace("    initial = True\n", f"    initial = True\n{replaced}"), "0001_squashed.py"
            app.joinpath("migrations", name).write_text(text)
        folder.joinpath("settings.py").write_text(self._settings())

    def _settings(self) -> str:
        apps = [*DJANGO_APPS, *self.apps, f"{self.module}.apps.Config"]
        lines = [SETTINGS, f"INSTALLED_APPS = {apps!r}"]
        return "\n".join([*lines, *(f"{name} = {value}" for name, value in self.settings.items()), ""])


IMPORTS = """\
import uuid
import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
"""
DJANGO_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]
SETTINGS = f"""\
import os

SECRET_KEY = {SECRET!r}
ALLOWED_HOSTS = ["www.compas.test"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = os.environ["MEDIA_ROOT"]
# Django raises the iterations with each version; a pair that wants to rest pins them.
PASSWORD_HASHERS = ["pinned.PinnedHasher", "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher"]
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        **{{name: os.environ["DB_" + name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}},
    }}
}}
"""
PINNED = """\
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class PinnedHasher(PBKDF2PasswordHasher):
    iterations = 600_000
"""


def f(kind: str, to: str = "", **options: str) -> Field:
    """Shorthand for a field."""
    return Field(kind, options, to)
