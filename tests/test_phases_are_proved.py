"""Every cell of the matrix of systems and stages: proved by ``handover prove``, or refused with a reason.

In the long run only; ``script/bench phases`` plays the same and shows it as a table.
"""

from collections.abc import Iterator

import pytest

from sandbox.evolved import STAGES
from tests.phases_of_the_pair import FIRST, ORIGINAL, SECOND, PhasesOfThePair, meetings, phases_on, refused

pytestmark = pytest.mark.full
REASON = "SCHEMA_PHASE is {}, which needs choreography_tasks.task_id as {}; in database {} it is {}."
REASONS = {
    ORIGINAL: "permission denied for table choreography_tasks",
    FIRST: REASON.format(1, "character varying", "{}", "uuid"),
    SECOND: REASON.format(2, "uuid", "{}", "character varying"),
}


@pytest.fixture(scope="module")
def phases(postgres, adopted_template, tmp_path_factory) -> Iterator[PhasesOfThePair]:
    with phases_on(postgres, adopted_template, tmp_path_factory.mktemp("phases")) as one:
        yield one


@pytest.mark.parametrize("stage", STAGES)
def test_stage__each_system__is_proved_with_all_others_or_refused_with_a_reason(stage, phases):
    with phases.at(stage) as database:
        proved = [phases.proved(meeting, database) for meeting in meetings() if meeting.stage == stage]
        told = {system: phases.refusal(system, database) for at, system in refused() if at == stage}
    assert {str(one.meeting): one.red for one in proved if not one.green} == {}
    assert all(one.count("journeys") > 0 and one.count("files") > 0 and one.count("logins") > 0 for one in proved)
    assert {system: REASONS[system].format(database.name) in words for system, words in told.items()} == dict.fromkeys(
        told, True
    )


def test_refusal__system_that_runs__says_nothing(phases):
    with phases.at("before") as database:
        assert phases.refusal(FIRST, database) == ""
        assert phases.refusal(SECOND, database) != ""
