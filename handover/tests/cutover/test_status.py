"""What `handover status` says of where people are."""

from pathlib import Path

from handover.config.config import load_config
from handover.cutover.position import position_of
from handover.cutover.status import Status, people_reach, status_lines

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
