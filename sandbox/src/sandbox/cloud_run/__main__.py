"""``python -m sandbox.cloud_run PORT JOB RETRIES FOLDER COMMAND...``: serve one job until interrupted."""

import os
import signal
import sys
from pathlib import Path

from sandbox.cloud_run.interface import serving
from sandbox.cloud_run.runner import Runner
from sandbox.cloud_run.state import RunJob

if __name__ == "__main__":
    port, name, retries, folder, *command = sys.argv[1:]
    job = RunJob(name, command, int(retries))
    # Containers are started by the main thread: they end with it.
    runner = Runner(job, Path(folder), dict(os.environ))
    signal.signal(signal.SIGTERM, lambda *_: runner.stop())
    with serving(job, runner, int(port)):
        runner.run()
