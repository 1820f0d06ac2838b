"""Starts a process for each task, starts it again when it failed, and ends those of cancelled executions."""

import os
import select
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox import process
from sandbox.cloud_run.state import RunExecution, RunJob, RunTask
from sandbox.logs import open_log

# As long as Cloud Run waits after SIGTERM.
GRACE_S = 10.0


class Runner:
    """Runs in the main thread, which starts all containers; others wake it."""

    def __init__(self, job: RunJob, folder: Path, environment: dict[str, str]) -> None:
        self.job = job
        self.folder = folder
        self.environment = environment
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._is_over = False

    def wake(self) -> None:
        """Let it look at the executions now."""
        os.write(self._writer, b"!")

    def stop(self) -> None:
        """Let it end."""
        self._is_over = True
        self.wake()

    def run(self) -> None:
        """Look whenever a container ends or a request was made, until it is stopped."""
        while not self._is_over:
            with self.job.lock:
                waits_s = min((self._look_at(one) for one in self.job.executions.values()), default=None)
                running = [os.pidfd_open(task.process.pid) for task in self._running() if task.process]
            self._wait(running, waits_s)
        with self.job.lock:
            for task in self._running():
                if task.process:
                    process.stop(task.process, timeout_s=0)

    def _running(self) -> list[RunTask]:
        tasks = [task for execution in self.job.executions.values() for task in execution.tasks]
        return [task for task in tasks if task.process is not None and not task.outcome]

    def _wait(self, descriptors: list[int], at_most_s: float | None) -> None:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        try:
            for descriptor in descriptors:
                poll.register(descriptor, select.POLLIN)
            endless = at_most_s is None or at_most_s == float("inf")
            woken = poll.poll(None if endless else max(0.0, at_most_s or 0.0) * 1000)
            if any(descriptor == self._reader for descriptor, _ in woken):
                os.read(self._reader, 4096)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _look_at(self, execution: RunExecution) -> float:
        """Do what is due; return in how many seconds something else is."""
        due_s = float("inf")
        for task in execution.tasks:
            if task.outcome:
                continue
            if task.process is not None and task.process.poll() is not None:
                self._reap(execution, task)
            if execution.is_cancelled and not task.outcome:
                due_s = min(due_s, self._end(task))
            elif task.process is None and not task.outcome and not execution.is_held:
                self._start(execution, task)
        execution.end_if_over()
        return due_s

    def _start(self, execution: RunExecution, task: RunTask) -> None:
        told = {
            "CLOUD_RUN_JOB": self.job.name.rpartition("/")[2],
            "CLOUD_RUN_EXECUTION": execution.name.rpartition("/")[2],
            "CLOUD_RUN_TASK_INDEX": str(task.index),
            "CLOUD_RUN_TASK_ATTEMPT": str(task.attempt),
            "CLOUD_RUN_TASK_COUNT": str(len(execution.tasks)),
        }
        argv = [*self.job.command, *execution.arguments]
        with open_log(self.folder / f"{told['CLOUD_RUN_EXECUTION']}-task{task.index}.log") as log:
            task.process = process.spawn(argv, cwd=Path.cwd(), env=self.environment | told, stdout=log)
        execution.started_at = execution.started_at or datetime.now(UTC)

    def _reap(self, execution: RunExecution, task: RunTask) -> None:
        assert task.process is not None  # noqa: S101 - for the types
        task.exit_code = process.stop(task.process, timeout_s=0)  # and what the container left running
        task.process = None
        if execution.is_cancelled:
            task.outcome = "cancelled"
        elif task.exit_code == 0:
            task.outcome = "succeeded"
        elif task.attempt < self.job.retries:
            task.attempt += 1
        else:
            task.outcome = "failed"

    def _end(self, task: RunTask) -> float:
        """Ask the container to end, and kill it when its time is over; return how long it has."""
        if task.process is None:
            task.outcome = "cancelled"
            return float("inf")
        now = time.monotonic()
        if task.kill_at is None:
            task.kill_at = now + GRACE_S
            task.process.send_signal(signal.SIGTERM)
        elif now >= task.kill_at:
            task.process.send_signal(signal.SIGKILL)
        return max(task.kill_at - now, 0.05)
