from pathlib import Path

import pytest

from handover.check.contract import path_of
from handover.config.config import database_url, from_environment, load_config
from handover.errors import ConfigurationError
from sandbox import house


def test_load__this_repository__names_the_strategys_three_models():
    pair = load_config(house.ROOT / "handover.toml")
    assert [m.table for m in pair.models] == ["choreography_tasks", "saved_choreographies", "users"]
    assert pair.new_columns() == {("choreography_tasks", "job_execution_name")}


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


def test_database_url__without_a_database__is_refused(monkeypatch):
    monkeypatch.setenv("HANDOVER_DATABASE_URL", "postgresql://owner:hunter2@127.0.0.1")
    with pytest.raises(ConfigurationError, match="holds no database URL") as raised:
        database_url(load_config(house.ROOT / "handover.toml"))
    assert "hunter2" not in str(raised.value)


def test_load__contract_and_mapping_named__lie_there(tmp_path):
    file = tmp_path / "handover.toml"
    text = (house.ROOT / "handover.toml").read_text()
    file.write_text(text.replace("pair/contract.json", "agreed.json"))
    assert path_of(load_config(file)) == tmp_path / "agreed.json"


def test_load__this_repository__the_files_that_it_names_are_there():
    pair = load_config(house.ROOT / "handover.toml")
    assert pair.search
    assert path_of(pair).is_file()
    assert (pair.root / pair.search.mapping).is_file()
