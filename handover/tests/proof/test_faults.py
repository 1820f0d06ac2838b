import sys

import pytest

from handover.proof.faults import FaultError, InjectedFault, Schedule, run
from handover.proof.history import WriterOperation
from handover.proof.writer_processes import BatchResult


class Calm:
    """Writers' processes that only count how often they were asked to go on."""

    def __init__(self) -> None:
        self.asked = 0
        self.target = self

    def say(self, line: str) -> None:
        pass

    def go_on(self, limit: int) -> None:
        assert limit > 0
        self.asked += 1

    def finish(self) -> None:
        self.asked = -1


def batch(count: int, outcome: str = "ok") -> BatchResult:
    later = 4e9  # after any fault of this test
    return BatchResult(0, [WriterOperation(n, "update", ("k",), later, later, outcome) for n in range(count)])  # type: ignore[arg-type]


def fault(name: str, ended: list[str]) -> InjectedFault:
    return InjectedFault(
        name, lambda _: None, lambda o: o is not None and o.outcome == "full", lambda: ended.append(name)
    )


def test_watch__operation_meets_the_fault__it_ends_and_the_next_one_strikes():
    ended: list[str] = []
    schedule = Schedule([fault("first", ended), fault("second", ended)], operations=80)
    processes = Calm()
    batches = [batch(10), batch(10), batch(10, "full"), batch(10), batch(10), batch(10, "full"), batch(30)]
    assert list(schedule.watch(processes, iter(batches))) == batches  # type: ignore[arg-type]
    assert ended == ["first", "second"]
    assert [(s.name, s.met) for s in schedule.struck] == [("first", True), ("second", True)]


def test_watch__no_operation_meets_the_fault__it_ends_with_the_run_and_counts_as_unmet():
    ended: list[str] = []
    schedule = Schedule([fault("only", ended)], operations=20)
    processes = Calm()
    list(schedule.watch(processes, iter([batch(10), batch(10)])))  # type: ignore[arg-type]
    assert ended == ["only"]
    assert [s.met for s in schedule.struck] == [False]
    assert processes.asked == 2


def test_watch__the_run_fails__the_fault_is_ended():
    ended: list[str] = []
    schedule = Schedule([fault("only", ended)], operations=20)

    def batches():
        yield batch(10)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        list(schedule.watch(Calm(), batches()))  # type: ignore[arg-type]
    assert ended == ["only"]


def test_run__command_fails__says_which_how_and_its_output(tmp_path):
    command = [sys.executable, "-c", "print('no such server'); exit(3)"]
    with pytest.raises(FaultError, match=r"HO336 .* ended with status 3; 0 was expected. It said:\nno such server"):
        run(command, tmp_path)


def test_run__no_such_program__says_what_to_correct(tmp_path):
    with pytest.raises(FaultError, match=r"no-such-program could not be run: .*Correct \[prove\] in handover.toml"):
        run(["no-such-program"], tmp_path)
