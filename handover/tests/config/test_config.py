from pathlib import Path

import pytest

from handover.config.config import database_url, from_environment, load_config
from handover.errors import ConfigurationError

SMALL = (
    '[backend]\npath = "b"\npython = ["p"]\nsettings = "s"\n[[models]]\noriginal = "o"\nbackend = "b"\ntable = "t"\n'
)


def test_load__no_file__says_where_to_run(tmp_path):
    with pytest.raises(ConfigurationError, match=r"does not exist. Run from the folder that holds handover.toml"):
        load_config(tmp_path / "handover.toml")


BROKEN = {
    "[backend": r"is not valid TOML: Expected .*Correct that line",
    "": r"line 1: backend: Field required",
    '[backend]\npath="b"\npython=[]\nsettings="s"\n': r"line 3: backend.python: Tuple should have at least 1 item",
    '[backend]\npath="b"\npython=["p"]\nsettings="s"\nrole="x; DROP"\n': r"line 5: backend.role: String should match",
    '[database]\nurl="postgresql://u:p@h/d"\n': r"line 2: database.url: Extra inputs are not permitted",
}


@pytest.mark.parametrize(("text", "message"), BROKEN.items())
def test_load__value_not_as_expected__names_it(tmp_path: Path, text: str, message: str):
    file = tmp_path / "handover.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        load_config(file)


def test_from_environment__unset__names_the_variable_and_its_purpose(monkeypatch):
    monkeypatch.delenv("SOME_URL", raising=False)
    with pytest.raises(ConfigurationError, match="SOME_URL is not set; it holds the colour"):
        from_environment("SOME_URL", "the colour")


def test_database_url__without_a_database__is_refused(tmp_path, monkeypatch):
    file = tmp_path / "handover.toml"
    file.write_text(SMALL)
    monkeypatch.setenv("HANDOVER_DATABASE_URL", "postgresql://owner:hunter2@127.0.0.1")
    with pytest.raises(ConfigurationError, match="holds no database URL") as raised:
        database_url(load_config(file))
    assert "hunter2" not in str(raised.value)
