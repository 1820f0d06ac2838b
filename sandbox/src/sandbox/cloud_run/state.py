"""What the service keeps: one job, its executions, their tasks and the operations that made them."""

import secrets
import subprocess
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

# Of google.cloud.run.v2, as they go over the wire by name.
SUCCEEDED, FAILED, PENDING = "CONDITION_SUCCEEDED", "CONDITION_FAILED", "CONDITION_PENDING"
TYPE = "type.googleapis.com/google.cloud.run.v2."


@dataclass
class RunFaults:
    """How many of the next requests meet which fault; each counts down as it is met.

    Attributes
    ----------
    refused_runs
        Answered with 429, and not done.
    failing_runs
        Answered with 503, and not done.
    unsaid_runs
        Done, and answered with 503.
    unstarted_runs
        Done, but the execution waits for a machine until it is cancelled.
    failing_reads
        Answered with 503.
    """

    refused_runs: int = 0
    failing_runs: int = 0
    unsaid_runs: int = 0
    unstarted_runs: int = 0
    failing_reads: int = 0

    def meets(self, fault: str) -> bool:
        """Say whether the next request meets a fault, and count it."""
        left: int = getattr(self, fault)
        setattr(self, fault, max(left - 1, 0))
        return left > 0


@dataclass
class RunTask:
    """One task of an execution: a container, and the ones that were started after it failed."""

    index: int
    attempt: int = 0
    outcome: str = ""  # "", "succeeded", "failed" or "cancelled"
    process: subprocess.Popen[bytes] | None = None
    exit_code: int | None = None
    kill_at: float | None = None  # on the monotonic clock, once it was asked to end


@dataclass
class RunExecution:
    """One run of the job."""

    name: str
    arguments: list[str]
    tasks: list[RunTask]
    is_held: bool = False
    is_cancelled: bool = False
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: datetime | None = None
    ended_at: datetime | None = None
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))

    def number(self, outcome: str) -> int:
        """Return how many tasks have ended so."""
        return sum(task.outcome == outcome for task in self.tasks)

    def end_if_over(self) -> None:
        """Note the end when every task has ended."""
        if self.ended_at is None and all(task.outcome for task in self.tasks):
            self.ended_at = datetime.now(UTC)


class RunJob:
    """The job and everything it keeps. ``lock`` is held by whoever reads or changes it."""

    def __init__(self, name: str, command: list[str], retries: int) -> None:
        self.name = name
        self.command = command
        self.retries = retries
        self.faults = RunFaults()
        self.lock = threading.RLock()
        self.executions: dict[str, RunExecution] = {}
        self.operations: dict[str, str] = {}  # the name of an operation, and that of its execution

    @property
    def location(self) -> str:
        """The project and the region."""
        return self.name.rpartition("/jobs/")[0]

    def run(self, *, arguments: list[str], task_count: int) -> dict[str, Any]:
        """Make an execution; return the operation."""
        name = f"{self.name}/executions/{self.name.rpartition('/')[2]}-{secrets.token_hex(3)[:5]}"
        tasks = [RunTask(index) for index in range(task_count)]
        execution = RunExecution(name, arguments, tasks, is_held=self.faults.meets("unstarted_runs"))
        self.executions[name] = execution
        operation = f"{self.location}/operations/{uuid.uuid4()}"
        self.operations[operation] = name
        return self.operation(operation)

    def operation(self, name: str) -> dict[str, Any]:
        """Return an operation as JSON; it is done when its execution is over or gone."""
        execution = self.executions.get(self.operations[name])
        shown = {} if execution is None else self.shown(execution)
        told: dict[str, Any] = {"name": name, "metadata": {"@type": f"{TYPE}Execution", **shown}}
        if execution is None:
            gone = {"code": 5, "message": f"Resource {self.operations[name]!r} was not found."}
            return told | {"done": True, "error": gone}
        if execution.ended_at is None:
            return told | {"done": False}
        return told | {"done": True, "response": {"@type": f"{TYPE}Execution", **shown}}

    def shown(self, execution: RunExecution) -> dict[str, Any]:
        """Return an execution as JSON."""
        running = sum(task.process is not None and not task.outcome for task in execution.tasks)
        good = execution.number("succeeded") == len(execution.tasks)
        state = PENDING if execution.ended_at is None else SUCCEEDED if good else FAILED
        container = {"image": "sandbox", "command": self.command, "args": execution.arguments}
        shown: dict[str, Any] = {
            "name": execution.name,
            "uid": execution.uid,
            "generation": "1",
            "createTime": stamp(execution.created_at),
            "updateTime": stamp(execution.ended_at or execution.created_at),
            "job": self.name.rpartition("/")[2],
            "taskCount": len(execution.tasks),
            "template": {"containers": [container], "maxRetries": self.retries, "timeout": "600s"},
            "conditions": [{"type": "Completed", "state": state}],
            "reconciling": execution.ended_at is None,
            "runningCount": running,
            "succeededCount": execution.number("succeeded"),
            "failedCount": execution.number("failed"),
            "cancelledCount": execution.number("cancelled"),
            "retriedCount": sum(task.attempt for task in execution.tasks),
        }
        times = {"startTime": execution.started_at, "completionTime": execution.ended_at}
        return shown | {key: stamp(value) for key, value in times.items() if value}

    def shown_task(self, execution: RunExecution, task: RunTask) -> dict[str, Any]:
        """Return a task as JSON."""
        shown: dict[str, Any] = {
            "name": f"{execution.name}/tasks/{execution.name.rpartition('/')[2]}-task{task.index}",
            "job": self.name.rpartition("/")[2],
            "execution": execution.name.rpartition("/")[2],
            "index": task.index,
            "retried": task.attempt,
            "maxRetries": self.retries,
        }
        return shown if task.exit_code is None else shown | {"lastAttemptResult": {"exitCode": task.exit_code}}


def stamp(time: datetime) -> str:
    """Return a time as JSON has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
