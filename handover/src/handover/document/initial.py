"""The first ``handover.toml``, written from what both systems say of themselves."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from handover.check.systems import asking
from handover.config.config import Backend, Config, ModelPair, System
from handover.errors import ConfigurationError, HandoverError
from handover.schema.catalog import name_parts
from handover.schema.models import Description, Model
from handover.side import Side


def system_in(folder: Path, root: Path, *, python: tuple[str, ...], settings: str) -> dict[str, object]:
    """Return path, interpreter and settings of a Django project, guessed where they are not given.

    Raises
    ------
    ConfigurationError
        Nothing tells its settings module.
    """
    manage = root / folder / "manage.py"
    if not settings and manage.is_file():
        found = re.search(r"DJANGO_SETTINGS_MODULE[\"'],\s*[\"']([\w.]+)", manage.read_text())
        settings = found[1] if found else ""
    if not settings:
        raise ConfigurationError(
            f"{manage} does not name a settings module. Name it: --original-settings, --backend-settings."
        )
    guesses = (folder / ".venv" / "bin" / "python", Path(".venv/bin/python"))
    guess = next((str(path) for path in guesses if (root / path).exists()), "python3")
    return {"path": folder, "python": python or (guess,), "settings": settings}


def written(root: Path, original: dict[str, object], backend: dict[str, object], schema: str) -> str:
    """Ask both systems and return the file.

    Raises
    ------
    HandoverError
        A system does not start, or the two have no table in common.
    """
    unpaired = ModelPair(original="?", backend="?", table="?")
    config = Config(
        root=root,
        original=System.model_validate(original),
        backend=Backend.model_validate({**backend, "schema": schema}),
        models=(unpaired,),
    )
    with asking(config) as answers:
        asked = [answer.result() for answer in answers]
    for one in asked:
        if one.finding:
            raise HandoverError(f"nothing was written: {one.finding}", code="HO002")
    descriptions = [one.description for one in asked if one.description]
    pairs = list(pair_up(*descriptions))
    if not pairs:
        counts = " and ".join(f"{len(d.concrete())} tables" for d in descriptions)
        raise HandoverError(f"nothing was written: of {counts} none has the same name in both systems.", code="HO006")
    originals, role = (d.settings.database.role for d in descriptions)
    return "\n".join(_lines(config, "" if role == originals else role, pairs))


def pair_up(original: Description, backend: Description) -> Iterator[ModelPair]:
    """Pair models by table; Django's own and those it makes for many-to-many fields follow by themselves."""
    theirs = {name_parts(model.table): model for model in backend.concrete() if _is_own(model)}
    for model in sorted(original.concrete(), key=lambda m: m.table):
        twin = theirs.get(name_parts(model.table))
        if twin and _is_own(model):
            known = model.by_column()
            new = tuple(f.column for f in twin.fields if f.column not in known and f.null)
            yield ModelPair(original=model.path, backend=twin.path, table=model.table, new_fields=new)


def _is_own(model: Model) -> bool:
    return model.made_for is None and not model.path.startswith("django.")


def _lines(config: Config, role: str, pairs: list[ModelPair]) -> Iterator[str]:
    original = config.system(Side.ORIGINAL)
    yield "# Two systems on one database. Environment variables hold what is secret."
    yield ""
    yield "[database]"
    yield _line("url_env", config.database.url_env)
    for name, system in (("original", original), ("backend", config.backend)):
        yield ""
        yield f"[{name}]"
        yield _line("path", str(system.path))
        yield _line("python", list(system.python)) + '     # an argument vector: ["ssh", "vm", "python"] works as well'
        yield _line("settings", system.settings)
        if name == "backend":
            own = "" if role else "     # of its own: not the one that the original connects as"
            yield _line("role", role or config.backend.role) + own
            yield _line("schema", config.backend.schema_name)
        yield _line("connections", system.connections) + "     # at most: processes times threads, workers included"
        yield '# environment = { DATABASE_URL = "${SOME_VARIABLE}" }'
        yield '# base_url = "https://example.org"'
    for pair in pairs:
        yield ""
        yield "[[models]]"
        yield _line("original", pair.original)
        yield _line("backend", pair.backend)
        yield _line("table", pair.table)
        if pair.new_fields:
            yield _line("new_fields", list(pair.new_fields))
    yield ""


def _line(name: str, value: object) -> str:
    # Strings, numbers and lists of strings are written alike in TOML and JSON.
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"
