"""Where PostgreSQL's own programs are found: `[prove] pg_bin`, else PATH."""

from pathlib import Path

import pytest

from handover.config.config import Config, load_config
from handover.schema.programs import ProgramMissingError, program_path

PAIR = Path(__file__).parents[1] / "config/before/handover.toml"


def declared(root: Path, pg_bin: str | None) -> Config:
    pair = load_config(PAIR)
    return pair.model_copy(update={"root": root, "prove": pair.prove.model_copy(update={"pg_bin": pg_bin})})


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program as a server of version 17 has it, and a version 9 without it."""
    path = tmp_path / "postgresql" / "17" / "bin" / "pg_dump"
    path.parent.mkdir(parents=True)
    (tmp_path / "postgresql" / "9" / "bin").mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    "pg_bin", ["postgresql/17/bin", "postgresql/*/bin", "ROOT/postgresql/17/bin", "ROOT/post*/*/bin"]
)
def test_program__folder_relative_or_absolute_with_or_without_a_star__is_found(program, tmp_path, pg_bin):
    assert program_path(declared(tmp_path, pg_bin.replace("ROOT", str(tmp_path))), "pg_dump") == program


def test_program__absolute_folder_with_a_bracket__is_taken_as_it_is(program, tmp_path):
    folder = tmp_path / "[17]"
    program.parent.rename(folder)
    assert program_path(declared(tmp_path, str(folder)), "pg_dump") == folder / "pg_dump"


def test_program__no_folder__is_found_on_the_path(program, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(program.parent))
    assert program_path(declared(tmp_path, None), "pg_dump") == program


@pytest.mark.parametrize("pg_bin", ["mysql/*/bin", "ROOT/mysql/*/bin", "ROOT/postgresql/9/bin"])
def test_program__not_there__is_refused_with_the_place_and_what_to_do(program, tmp_path, pg_bin):
    pg_bin = pg_bin.replace("ROOT", str(tmp_path))
    with pytest.raises(ProgramMissingError) as refused:
        program_path(declared(tmp_path, pg_bin), "pg_dump")
    assert f"pg_dump is not in {pg_bin}; a throw-away copy is made by dump and restore." in str(refused.value)
    assert "name their folder: [prove] pg_bin in handover.toml" in str(refused.value)
