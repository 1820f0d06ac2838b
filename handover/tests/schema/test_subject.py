"""Small facts that need no second system: where tables are looked for, and which index is named."""

from dataclasses import replace

import pytest

from handover.check.merging import merged
from handover.config.config import SharedIndex
from handover.rules import RULES
from handover.schema.catalog import Catalog, Role
from handover.schema.models import Description, Given
from handover.schema.subject import DescribedSystem, Subject, search_path_of, session_settings
from handover.schema.types import canonical_type


@pytest.fixture(scope="module")
def described(players) -> Description:
    player = next(iter(players.values()))
    return Description.model_validate(player.clean["original"]["describe"])


def test_search_path__options_role_or_database__the_first_that_says_so_counts(described):
    catalog = Catalog(server={"settings": ["search_path=shop, public"]})
    assert search_path_of(described, catalog) == ("shop", "public")
    catalog.roles["drift_original"] = Role("drift_original", False, -1, ('search_path="$user", public',))
    assert search_path_of(described, catalog) == ("drift_original", "public")
    database = described.settings.database.model_copy(
        update={"options": {"options": r"-c search_path=backend,\ public"}}
    )
    settings = described.settings.model_copy(update={"database": database})
    assert search_path_of(described.model_copy(update={"settings": settings}), catalog) == ("backend", "public")


def test_session_settings__all_roles_database_role_and_options__the_last_counts(described):
    everywhere_then_here = ["statement_timeout=1", "lock_timeout=1", "DateStyle=German", "DateStyle=ISO"]
    catalog = Catalog(server={"settings": everywhere_then_here})
    catalog.roles["drift_original"] = Role("drift_original", False, -1, ("statement_timeout=2", "lock_timeout=2"))
    options = {"options": "-c lock_timeout=3 --work_mem=64MB -cjit=off"}
    database = described.settings.database.model_copy(update={"options": options})
    settings = described.settings.model_copy(update={"database": database})
    assert session_settings(described.model_copy(update={"settings": settings}), catalog) == {
        "statement_timeout": "2",
        "lock_timeout": "3",
        "datestyle": "ISO",
        "work_mem": "64MB",
        "jit": "off",
    }


@pytest.mark.parametrize(
    ("shut", "found", "todo"),
    [
        ({"logs_in": False}, "may not log in", 'ALTER ROLE "drift_original" LOGIN;'),
        ({"expired": True}, "has a password that ran out", "ALTER ROLE \"drift_original\" VALID UNTIL 'infinity';"),
        ({"connects": False}, "may not connect", 'GRANT CONNECT ON DATABASE "shop" TO "drift_original";'),
    ],
)
def test_rule_ho197__role_is_shut_out__says_how_and_what_to_do(described, players, shut, found, todo):
    stage = next(iter(players.values())).stage
    role = Role("drift_original", False, -1, ())
    catalog = Catalog(server={"settings": [], "database": "shop"}, roles={role.name: replace(role, **shut)})
    side = DescribedSystem("original", described, ("public",))
    subject = Subject(stage.config(stage.folder, stage.pair), catalog, (side,))
    (finding,) = RULES["HO197"].findings(subject)
    assert (finding.where, finding.found, finding.todo) == ("role drift_original", found, todo)
    catalog.roles[role.name] = role
    assert not list(RULES["HO197"].findings(subject))


def test_search_path__nobody_says__is_postgresqls_default(described):
    assert search_path_of(described, Catalog(server={"settings": []})) == ("drift_original", "public")


def test_rule_ho195__another_index__is_breaking(described, players):
    stage = next(iter(players.values())).stage
    named = {"SEARCH_INDEX": "moves_v1"}
    settings = described.settings.model_copy(update={"named": named})
    side = DescribedSystem("backend", described.model_copy(update={"settings": settings}), ("public",))
    config = stage.config(stage.folder, stage.pair)
    for name, found in (
        ("moves_v2", ["SEARCH_INDEX is moves_v1 in the backend; handover.toml names the index moves_v2."]),
        ("moves_v1", []),
    ):
        pair = config.model_copy(update={"index": SharedIndex(name=name, setting="SEARCH_INDEX")})
        said = merged(RULES["HO195"].findings(Subject(pair, Catalog(), (side,))))
        assert [f"{f.where} {f.what}" for f in said] == found


def test_given__callables__are_the_same_by_their_text_not_their_place():
    one = Given(kind="callable", value="shop.models.make", source="abc")
    assert one.same_as(Given(kind="callable", value="apps.shop.models.make", source="abc"))
    assert not one.same_as(Given(kind="callable", value="shop.models.make", source="xyz"))
    assert Given().same_as(Given(kind="value", value="str:"))
    assert not Given().same_as(Given(kind="value", value="str:x"))


TYPES = {
    "varchar(20)[]": "character varying(20)[]",
    "int8[]": "bigint[]",
    "integer[3][]": "integer[]",
    "timestamptz(3)": "timestamp(3) with time zone",
    "timestamp(0)": "timestamp(0) without time zone",
    "timetz(3)[2]": "time(3) with time zone[]",
    "interval(2)": "interval(2)",
    "varbit(5)": "bit varying(5)",
    "geometry(Point,4326)": "geometry(point,4326)",
    "varchar(5)": "character varying(5)",
    "bigserial": "bigint",
    "timestamp with time zone": "timestamp with time zone",
    "numeric(10, 2)": "numeric(10,2)",
    "public.citext": "citext",
    "time": "time without time zone",
}


@pytest.mark.parametrize(("django", "catalog"), TYPES.items())
def test_canonical_type__djangos_spelling__is_the_catalogs(django, catalog):
    assert canonical_type(django) == canonical_type(catalog) == catalog
