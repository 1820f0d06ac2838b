"""Files of evolutions: read whole, or refused with the line."""

from dataclasses import asdict

import pytest

from handover.config.config import load_config
from handover.errors import ConfigurationError
from handover.evolve.evolution import evolution_named, evolutions, read_evolution
from handover.evolve.operations.kinds import AddIndex, ChangeType
from handover.evolve.statement import ColumnPair, EvolutionPlan, EvolveStatement, EvolveStep

PAIR = '[backend]\npath = "b"\npython = ["p"]\nsettings = "s"\n[[models]]\noriginal = "o"\nbackend = "b"\ntable = "t"\n'
GOOD = """\
title = "Ids become uuids"

[[operations]]
kind = "change_type"
table = "tasks"
column = "id"
type = "uuid"
up = "$1::uuid"
down = "$1::text"

[[operations]]
kind = "add_index"
table = "tasks"
name = "tasks_status"
columns = ["status", "created_at DESC"]
"""


@pytest.fixture
def folder(tmp_path):
    """A pair's folder with one evolution."""
    (tmp_path / "handover.toml").write_text(PAIR)
    (tmp_path / "evolution").mkdir()
    (tmp_path / "evolution" / "0001_uuids.toml").write_text(GOOD)
    return tmp_path


def test_read__good_file__has_its_operations_and_its_stream(folder):
    found = read_evolution(folder / "evolution" / "0001_uuids.toml")
    assert (found.name, found.stream, found.title) == ("0001_uuids", "evolve/0001_uuids", "Ids become uuids")
    assert [type(operation) for operation in found.operations] == [ChangeType, AddIndex]


WRONG = {
    "a kind that is not known": (
        'kind = "add_index"',
        'kind = "add_indices"',
        r"line 11: operations\.1: .*add_indices",
    ),
    "a key that is not known": ('up = "$1::uuid"', 'upp = "$1"', r"line 8: operations\.0\.upp: Extra"),
    "a key that is missing": ('type = "uuid"\n', "", r"line 3: operations\.0\.type: Field required"),
    "a name": ("title", 'name = "x"\ntitle', r"`name` is the file's name; remove that line"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_read__wrong_value__is_named_with_its_line(folder, wrong):
    before, after, expected = WRONG[wrong]
    path = folder / "evolution" / "0001_uuids.toml"
    path.write_text(GOOD.replace(before, after))
    with pytest.raises(ConfigurationError, match=expected):
        read_evolution(path)


def test_read__file_with_another_name__is_refused(folder):
    path = folder / "evolution" / "uuids.toml"
    path.write_text(GOOD)
    with pytest.raises(ConfigurationError, match=r"is not named NNNN_name\.toml"):
        evolutions(load_config(folder / "handover.toml"))


def test_named__number_and_name__find_it_and_others_do_not(folder):
    config = load_config(folder / "handover.toml")
    assert evolution_named(config, "0001") == evolution_named(config, "0001_uuids")
    with pytest.raises(ConfigurationError, match=r"has no evolution '0002'; it has 0001_uuids"):
        evolution_named(config, "0002")


def test_evolutions__one_number_twice__is_refused(folder):
    (folder / "evolution" / "0001_again.toml").write_text(GOOD)
    with pytest.raises(ConfigurationError, match=r"0001_again and 0001_uuids have the same number"):
        evolutions(load_config(folder / "handover.toml"))


def test_plan__as_json_and_back__is_the_same_and_one_letter_makes_another_checksum():
    pair = ColumnPair(
        table="public.t", column="a", shadow="a_v2", kept="a_v1", renamed="a", type="uuid", up="$1::uuid", down="$1"
    )
    statement = EvolveStatement(sql="ALTER TABLE public.t ADD b int", lock="ACCESS EXCLUSIVE", table="public.t")
    steps = (
        EvolveStep(name="shadow", statements=(statement,)),
        EvolveStep(name="backfill", how="batches", work="backfill", arguments={"pairs": [asdict(pair)]}),
    )
    plan = EvolutionPlan(evolution="0001_uuids", tables=("public.t",), start=steps)
    again = EvolutionPlan.from_json(plan.as_json())
    assert (again, again.checksum) == (plan, plan.checksum)
    assert EvolutionPlan(evolution="0001_uuidz", tables=("public.t",), start=steps).checksum != plan.checksum
    assert (pair.old(switched=False), pair.new(switched=False)) == ("a", "a_v2")
    assert (pair.old(switched=True), pair.new(switched=True)) == ("a_v1", "a")
