"""The proofs of ``handover prove`` at the stages of the evolution, as far as they can be: long run only.

The proofs of data let both systems write the same columns in the same words, so they are those of Phase 1. What people
do over HTTP is the same in both phases, so the flows run with a backend of each.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg import sql

from handover.proof.groups import flows
from sandbox import template
from sandbox.evolved import Evolving
from sandbox.ports import free_port
from sandbox.postgres import Database
from sandbox.systems import Place, running
from tests.test_proof_of_storage_and_flows import findings, proved, target_of

pytestmark = pytest.mark.full
PATH = 'ALTER ROLE original_app IN DATABASE {} SET search_path = "$user", phase1, public'
DATA = ("read-across", "concurrent-writes", "identity")


@contextmanager
def database_at(postgres, name: str) -> Iterator[Database]:
    """Give a copy of a template, with the original's path, which a copy of a database does not have."""
    with template.clone(postgres, name) as database:
        with postgres.connect() as session:
            session.execute(sql.SQL(PATH).format(sql.Identifier(database.name)))
        yield database


@pytest.mark.parametrize("stage", ["before", "expanded", "switched", "rolled back"])
def test_data__of_the_original_and_phase_1__is_proved_at_each_stage(
    stage, postgres, template_at, monkeypatch, tmp_path
):
    with database_at(postgres, template_at(stage)) as database:
        monkeypatch.setenv("ORIGINAL_DATABASE_URL", database.url("original_app"))
        monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
        groups = [part for group in DATA for part in ("--group", group)]
        said = Evolving(postgres, database.name, tmp_path).handover("prove", *groups)
    assert "groups green" in said


@pytest.mark.parametrize("phase", ["1", "2"])
@pytest.mark.parametrize("stage", ["expanded", "switched"])
def test_flows__of_the_original_and_each_phase__are_made_on_either_and_seen_on_the_other(
    stage, phase, postgres, template_at, moves_library, demo_song, monkeypatch, tmp_path
):
    monkeypatch.setenv("SCHEMA_PHASE", phase)
    place = Place(tmp_path / "house", moves_library)
    (place.media / "songs").mkdir(parents=True)
    place.put_song("short.mp3", demo_song.read_bytes())
    with (
        database_at(postgres, template_at(stage)) as database,
        running(database, place, port=free_port(), original_port=free_port()) as both,
    ):
        outcome = proved(flows, target_of(both, monkeypatch), tmp_path)
        with postgres.connect(database.name) as session:
            (named,) = session.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE %s",
                [f"backend-phase{phase}%"],
            ).fetchone()
    assert findings(outcome) == []
    assert outcome.counts["journeys"] > 0
    assert named > 0
