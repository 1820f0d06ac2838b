"""The examples, each played on a real server as its README tells."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from examples.evolve import SecondAct
from examples.play import EXAMPLES, HERE, FailedError, Play
from sandbox.fixtures import server_for_this_run
from sandbox.postgres import Server

CLEAN = "✅ Yes, the backend may run beside the original, as far as the check can see."
GONE = "no trace of the backend is left"
NOT_YET = "1. Adopt the backend (handover adopt)"
# What each must say, in this order.
SAYS = {
    "plain": (
        NOT_YET,
        "wishes.book_id gets ON DELETE CASCADE",
        "plain is adopted: backend_app has its own schema backend.",
        CLEAN,
        "books: 52 rows compared, 0 differences",
        "2 groups green",
        "20 rows: backend.wishes",
        GONE,
    ),
    "custom-user": (
        NOT_YET,
        "devices.owner_id gets ON DELETE CASCADE",
        "custom_user is adopted",
        CLEAN,
        "One login, two systems",
        "1 group green",
        GONE,
    ),
    "two-versions": (NOT_YET, "two_versions is adopted", CLEAN, "repairs: ", "2 groups green", GONE),
    "another-schema": (
        "1. Take the backend in by hand: schema backend (HO100)",
        "HO003  another_schema cannot be adopted as it is; nothing was changed.",
        "HO010  orders is in schema shop; handover adopt works with shared tables in schema public only.",
        "/howto/adopt-a-live-database.html#tables-in-another-schema",
        "Applying shop.0001_initial... FAKED",
        CLEAN,
        GONE,
    ),
    "unadoptable": (
        "1. Mend the database, or the wrong models: tickets.priority (HO132)",
        "HO003  unadoptable cannot be adopted as it is; nothing was changed.",
        "HO132  tickets.priority will be NOT NULL; the original does not write it; only a nullable column is safe.",
        "Make it null=True.",
        "unadoptable is adopted",
        CLEAN,
        GONE,
    ),
    "strategy": (
        "tokens.0002_identifiers_as_text by the backend's interpreter, as backend_app: RunPython write_as_text",
        "Columns that the backend adds to choreography_tasks, by the owner of the table",
        "choreography_blueprints.task_id gets ON DELETE CASCADE",
        "strategy is adopted: backend_app has its own schema backend.",
        "own rows: 4 that reference shared rows",
        "2 groups green",
        GONE,
    ),
}
# The proofs, which take longer than all the rest, belong to the long run.
OF_A_PROOF = (
    "repairs: ",
    "own rows: 4 that reference shared rows",
    "books: 52 rows compared, 0 differences",
    "2 groups green",
    "1 group green",
    "One login, two systems",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for the examples alone: each takes the role of the backend out again, and no other test may hold it."""
    with server_for_this_run() as server:
        yield server


# What the second act of each must say, in this order: the schema changes online.
EVOLVES = {
    "another-schema": (
        "HO645  4 of 4 gates are red; nothing was changed.",
        "shop.orders: 20 rows are filled; none is left",
        "0001_amount: expanded",
        "22 orders, 215 pieces",
        "0001_amount: switched",
        "26 orders",
        "28 orders",
        "0001_amount: rolled_back: nothing of it is left",
        "the rollback left nothing of the new shape",
        "0001_amount: contracted: only the new shape is there",
        "3000000246 pieces",
        "The evolution 0001_amount has changed shop.orders for good: a system that expects the old shape no",
        "shop.orders.pieces does not exist; shop.Order reads and writes it.",
        "nothing of the evolution is left but the new shape",
    ),
    "custom-user": (
        "auth_group_permissions.group_id changes as well",
        "backend.devices.group_id changes as well",
        "0001_big_groups: expanded",
        "4 accounts, 3 groups, 1 devices",
        "0001_big_groups: switched",
        "the rollback left nothing of the new shape",
        "0001_big_groups: contracted: only the new shape is there",
        "The evolution 0001_big_groups has changed public.",
        "accounts.joined does not exist; accounts.Account reads and writes it.",
        "nothing of the evolution is left but the new shape",
    ),
    "plain": (
        "from the start on, check books_isbn_check also refuses writes of the old shape",
        "start: search paths of the old roles",
        "0001_lent_on: expanded",
        "0001_lent_on: switched",
        "the rollback left nothing of the new shape",
        "0001_lent_on: contracted: only the new shape is there",
        "loans.since does not exist; library.Loan reads and writes it.",
        "nothing of the evolution is left but the new shape",
    ),
}


@pytest.mark.full
@pytest.mark.parametrize("name", list(EVOLVES))
def test_evolution__played__goes_forward_and_back_and_leaves_nothing(name: str, tmp_path, capfd):
    with server_for_this_run() as server:
        try:
            SecondAct(Play(name, server, tmp_path)).perform()
        except FailedError as error:
            pytest.fail(f"{error}\n{capfd.readouterr().out}")
    rest = printed = capfd.readouterr().out
    for line in EVOLVES[name]:
        assert line in rest, f"{line!r} is not there, or not at its place:\n{printed}"
        rest = rest.partition(line)[2]


# The example of the strategy shows the most.
LONG_RUN = ("plain", "custom-user", "two-versions", "another-schema", "unadoptable")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.full) if n in LONG_RUN else n for n in EXAMPLES])
def test_example__played__says_what_it_should_and_leaves_no_trace(name: str, server, tmp_path, capfd, monkeypatch):
    proved = os.environ.get("COMPAS_FULL") == "1"
    if not proved:
        monkeypatch.setitem(EXAMPLES, name, replace(EXAMPLES[name], prove=()))
    try:
        Play(name, server, tmp_path).play()
    except FailedError as error:
        pytest.fail(f"{error}\n{capfd.readouterr().out}")
    rest = printed = capfd.readouterr().out
    for line in SAYS[name] if proved else (line for line in SAYS[name] if line not in OF_A_PROOF):
        assert line in rest, f"{line!r} is not there, or not at its place:\n{printed}"
        rest = rest.partition(line)[2]


def test_every_example__is_listed_with_a_readme():
    folders = {path.parent.name for path in HERE.glob("*/handover.toml")}
    assert folders == set(EXAMPLES) == set(SAYS)
    listed = (HERE / "README.md").read_text()
    for name in folders:
        assert f"]({name}/)" in listed
        assert f"examples/play.py {name}" in Path(HERE, name, "README.md").read_text()


@pytest.mark.full
def test_step_that_does_not_end_as_it_should__ends_the_play(server, tmp_path, monkeypatch):
    monkeypatch.setattr(Play, "database", "spoiled")
    play = Play("plain", server, tmp_path)
    server.create_database("spoiled")
    with pytest.raises(FailedError, match="it must end with 3"):
        play.handover("check", status=3)
