"""What the control groups allow is what a process counts on."""

import os

import pytest

from bachateo import machine


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """A machine of eight cores; gives what writes a file of its kernel."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(machine, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "TREE", tmp_path / "tree")

    def write(**files: str) -> None:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    return write


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        pytest.param("0::/\n", {"tree/cpu.max": "max 100000\n"}, 8, id="no quota"),
        pytest.param("0::/\n", {"tree/cpu.max": "250000 100000\n"}, 3, id="two and a half"),
        pytest.param("0::/\n", {"tree/cpu.max": "10000 100000\n"}, 1, id="a tenth"),
        pytest.param("0::/\n", {"tree/cpu.max": "2000000 100000\n"}, 8, id="more than there are"),
        pytest.param(
            "0::/a/b\n", {"tree/a/cpu.max": "200000 100000", "tree/a/b/cpu.max": "400000 100000"}, 2, id="over it"
        ),
        pytest.param(
            "0::/a/b\n", {"tree/a/cpu.max": "400000 100000", "tree/a/b/cpu.max": "200000 100000"}, 2, id="its own"
        ),
        pytest.param("0::/of/the/host\n", {"tree/cpu.max": "200000 100000"}, 2, id="as a container sees it"),
        pytest.param(
            "4:memory:/x\n1:cpu,cpuacct:/x\n0::/\n",
            {"tree/cpu/x/cpu.cfs_quota_us": "150000\n", "tree/cpu/x/cpu.cfs_period_us": "50000\n"},
            3,
            id="version 1",
        ),
        pytest.param(
            "1:cpu:/\n",
            {"tree/cpu/cpu.cfs_quota_us": "-1\n", "tree/cpu/cpu.cfs_period_us": "100000\n"},
            8,
            id="version 1, none",
        ),
        pytest.param("0::/\n", {}, 8, id="no file"),
        pytest.param("", {}, 8, id="no group"),
    ],
)
def test_cores__under_a_quota__are_no_more_than_it_allows(kernel, groups, files, expected):
    kernel(groups=groups, **files)
    assert machine.number_of_cores() == expected


def test_cores__no_control_groups__are_what_it_may_run_on(kernel):
    assert machine.number_of_cores() == 8


def test_cores__of_this_machine__is_at_least_one_and_no_more_than_it_has():
    assert 1 <= machine.number_of_cores() <= len(os.sched_getaffinity(0))
