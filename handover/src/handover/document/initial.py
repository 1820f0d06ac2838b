"""The first ``handover.toml``, written from the descriptions of both systems."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from handover.check.systems import asking
from handover.config.config import Backend, Config, ModelPair, System
from handover.errors import ConfigurationError, HandoverError
from handover.schema.catalog import name_parts
from handover.schema.models import Description, Model
from handover.side import Side
from handover.wording import page_address

HEAD = "# Two systems on one database. Environment variables hold what is secret.\n"
OF_A_SYSTEM = """\
# python is an argument vector: ["ssh", "vm", "python"] works as well.
# connections is a limit: processes times threads, workers included.
# environment = { DATABASE_URL = "${SOME_VARIABLE}" }
# base_url = "https://example.org"
"""
OF_THE_MOVE = (
    "# How people are moved: [dns], or [switch] for a load balancer, step by step. The keys:\n"
    f"# {page_address('reference/handover-toml', 'The night')}\n"
)
OF_ITS_ROLE = "# The role is the backend's own; the original connects as another.\n"


def system_in(folder: Path, root: Path, *, python: tuple[str, ...], settings: str) -> dict[str, object]:
    """Return path, interpreter and settings of a Django project. What is not given is guessed.

    Parameters
    ----------
    folder, root
        The project's folder, relative to the folder of ``handover.toml``.
    python
        Argument vector of its interpreter; empty to guess.
    settings
        Its settings module; empty to read it from ``manage.py``.

    Raises
    ------
    ConfigurationError
        Its settings module is not known.
    """
    if not (root / folder).is_dir() and not python:  # with an interpreter it may be on another machine
        raise ConfigurationError(f"{root / folder} is not a folder. Name the folder of the project's manage.py.")
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


def handover_toml(root: Path, original: dict[str, object], backend: dict[str, object], schema: str) -> str:
    """Ask both systems and return the text of ``handover.toml``.

    Parameters
    ----------
    root
        Folder that the file will lie in.
    original, backend
        Path, interpreter and settings of each, see :func:`system_in`.
    schema
        The backend's schema.

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
        raise HandoverError(f"nothing was written: of {counts}, no name is the same in both systems.", code="HO006")
    originals, role = (d.settings.database.role for d in descriptions)
    return _text(config, "" if role == originals else role, pairs)


def pair_up(original: Description, backend: Description) -> Iterator[ModelPair]:
    """Yield the pairs of models on one table, without Django's own models and those of many-to-many fields."""
    theirs = {name_parts(model.table): model for model in backend.concrete() if _is_own(model)}
    for model in sorted(original.concrete(), key=lambda m: m.table):
        twin = theirs.get(name_parts(model.table))
        if twin and _is_own(model):
            known = model.by_column()
            new = tuple(f.column for f in twin.fields if f.column not in known and f.null)
            yield ModelPair(original=model.path, backend=twin.path, table=model.table, new_fields=new)


def _is_own(model: Model) -> bool:
    return model.made_for is None and not model.path.startswith("django.")


def _text(config: Config, role: str, pairs: list[ModelPair]) -> str:
    comments = OF_A_SYSTEM + ("" if role else OF_ITS_ROLE)
    tables = [
        _table("[database]", {"url_env": config.database.url_env}),
        _table("[original]", _system(config.system(Side.ORIGINAL)), OF_A_SYSTEM),
        _table("[backend]", _system(config.backend) | _additions(config.backend, role), comments),
        *(_table("[[models]]", pair.model_dump(exclude_defaults=True)) for pair in pairs),
    ]
    return "\n".join([HEAD, *tables, OF_THE_MOVE])


def _table(header: str, values: dict[str, Any], comments: str = "") -> str:
    return f"{header}\n{tomli_w.dumps(values)}{comments}"


def _system(system: System) -> dict[str, Any]:
    wanted = {"path": str(system.path), "python": system.python, "settings": system.settings}
    return wanted | {"connections": system.connections}


def _additions(backend: Backend, role: str) -> dict[str, Any]:
    return {"role": role or backend.role, "schema": backend.schema_name}
