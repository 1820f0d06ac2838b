"""A ``handover.toml`` from before version 0.2.0 still works: no key is refused, and each means the same.

The folder ``before`` holds this repository's file of that time, a file with every key that there was, and beside each
what the version of that time read from it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from handover.check.contract import path_of
from handover.config.config import load_config
from handover.errors import ConfigurationError

BEFORE = Path(__file__).with_name("before")
FILES = ("handover", "every_key")


def changed(before: Any, now: Any, place: str = "") -> list[str]:
    """Return the places where a value of before is another now; new keys are allowed."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [c for key, value in before.items() for c in changed(value, now.get(key, "missing"), f"{place}.{key}")]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [c for n, pair in enumerate(zip(before, now, strict=True)) for c in changed(*pair, f"{place}.{n}")]
    return [] if before == now else [f"{place} was {before!r}, is {now!r}"]


@pytest.mark.parametrize("name", FILES)
def test_load__file_of_before__means_the_same(name):
    before = json.loads((BEFORE / f"{name}.json").read_text())
    now = load_config(BEFORE / f"{name}.toml").model_dump(mode="json", exclude={"root"})
    assert changed(before, now) == []


def test_changed__one_value_planted__is_named():
    before = json.loads((BEFORE / "every_key.json").read_text())
    now = load_config(BEFORE / "every_key.toml").model_dump(mode="json", exclude={"root"})
    now["gates"][0]["roles"] = ["Mate"]
    del now["watch"]["limits"]["clock_s"]
    assert changed(before, now) == [
        ".gates.0.roles.0 was 'Captain', is 'Mate'",
        ".watch.limits.clock_s was 8.0, is 'missing'",
    ]


def test_load__file_of_before__contract_and_mapping_lie_where_they_lay():
    config = load_config(BEFORE / "handover.toml")
    assert path_of(config) == BEFORE / "handover" / "contract.json"
    assert config.search
    assert config.root / config.search.mapping == BEFORE / "handover" / "search-mapping.json"


@pytest.mark.parametrize("section", ["database", "backend", "watch.limits", "prove.concurrent", "search", "storage"])
def test_load__unknown_key_planted_in_it__is_refused_with_its_line(tmp_path, section):
    lines = (BEFORE / "every_key.toml").read_text().splitlines()
    line = lines.index(f"[{section}]") + 1
    lines.insert(line, "colour = 1")
    (tmp_path / "handover.toml").write_text("\n".join(lines))
    with pytest.raises(ConfigurationError, match=rf"line {line + 1}: {section}.colour: Extra inputs"):
        load_config(tmp_path / "handover.toml")
