"""A stand-in for Cloud Run Jobs on this machine: version 2 of its interface by REST, and real containers' processes.

No emulator of it exists. It keeps what the service keeps (operations, executions, tasks with their retries), starts the
job's command for each task, and fails on demand.
"""

from sandbox.cloud_run.server import CloudRun, CloudRunFailedError

__all__ = ["CloudRun", "CloudRunFailedError"]
