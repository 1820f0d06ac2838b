"""The fixtures of the small pairs: a conftest imports those that its tests name."""

from collections.abc import Iterator

import pytest

from handover_testing.drifts.declared import DECLARED
from handover_testing.drifts.fork_server import ForkServer, fork_server
from handover_testing.drifts.play import Player
from handover_testing.drifts.shapes import DANCE, SHAPES
from handover_testing.drifts.stage import Stage, build
from handover_testing.pair import Pair, toml
from sandbox import template


@pytest.fixture(scope="session")
def parent() -> Iterator[ForkServer]:
    """The process that all systems of the stages are forked from."""
    with fork_server() as process:
        yield process


@pytest.fixture(scope="session")
def stage(parent, postgres, tmp_path_factory) -> Stage:
    """The clean pair with a user model of its own."""
    return build(DANCE, tmp_path_factory.mktemp(DANCE.name), postgres, parent)


@pytest.fixture(scope="session")
def players(stage, parent, postgres, tmp_path_factory) -> Iterator[dict[str, Player]]:
    """A clean pair of every shape, on which drifts can be played."""
    others = [shape for shape in (*SHAPES, DECLARED) if shape.name != DANCE.name]
    stages = [stage, *(build(s, tmp_path_factory.mktemp(s.name), postgres, parent) for s in others)]
    players = {one.shape.name: Player(one) for one in stages}
    yield players
    for player in players.values():
        player.close()


@pytest.fixture(scope="session")
def python(parent) -> list[str]:
    """The argument vector of an interpreter that starts at once."""
    return parent.python


@pytest.fixture
def pair(stage, python, postgres, tmp_path, monkeypatch, capsys) -> Iterator[Pair]:
    with template.clone(postgres, stage.database) as database:
        stage.write(tmp_path, stage.pair)
        (tmp_path / "handover.toml").write_text(toml(stage, database.name, python))
        yield Pair(tmp_path, stage, database, monkeypatch, capsys)
