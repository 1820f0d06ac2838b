import pytest

from handover.schema import catalog
from handover.schema.fingerprint import fingerprint
from sandbox import template


def shape(url: str) -> str:
    with catalog.snapshot(url) as connection:
        return fingerprint(catalog.read_catalog(connection))


@pytest.fixture
def clone(stage, postgres):
    with template.clone(postgres, stage.database) as database:
        yield database


def run(database, statement: str) -> None:
    with database.server.connect(database.name) as connection:
        connection.execute(statement)


def test_fingerprint__rows_owners_and_a_journal__are_no_part_of_it(clone):
    before = shape(clone.url("owner"))
    run(clone, "CREATE SCHEMA handover CREATE TABLE handover.journal (id int)")
    run(clone, "ANALYZE")
    run(clone, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC")
    assert shape(clone.url("owner")) == before


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE extra (id int)",
        "ALTER TABLE {table} ADD COLUMN extra int",
        "ALTER TABLE {table} ADD CONSTRAINT extra CHECK (true)",
        "CREATE INDEX extra ON {table} ((1))",
        "CREATE TRIGGER extra BEFORE UPDATE ON {table} FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
)
def test_fingerprint__the_shape_changes__it_changes(clone, stage, change):
    table = next(iter(stage.shape.project.models.values())).table
    before = shape(clone.url("owner"))
    run(clone, change.format(table=table))
    assert shape(clone.url("owner")) != before
