"""This pair's own handover.toml."""

from handover.check.contract import path_of
from handover.config.config import load_config
from sandbox import house


def test_load__this_repository__names_the_strategys_three_models():
    pair = load_config(house.ROOT / "handover.toml")
    assert [m.table for m in pair.models] == ["choreography_tasks", "saved_choreographies", "users"]
    assert pair.new_columns() == {("choreography_tasks", "job_execution_name")}


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


def test_load__this_repository__has_a_flow_for_both_directions_and_one_for_the_api():
    both, api = (flow for flow in load_config(house.ROOT / "handover.toml").flows if not flow.stores)
    assert both.sides == ("original", "backend")
    assert both.systems("backend") == {"original", "backend"}
    assert api.sides == ("original",)
