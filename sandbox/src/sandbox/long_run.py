"""Which tests are left to the long run, `script/test --full`: two markers for every suite of this repository."""

import os
from collections import Counter

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", "full: only in the long run, script/test --full")
    config.addinivalue_line("markers", "thinned(to_one_in): its first case and every n-th, and all in the long run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long run's tests and cases out of the others."""
    named = any("::" in argument for argument in config.args)  # a test that is named is wanted
    if named or os.environ.get("COMPAS_FULL") == "1":
        return
    cases: Counter[str] = Counter()
    left_out = {item for item in items if item.get_closest_marker("full") or _is_thinned_out(item, cases)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _is_thinned_out(item: pytest.Item, cases: Counter[str]) -> bool:
    marker = item.get_closest_marker("thinned")
    if marker is None:
        return False
    family = item.nodeid.partition("[")[0]
    cases[family] += 1
    return bool((cases[family] - 1) % marker.kwargs["to_one_in"])
