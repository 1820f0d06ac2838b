"""Workers on hosts of their own, which share the database and the bucket with the systems and nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sandbox import house, process
from sandbox.hosts import Host, hosts
from sandbox.systems import Systems


@dataclass(frozen=True)
class FarWorker:
    """A worker, its host and its log."""

    host: Host
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def workers_on_hosts(systems: Systems, folder: Path, *, number: int, **settings: object) -> Iterator[list[FarWorker]]:
    """Start a worker on each of so many hosts, with folders of their own."""
    assert systems.place.bucket
    bucket_port = urlsplit(systems.place.bucket.endpoint).port
    assert bucket_port
    with ExitStack() as stack:
        made = stack.enter_context(hosts(number, [systems.database.server.port, bucket_port]))
        workers = []
        for host in made:
            its = folder / host.name
            (its / "media").mkdir(parents=True)
            env = systems.environment("backend_app") | {
                "MEDIA_ROOT": str(its / "media"),
                "BACHATEO_CACHE": str(its / "cache"),
                "PGAPPNAME": host.name,
                **{key: str(value) for key, value in settings.items()},
            }
            log = its / "worker.log"
            command = [sys.executable, "manage.py", "procrastinate", "worker"]
            worker = host.spawn(command, cwd=house.ROOT / "backend", env=env, log=log)
            stack.callback(process.stop, worker, 0)
            workers.append(FarWorker(host, worker, log))
        yield workers
