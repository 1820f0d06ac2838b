"""The sessions of both systems are asked what they find first: the views of a shape, or the tables."""

import pytest

from handover.config.config import load_config
from handover.errors import Refused
from handover.evolve.own_paths import require_own_paths
from handover.evolve.statement import EvolutionPlan
from handover.side import Side

OLD, CARRYING, OTHER = 'old_roles = ["{}"]', 'carrying_roles = ["{}"]', 'other_roles = ["{}"]'
# How the original's role is declared, the path that its own options set, and what the refusal says.
WRONG = {
    "a carrying role without a path": (CARRYING, "", r"has the search path drift_original, public, and its role"),
    "a carrying role past the views": (CARRYING, "public", r"has the search path public, and its role drift_original"),
    "views behind the tables": (CARRYING, "public,phase1", r"has the search path public, phase1, and its role"),
    "an old role whose options beat its setting": (
        OLD,
        "public",
        r"sets search_path = public in its own options, which beats the setting of the old role drift_original;.*\n"
        r".*Put phase1 before public in its own path .* name drift_original in carrying_roles instead\.",
    ),
    "an old role with the path of the new shape": (OLD, "phase2,public", r"sets search_path = phase2, public in"),
    "a role that is no client": (OTHER, "", r"connects as drift_original, which is one of other_roles"),
}
RIGHT = {
    "an old role": (OLD, ""),
    "an old role that has the views itself": (OLD, "mine,phase1,public"),
    "a carrying role of the old shape": (CARRYING, "mine,phase1,public"),
    "a carrying role of the new shape": (CARRYING, "phase2,public"),
}


def ask(pair, declared, path, tables=("public.dance_tasks",)):
    """Declare the original's role, give its sessions a path of their own, and ask it."""
    settings = pair.folder / "original" / "settings.py"
    if path:
        options = {"options": f"-c search_path={path}"}
        settings.write_text(f'{settings.read_text()}\nDATABASES["default"]["OPTIONS"] = {options}\n')
    file = pair.folder / "handover.toml"
    file.write_text(f"{file.read_text()}\n[evolve]\n{declared.format('drift_original')}\n")
    pair.patch.setenv("HANDOVER_DATABASE_URL", pair.database.url("owner"))
    require_own_paths(load_config(file), (Side.ORIGINAL,), EvolutionPlan(evolution="0001_test", tables=tables))


@pytest.mark.parametrize("case", WRONG)
def test_path__past_the_views__is_refused(case, pair):
    declared, path, says = WRONG[case]
    with pytest.raises(Refused, match=r"HO671  the original " + says):
        ask(pair, declared, path)


@pytest.mark.parametrize("case", RIGHT)
def test_path__to_the_views__is_taken(case, pair):
    ask(pair, *RIGHT[case])


def test_path__views_behind_own_tables_that_change_as_well__is_refused(pair):
    tables = ("public.dance_tasks", "mine.notes")
    says = (
        r"HO671  the original has the search path mine, phase1, public, .*\n.*Put phase1 before mine and public in its"
    )
    with pytest.raises(Refused, match=says):
        ask(pair, CARRYING, "mine,phase1,public", tables)


def test_path__views_before_own_tables_that_change_as_well__is_taken(pair):
    ask(pair, CARRYING, "phase1,mine,public", ("public.dance_tasks", "mine.notes"))


def test_model__that_names_the_schema_of_its_table__is_refused(pair):
    models = pair.folder / "original" / "dance" / "models.py"
    models.write_text(models.read_text().replace("'dance_tasks'", "'public\".\"dance_tasks'"))
    says = r"HO671  the original names the schema of its table itself: db_table of .*Task is public\.dance_tasks;"
    with pytest.raises(Refused, match=says):
        ask(pair, OLD, "")


def test_system__that_does_not_start__is_refused(pair):
    (pair.folder / "original" / "settings.py").write_text("raise RuntimeError('no')")
    with pytest.raises(Refused, match=r"HO671  the original does not start: .*; its search path is not known\."):
        ask(pair, OLD, "")
