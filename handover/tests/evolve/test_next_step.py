"""What `status` names as the next step of an evolution works: in every state, forward and back, and in a pause."""

import os
import shlex

import pytest

from handover.evolve.position import evolution_position
from handover_testing.evolve_operator import Killed
from handover_testing.handmade_plan import NAME

START, SWITCH, ROLLBACK, CONTRACT = "evolve start", "evolve switch", "evolve rollback", "evolve contract"
# The commands that lead to a state; the last one is killed in the middle of it.
KILLED = {
    "starting": [START],
    "switching": [START, SWITCH],
    "contracting": [START, SWITCH, CONTRACT],
    "rolling_back": [START, ROLLBACK],
}
RESTING = {"expanded": [START], "switched": [START, SWITCH]}
FULL = "COMPAS_FULL" in os.environ
SHORT = ("starting", "contracting", "expanded", "switched")


def some(states):
    return [state for state in states if FULL or state in SHORT]


def state_of(operator) -> str:
    return evolution_position(operator.entries(), NAME).state


def lead_to(operator, state: str) -> None:
    *before, last = KILLED.get(state) or [*RESTING[state], ""]
    for command in before:
        operator.run(command, because="a trial")
    if last:
        points = ("begun", "ended")

        def at(point: str) -> None:
            if point not in points and point.endswith(": begun"):
                raise Killed(point)

        with pytest.raises(Killed):
            operator.run(last, at=at, because="a trial")
    assert state_of(operator) == state


def named(operator) -> dict[str, str]:
    found = operator.pair.handover("status", "--json").json()["evolutions"]
    (step,) = [one["next"] for one in found]
    shown = operator.pair.handover("status").stdout
    assert f"Next: {'first ' + step['first'] + '; then ' if step['first'] else ''}{step['command']}" in shown
    return step


def typed(operator, command: str) -> None:
    """Type what was named; what a person types when a contract asks for the name is given as an option."""
    words = ["a trial" if word == "REASON" else word for word in shlex.split(command)[1:]]
    more = ["--confirm", NAME] if "contract" in words else []
    ended = operator.pair.handover(*words, *more)
    assert ended.returncode == 0, ended.stderr + ended.stdout


@pytest.mark.parametrize("state", some([*KILLED, *RESTING]))
@pytest.mark.thinned(to_one_in=2)
def test_status__next_step_of_an_evolution__works(operator, state):
    lead_to(operator, state)
    step = named(operator)
    typed(operator, step["command"])
    ends = {"starting": "expanded", "switching": "switched", "contracting": "contracted", "rolling_back": "rolled_back"}
    assert state_of(operator) == {**ends, "expanded": "switched", "switched": "contracted"}[state]
    assert operator.wrong_rows() == []


@pytest.mark.parametrize("state", some([*KILLED, *RESTING]))
@pytest.mark.thinned(to_one_in=2)
def test_status__way_back_of_an_evolution__works_or_none_is_named(operator, state):
    lead_to(operator, state)
    step = named(operator)
    if not step["back"]:
        assert state in ("contracting", "rolling_back")
        assert "HO509" in operator.pair.handover("resume", "--back").stderr
        return
    typed(operator, step["back"])
    assert state_of(operator) == "rolled_back"
    assert operator.left() == []


def test_status__paused_during_an_evolution__names_the_lift_alone(operator):
    lead_to(operator, "starting")
    assert operator.pair.handover("pause").returncode == 0
    shown = operator.pair.handover("status").stdout
    assert "Next: handover pause --lift" in shown
    assert "Next: as above" in shown
    assert operator.pair.handover("pause", "--lift").returncode == 0
    typed(operator, named(operator)["command"])
    assert state_of(operator) == "expanded"


def test_evolve_start__reviewed_is_no_checksum_of_the_plan__is_refused(operator):
    """The reviewed checksum is compared with the computed one; no pattern and no shorter beginning counts."""
    folder = operator.pair.folder / "evolution"
    folder.mkdir(exist_ok=True)
    (folder / f"{NAME}.toml").write_text(
        '[[operations]]\nkind = "add_column"\ntable = "jobs"\ncolumn = "more"\ntype = "text"\n'
    )
    made = operator.pair.handover("evolve", "plan", NAME, "--json")
    assert made.returncode == 0, made.stderr
    checksum = made.json()["checksum"]
    for wrong in ("*", "?" * 12, "/", checksum[:11], checksum[:12] + "x", checksum + "0", "0" * 64):
        ended = operator.pair.handover("evolve", "start", NAME, "--reviewed", wrong)
        assert ended.returncode == 3, wrong
        assert "HO651" in ended.stderr
    assert operator.pair.handover("evolve", "start", NAME, "--reviewed", checksum[:12]).returncode == 0
