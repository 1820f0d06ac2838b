"""The interface: jobs.get, jobs.run, executions.get, .list, .cancel and .delete, tasks.list, operations.get."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.cloud_run.runner import Runner
from sandbox.cloud_run.state import RunExecution, RunFaults, RunJob
from sandbox.ports import LOOPBACK

PAGE = 100
# Google's names of what HTTP's numbers mean.
STATUSES = {400: "FAILED_PRECONDITION", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
# Not Google's: what goes wrong, and the processes that run.
FAULTS, CONTAINERS = "/sandbox/faults", "/sandbox/containers"


class RunRefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def answer(self) -> dict[str, Any]:
        """Return it as Google writes it."""
        return {"error": {"code": self.status, "message": str(self), "status": STATUSES[self.status]}}


class RunRequests:
    """Answers requests on one job."""

    def __init__(self, job: RunJob, runner: Runner) -> None:
        self.job = job
        self.runner = runner

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
        """Return the answer. Raises RunRefusedError."""
        with self.job.lock:
            if path == FAULTS and method == "PUT":
                self.job.faults = RunFaults(**body)
                return asdict(self.job.faults)
            if path == CONTAINERS:
                return self._containers()
            if method == "GET" and self.job.faults.meets("failing_reads"):
                raise RunRefusedError(503, "The service is currently unavailable.")
            return self._answer(method, path.removeprefix("/v2/"), query, body)

    def _answer(self, method: str, name: str, query: dict[str, str], body: Any) -> dict[str, Any]:
        job = self.job
        if (method, name) == ("GET", job.name):
            container = {"image": "sandbox", "command": job.command}
            template = {"template": {"containers": [container], "maxRetries": job.retries}}
            return {"name": job.name, "template": template, "executionCount": len(job.executions)}
        if (method, name) == ("POST", f"{job.name}:run"):
            return self._run(body)
        if (method, name) == ("GET", f"{job.name}/executions"):
            return self._list(query)
        if method == "GET" and name in job.operations:
            return job.operation(name)
        found = re.fullmatch(r"(.+/executions/[^/:]+)(/tasks|:cancel)?", name)
        if found is None or found[1] not in job.executions:
            raise RunRefusedError(404, f"Resource {name.partition(':')[0]!r} was not found.")
        return self._of_execution(method, job.executions[found[1]], found[2] or "")

    def _of_execution(self, method: str, execution: RunExecution, rest: str) -> dict[str, Any]:
        if (method, rest) == ("GET", ""):
            return self.job.shown(execution)
        if (method, rest) == ("GET", "/tasks"):
            return {"tasks": [self.job.shown_task(execution, task) for task in execution.tasks]}
        if (method, rest) == ("POST", ":cancel"):
            if execution.ended_at is not None:
                raise RunRefusedError(400, f"Execution {execution.name!r} is over and cannot be cancelled.")
            execution.is_cancelled = True
            self.runner.wake()
        elif (method, rest) == ("DELETE", ""):
            # As by an administrator: what runs is killed, and nothing is told of it any more.
            for task in execution.tasks:
                if task.process is not None and not task.outcome:
                    task.process.kill()
                    task.process.wait()
            del self.job.executions[execution.name]
            self.runner.wake()
        else:
            raise RunRefusedError(404, f"There is no {method} of {execution.name}{rest}.")
        operation = f"{self.job.location}/operations/{execution.uid}"
        self.job.operations[operation] = execution.name
        return self.job.operation(operation)

    def _run(self, body: Any) -> dict[str, Any]:
        faults = self.job.faults
        if faults.meets("refused_runs"):
            raise RunRefusedError(429, "Quota exceeded for quota metric 'Write requests'.")
        if faults.meets("failing_runs"):
            raise RunRefusedError(503, "The service is currently unavailable.")
        overrides = body.get("overrides", {})
        arguments = [list(one.get("args", [])) for one in overrides.get("containerOverrides", [])]
        answer = self.job.run(arguments=arguments[0] if arguments else [], task_count=overrides.get("taskCount") or 1)
        self.runner.wake()
        if faults.meets("unsaid_runs"):
            raise RunRefusedError(503, "The service is currently unavailable.")
        return answer

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        newest_first = sorted(self.job.executions.values(), key=lambda one: one.created_at, reverse=True)
        start, size = int(query.get("pageToken") or 0), int(query.get("pageSize") or PAGE)
        more = {"nextPageToken": str(start + size)} if start + size < len(newest_first) else {}
        return {"executions": [self.job.shown(one) for one in newest_first[start : start + size]], **more}

    def _containers(self) -> dict[str, Any]:
        return {
            execution.name: [task.process.pid for task in execution.tasks if task.process and not task.outcome]
            for execution in self.job.executions.values()
        }


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    requests: RunRequests


class _RunHandler(BaseHTTPRequestHandler):
    server: _Http
    wbufsize = -1

    def _answer(self) -> None:
        url = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            body = json.loads(content) if content else {}
            status, answer = 200, self.server.requests.answer(self.command, unquote(url.path), query, body)
        except RunRefusedError as refusal:
            status, answer = refusal.status, refusal.answer()
        sent = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server uses
        """Keep quiet."""


@contextmanager
def serving(job: RunJob, runner: Runner, port: int) -> Iterator[None]:
    """Answer requests until the block ends."""
    http = _Http((LOOPBACK, port), _RunHandler)
    http.requests = RunRequests(job, runner)
    thread = threading.Thread(target=http.serve_forever, name="Cloud Run's interface")
    thread.start()
    try:
        yield
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
