"""A backend that is adopted beside a small original."""

from collections.abc import Iterator

import pytest

from handover_testing.newcomer import Newcomer, build_original, newcomer
from sandbox import template


@pytest.fixture(scope="session")
def tasks_template(postgres, python, tmp_path_factory):
    """The original's database with two people and their tasks, to be cloned."""
    folder = tmp_path_factory.mktemp("original")
    return template.ensure(postgres, "tasks_template", lambda name: build_original(postgres, name, folder, python))


@pytest.fixture
def it(postgres, tasks_template, python, tmp_path, monkeypatch, capsys) -> Iterator[Newcomer]:
    with (
        template.clone(postgres, tasks_template) as database,
        newcomer(database, tmp_path, python, monkeypatch, capsys) as one,
    ):
        yield one
