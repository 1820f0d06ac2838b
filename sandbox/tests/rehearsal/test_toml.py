"""What is written is read back the same."""

import tomllib

import pytest

from sandbox.house import ROOT
from sandbox.rehearsal.toml import dumps


@pytest.mark.parametrize(
    "values",
    [
        {"a": 1, "b": [1, 2], "t": {"x": True, "s": 'quo"te\\ é\n'}, "after": 0.5},
        {"l": [{"n": 1, "in": {"x": [{"y": "z"}, {"y": "w"}]}}, {"n": 2}], "empty": [], "odd key": {"é": {}}},
        tomllib.loads((ROOT / "handover.toml").read_text()),
    ],
    ids=["plain", "nested", "the repository's"],
)
def test_dumps__read_again__is_the_same(values: dict[str, object]) -> None:
    assert tomllib.loads(dumps(values)) == values
