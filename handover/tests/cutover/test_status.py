"""What `handover status` says of where people are."""

from contextlib import ExitStack
from pathlib import Path

from handover.config.config import load_config
from handover.cutover.position import position_of
from handover.cutover.status import Status, people_reach, read_status, status_lines
from handover.journal.journal import opened
from handover.journal.lease import held
from handover.journal.processes import registered

PAIR = Path(__file__).parents[1] / "config/before/handover.toml"


def test_status__no_dns_is_declared__is_one_sentence_that_ends_once():
    pair = load_config(PAIR).model_copy(update={"dns": None})
    position = position_of([])
    people, agrees, answers = people_reach(pair, position)
    said = status_lines(Status(position, people, agrees, answers, "", 0, None, ()))
    (line,) = (line for line in said if line.startswith("People reach: "))
    assert line.startswith("People reach: unknown: ")
    assert line.endswith("; so the journal cannot be compared with it.")
    assert ".;" not in line


def test_status__a_command_ends_while_name_servers_are_asked__lease_and_processes_are_of_one_moment(story, monkeypatch):
    story.in_parallel()
    with opened(story.config) as journal, ExitStack() as command:
        command.enter_context(registered(story.config.root, "cutover"))
        command.enter_context(held(story.config, "cutover"))

        def ended_meanwhile(*asked):
            command.close()
            return people_reach(*asked)

        monkeypatch.setattr("handover.cutover.status.people_reach", ended_meanwhile)
        found = read_status(story.config, journal)
    assert found.holder is not None
    assert [process.command for process in found.processes] == ["cutover"]
