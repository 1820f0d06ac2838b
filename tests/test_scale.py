"""The page on scale shows what its inputs give, and the simulation waits as a queue does."""

import importlib.util
import subprocess
import sys
import tomllib
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest

from sandbox import house

PROGRAM = house.ROOT / "script/pages/scale.py"
INPUTS = house.ROOT / "docs/explanation/scale.toml"


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale_of_the_page", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def inputs() -> dict:
    return tomllib.loads(INPUTS.read_text())


def checked(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, PROGRAM, "--check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_page__shows_what_its_inputs_give():
    done = checked()
    assert (done.returncode, done.stderr) == (0, "")


def test_page__of_other_inputs__is_seen(tmp_path):
    other = tmp_path / "scale.toml"
    text = INPUTS.read_text()
    assert "\nchoreographies = 2.0" in text
    other.write_text(text.replace("\nchoreographies = 2.0", "\nchoreographies = 3.0"))
    done = checked("--inputs", other)
    assert (done.returncode, "Run: script/scale" in done.stderr) == (1, True)


def test_inputs__that_the_bench_measures__are_all_there_and_above_0(inputs):
    bench = (house.ROOT / "script/benches/scale.py").read_text() + (
        house.ROOT / "script/benches/of_scale/takes.py"
    ).read_text()
    for name, value in inputs["measured"].items():
        assert value > 0, name
        assert f'"{name}"' in bench, name


def test_waits__of_a_queue_that_is_served_as_fast_as_it_grows__are_none(scale):
    asked = np.ones(scale.DAY_S)
    assert scale.waits(asked, 2 * asked, 2) == (0, 0)


def test_waits__of_one_that_grows_all_day__are_what_is_left_at_its_end(scale):
    asked = np.ones(scale.DAY_S)
    p95_s, worst_s = scale.waits(asked, 2 * asked, 1)
    assert worst_s == scale.DAY_S - 1
    assert p95_s == pytest.approx(0.95 * scale.DAY_S, abs=2)


def test_waits__of_a_rush__end_when_it_is_worked_off(scale):
    asked = np.zeros(scale.DAY_S)
    asked[100], asked[103], asked[120] = 5, 1, 1
    p95_s, worst_s = scale.waits(asked, 2 * asked, 1)
    # Ten seconds of work come at second 100; seven are left at 103, none at 120.
    assert worst_s == 7
    assert p95_s == 7


def test_needs__of_more_users__are_more_of_everything(scale, inputs):
    every = [scale.needs(users, inputs) for users in scale.USERS]
    for less, more in pairwise(every):
        assert more.workers >= less.workers
        assert more.database_cores > less.database_cores
        assert more.bucket_tb_year > less.bucket_tb_year
    assert all(need.wait_p95_s <= inputs["aims"]["wait_p95_s"] for need in every)
    one_less = scale.waits(*scale.day(every[-1].users, inputs), every[-1].workers - 1)
    assert one_less[0] > inputs["aims"]["wait_p95_s"], "fewer cores would be enough"


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.0321, "0.032"), (1.26, "1.3"), (9.96, "10"), (12345, "12,000")]
)
def test_figure__has_two_digits_that_count(scale, value, shown):
    assert scale.figure(value) == shown
