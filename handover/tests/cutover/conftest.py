"""What every test of the night uses by name; its fixtures are everybody's."""

from pathlib import Path

import pytest

from handover.tests.night import (
    BACKEND,
    FROM_OCTODNS,
    OLD_TTL_S,
    ORIGINAL,
    Story,
)

__all__ = ["BACKEND", "FROM_OCTODNS", "OLD_TTL_S", "ORIGINAL", "Story"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings(FROM_OCTODNS))
