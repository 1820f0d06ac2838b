"""The verdict of a run of proofs: what compared nothing, did not run, or differs is never green."""

import pytest

from handover.finding import Finding
from handover.proof.outcome import Failure, Outcome
from handover.proof.run import ALL_GREEN, COULD_NOT_RUN, DIFFERENCES, JudgedOutcome, ProofRun

DIFFERENCE = Failure(Finding(code="HO300", where="t.c", found="is text", expected="both read the same", todo="Look."))


def run_of(outcome: Outcome, **more: object) -> ProofRun:
    good = JudgedOutcome("identity", "", Outcome("identity", {"users": 3}))
    return ProofRun((good, JudgedOutcome("storage", "", outcome, **more)))


@pytest.mark.parametrize(
    ("run", "exit_code"),
    [
        (run_of(Outcome("storage", {"rows": 0})), COULD_NOT_RUN),
        (run_of(Outcome("storage", {"rows": 3, "files": 0})), COULD_NOT_RUN),
        (run_of(Outcome("storage", {})), COULD_NOT_RUN),
        (run_of(Outcome("storage", {"rows": 3}), error="the backend does not start"), COULD_NOT_RUN),
        (run_of(Outcome("storage", {}, nothing="no field"), open=(DIFFERENCE,)), COULD_NOT_RUN),
        (run_of(Outcome("storage", {"rows": 3}), open=(DIFFERENCE,)), DIFFERENCES),
        (ProofRun(()), COULD_NOT_RUN),
    ],
)
def test_run__nothing_compared_or_not_run_or_different__is_not_green(run, exit_code):
    assert (run.green, run.exit_code) == (False, exit_code)


def test_run__everything_compared_and_equal__is_green():
    run = run_of(Outcome("storage", {"rows": 3}))
    assert (run.green, run.exit_code) == (True, ALL_GREEN)
    nothing = run_of(Outcome("storage", {}, nothing="neither system has a file field"))
    assert (nothing.green, nothing.judged[1].green, nothing.exit_code) == (True, False, ALL_GREEN)
