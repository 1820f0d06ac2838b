"""Imported first: pytest names a test module after its path, and would take the folder for the package."""

import os

import pytest

import bachateo  # noqa: F401
import handover  # noqa: F401


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: only in the long run, script/test --full")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long run's tests out of the others."""
    if os.environ.get("COMPAS_FULL") == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
