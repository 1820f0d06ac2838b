"""Every test here drives octoDNS, whose own warnings are not ours."""

from pathlib import Path

import pytest

from handover_testing.night import FROM_OCTODNS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings(FROM_OCTODNS))
