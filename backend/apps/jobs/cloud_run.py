"""Executions of a Cloud Run job. Each makes the video of one task: its container runs `manage.py generate TASK`.

Only this module calls Google's client, by REST: it works through every proxy, and needs no threads of its own.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from google.cloud.run_v2 import ExecutionsClient, JobsClient

log = logging.getLogger(__name__)

COMMAND = "generate"
# A user waits for the answer; what fails is tried again by a sweep.
TIMEOUT_S = 10.0
PAGE = 100


class CloudRunError(OSError):
    """Cloud Run could not be reached, or it refused."""


@dataclass(frozen=True)
class Execution:
    """One execution, as it was when it was read."""

    name: str
    task_id: str
    created_at: datetime
    is_over: bool


def is_used() -> bool:
    """Return whether jobs run there."""
    return settings.JOBS == "cloud-run"


def name_of_own() -> str | None:
    """Return the full name of the execution that this process is a part of; None outside of Cloud Run."""
    return f"{settings.RUN_JOB}/executions/{settings.EXECUTION}" if settings.EXECUTION else None


def is_name(name: str | None) -> bool:
    """Return whether this is the name of an execution of the configured job."""
    return bool(name) and str(name).startswith(f"{settings.RUN_JOB}/executions/")


def start(task_id: str) -> str:
    """Start an execution for a task; return its name. Raises CloudRunError.

    It may have been started also if this raises: the answer may be lost.
    """
    overrides = {"container_overrides": [{"args": [COMMAND, task_id]}], "task_count": 1}
    with _raising():
        # Never sent twice: each request is an execution.
        operation = _jobs().run_job(
            request={"name": settings.RUN_JOB, "overrides": overrides}, retry=None, timeout=TIMEOUT_S
        )
        return str(operation.metadata.name)


def cancel(name: str) -> None:
    """Cancel an execution; one that is over or gone is no error. Raises CloudRunError."""
    from google.api_core.exceptions import BadRequest, NotFound  # noqa: PLC0415 - see _jobs

    with _raising():
        try:
            _executions().cancel_execution(name=name, retry=None, timeout=TIMEOUT_S)
        except (BadRequest, NotFound):
            log.info("%s is over or gone: nothing is cancelled", name)


def executions(*, since: datetime) -> list[Execution]:
    """Return the executions that were made since then, the newest first. Raises CloudRunError."""
    found = []
    with _raising():
        # By the interface's documentation they come ordered by their creation, the newest first.
        pages = _executions().list_executions(
            request={"parent": settings.RUN_JOB, "page_size": PAGE}, timeout=TIMEOUT_S, retry=None
        )
        for one in pages:
            if one.create_time < since:
                break
            found.append(_read(one))
    return [one for one in found if one.task_id]


def is_there(name: str) -> bool:
    """Return whether there is such an execution, over or not. Raises CloudRunError."""
    from google.api_core.exceptions import NotFound  # noqa: PLC0415 - see _jobs

    with _raising():
        try:
            _executions().get_execution(name=name, timeout=TIMEOUT_S, retry=None)
        except NotFound:
            return False
    return True


def check(*, timeout_s: float) -> None:
    """Raise CloudRunError unless the job is there."""
    with _raising():
        _jobs().get_job(name=settings.RUN_JOB, timeout=timeout_s, retry=None)


def _read(one: Any) -> Execution:
    arguments = list(one.template.containers[0].args) if one.template.containers else []
    task_id = arguments[1] if arguments[:1] == [COMMAND] and len(arguments) == 2 else ""  # noqa: PLR2004
    return Execution(one.name, task_id, one.create_time, is_over=bool(one.completion_time))


@contextmanager
def _raising() -> Iterator[None]:
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415 - see _jobs
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        raise CloudRunError(f"Cloud Run ({settings.RUN_API_ENDPOINT}): {error}") from error


# Imported when they are called: the client takes a second to load, which most processes never need.
def _jobs() -> "JobsClient":
    from google.cloud.run_v2 import JobsClient  # noqa: PLC0415

    client: JobsClient = _client(JobsClient, settings.RUN_API_ENDPOINT)
    return client


def _executions() -> "ExecutionsClient":
    from google.cloud.run_v2 import ExecutionsClient  # noqa: PLC0415

    client: ExecutionsClient = _client(ExecutionsClient, settings.RUN_API_ENDPOINT)
    return client


@cache
def _client(kind: Any, endpoint: str) -> Any:
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415

    # Plain HTTP means a stand-in for tests: it needs no credentials, and none may be sent to it.
    anonymous = AnonymousCredentials() if endpoint.startswith("http://") else None  # type: ignore[no-untyped-call]
    return kind(transport="rest", credentials=anonymous, client_options={"api_endpoint": endpoint})
