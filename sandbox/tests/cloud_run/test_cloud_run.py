"""The stand-in of Cloud Run, seen with Google's own client."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.api_core.exceptions import BadRequest, NotFound, ServiceUnavailable, TooManyRequests
from google.auth.credentials import AnonymousCredentials
from google.cloud.run_v2 import Condition, ExecutionsClient, JobsClient, TasksClient

from sandbox.cloud_run import CloudRun
from sandbox.process import wait_for_exit

# A container: it tells its variables, and does what it is asked.
PROGRAM = """
import json, os, signal, sys
told = {name: value for name, value in os.environ.items() if name.startswith("CLOUD_RUN_")}
print(json.dumps(told | {"arguments": sys.argv[1:]}), flush=True)
if sys.argv[1:] == ["wait"]:
    signal.pause()
if sys.argv[1:] == ["deaf"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pause()
if sys.argv[1:] == ["fail once"] and told["CLOUD_RUN_TASK_ATTEMPT"] == "0":
    sys.exit(3)
sys.exit(7 if sys.argv[1:] == ["fail"] else 0)
"""
LOOKS = 6_000


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> Iterator[CloudRun]:
    folder = tmp_path_factory.mktemp("run")
    with CloudRun(folder, [sys.executable, "-c", PROGRAM], cwd=Path.cwd(), environment={}, retries=1) as served:
        yield served


def client(kind: type, job: CloudRun):
    return kind(transport="rest", credentials=AnonymousCredentials(), client_options={"api_endpoint": job.url})


def run(job: CloudRun, *arguments: str, tasks: int = 1):
    overrides = {"container_overrides": [{"args": list(arguments)}], "task_count": tasks}
    return client(JobsClient, job).run_job(request={"name": job.name, "overrides": overrides}, retry=None)


def until_over(job: CloudRun, name: str):
    for _ in range(LOOKS):
        execution = client(ExecutionsClient, job).get_execution(name=name)
        if execution.completion_time:
            return execution
        assert not wait_for_exit(job.pid, 0.01)
    raise AssertionError(f"{name} does not end")


def test_run__operation_names_the_execution_and_ends_with_it(job):
    operation = run(job, "generate", "a task")
    name = operation.metadata.name
    assert name.startswith(f"{job.name}/executions/generate-")
    execution = operation.result(timeout=60)
    assert (execution.name, execution.succeeded_count, execution.failed_count) == (name, 1, 0)
    assert list(execution.template.containers[0].args) == ["generate", "a task"]
    assert execution.conditions[0].state == Condition.State.CONDITION_SUCCEEDED
    assert (datetime.now(UTC) - execution.create_time).total_seconds() < 600
    assert '"arguments": ["generate", "a task"]' in job.log_of(name)
    assert f'"CLOUD_RUN_EXECUTION": "{name.rpartition("/")[2]}"' in job.log_of(name)


def test_tasks__each_has_its_index_and_all_know_how_many_there_are(job):
    name = run(job, tasks=3).metadata.name
    assert until_over(job, name).succeeded_count == 3
    short = name.rpartition("/")[2]
    logs = [(job.folder / f"{short}-task{index}.log").read_text() for index in range(3)]
    assert all(f'"CLOUD_RUN_TASK_INDEX": "{index}"' in log for index, log in enumerate(logs))
    assert all('"CLOUD_RUN_TASK_COUNT": "3"' in log for log in logs)
    assert [task.index for task in client(TasksClient, job).list_tasks(parent=name)] == [0, 1, 2]


@pytest.mark.parametrize(("how", "good", "bad", "status"), [("fail once", 1, 0, 0), ("fail", 0, 1, 7)])
def test_task_that_fails__is_started_again_so_often_as_the_job_says(job, how, good, bad, status):
    name = run(job, how).metadata.name
    execution = until_over(job, name)
    assert (execution.succeeded_count, execution.failed_count, execution.retried_count) == (good, bad, 1)
    (task,) = client(TasksClient, job).list_tasks(parent=name)
    assert (task.retried, task.last_attempt_result.exit_code) == (1, status)
    assert job.log_of(name).count("CLOUD_RUN_TASK_ATTEMPT") == 2


@pytest.mark.parametrize("how", ["wait", pytest.param("deaf", marks=pytest.mark.full)])
def test_cancel__ends_the_container_and_one_that_is_over_cannot_be(job, how):
    name = run(job, how).metadata.name
    for _ in range(LOOKS):
        if job.log_of(name):
            break
        assert not wait_for_exit(job.pid, 0.01)
    (pid,) = job.containers(name)
    client(ExecutionsClient, job).cancel_execution(name=name)
    execution = until_over(job, name)
    assert wait_for_exit(pid, 0)
    assert (execution.cancelled_count, execution.retried_count) == (1, 0)
    with pytest.raises(BadRequest, match="is over and cannot be cancelled"):
        client(ExecutionsClient, job).cancel_execution(name=name)


def test_delete__kills_what_runs_and_the_execution_is_gone(job):
    name = run(job, "wait").metadata.name
    for _ in range(LOOKS):
        if job.log_of(name):
            break
        assert not wait_for_exit(job.pid, 0.01)
    (pid,) = job.containers(name)
    client(ExecutionsClient, job).delete_execution(name=name)
    assert wait_for_exit(pid, 0)
    with pytest.raises(NotFound):
        client(ExecutionsClient, job).get_execution(name=name)


def test_list__newest_first_and_in_pages(job):
    names = [run(job).metadata.name for _ in range(3)]
    listed = client(ExecutionsClient, job).list_executions(request={"parent": job.name, "page_size": 2})
    assert [one.name for one in listed][:3] == names[::-1]


def test_faults__are_met_once_each(job):
    before = len(job.executions())
    job.fail(refused_runs=1, failing_runs=1)
    for error in (TooManyRequests, ServiceUnavailable):
        with pytest.raises(error):
            run(job)
    assert len(job.executions()) == before
    job.fail(unsaid_runs=1)
    with pytest.raises(ServiceUnavailable):
        run(job)
    assert len(job.executions()) == before + 1
    job.fail(unstarted_runs=1)
    name = run(job).metadata.name
    until_over(job, run(job).metadata.name)
    assert (job.containers(name), job.log_of(name)) == ([], "")


def test_other_job__is_not_there(job):
    with pytest.raises(NotFound):
        client(JobsClient, job).get_job(name=f"{job.name}-of-others")
    assert client(JobsClient, job).get_job(name=job.name).name == job.name


def test_stop__takes_its_containers_with_it(tmp_path):
    with CloudRun(tmp_path, [sys.executable, "-c", PROGRAM], cwd=Path.cwd(), environment={}) as job:
        name = run(job, "wait").metadata.name
        for _ in range(LOOKS):
            if job.log_of(name):
                break
            assert not wait_for_exit(job.pid, 0.01)
        (pid,) = job.containers(name)
    assert wait_for_exit(pid, 10)
