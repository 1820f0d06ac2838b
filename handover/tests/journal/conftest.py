"""The stage of the night."""

from handover.tests.cutover.conftest import memory, name_server, small_systems, stage, story  # noqa: F401
