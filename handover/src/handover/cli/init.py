"""``handover init``: write ``handover.toml`` by asking both systems."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, ConfigOption
from handover.document import initial
from handover.errors import Refused

Words = Annotated[str, typer.Option(help="Its interpreter and arguments, for example 'ssh vm python3'.")]
Module = Annotated[str, typer.Option(help="Its settings module. Default: as in manage.py.")]


def init(
    original: Annotated[Path, typer.Option(help="Folder of the system that runs now.")],
    backend: Annotated[Path, typer.Option(help="Folder of the system that takes over.")],
    original_python: Words = "",
    backend_python: Words = "",
    original_settings: Module = "",
    backend_settings: Module = "",
    schema: Annotated[str, typer.Option(help="Schema for the backend's own tables.")] = "backend",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ask both systems, pair their models by table, and write handover.toml. An existing file is left alone."""
    if config.exists():
        raise Refused(f"{config} exists already; nothing was written. Remove it first, or name another: --config FILE.")
    root = config.parent.resolve()
    one = initial.system_in(original, root, python=tuple(shlex.split(original_python)), settings=original_settings)
    other = initial.system_in(backend, root, python=tuple(shlex.split(backend_python)), settings=backend_settings)
    text = initial.handover_toml(root, one, other, schema)
    config.write_text(text)
    out.print(f"{config} pairs {text.count('[[models]]')} models. Review it, then: handover doctor")
