"""Workers of this machine, each a process of its own; one that ends is started again."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.generation import cores
from apps.jobs.queues import QUEUES
from bachateo import machine
from config import env
from config.numbers import whole_number

log = logging.getLogger(__name__)

# One that cannot start, because its database is away, is not started again more often than this.
AGAIN_AFTER_S = 2.0
MOST = 100
# One that hangs does not hear that it is to end. Longer than the time that it gets for its video.
KILLED_AFTER_S = settings.PROCRASTINATE_WORKER_DEFAULTS["shutdown_graceful_timeout"] + 10.0
COMMAND = ("procrastinate", "worker")


class Command(BaseCommand):
    help = (
        "Runs workers, each a process: a song that makes one of them hang or die takes nothing from the others. SIGTERM"
        " lets each finish its video for a while."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=whole_number, default=1, help="so many at once (default %(default)s)")
        parser.add_argument(
            "--queue", nargs="+", choices=QUEUES, metavar="NAME", help=f"serve these alone, of {', '.join(QUEUES)}"
        )

    def handle(self, *_args: Any, concurrency: int, queue: Sequence[str] | None, **_options: Any) -> None:
        if concurrency > MOST:
            raise CommandError(
                f"--concurrency is {concurrency}; one command runs at most {MOST} workers, of about 150 MB each. More "
                "than the cores make no more videos: start them on other machines."
            )
        last = int(settings.METRICS_BIND.rpartition(":")[2] or 0) + concurrency - 1
        if last > env.LAST_PORT:
            raise CommandError(
                f"METRICS_BIND is {settings.METRICS_BIND}, and each of {concurrency} workers needs a port, up to "
                f"{last}; ports end at {env.LAST_PORT}. Lower one of them."
            )
        Crew(concurrency, queue or ()).run()


class Crew:
    """So many processes, each kept by a thread; they serve all queues unless some are named."""

    def __init__(self, number: int, queues: Sequence[str] = ()) -> None:
        self.number = number
        self.command = (*COMMAND, "--queues", ",".join(queues)) if queues else COMMAND
        # They end with this process, however that ends.
        self.environment = {"WORKER_CREW": str(os.getpid())}
        self.cores: list[int] = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.running: set[subprocess.Popen[bytes]] = set()

    def run(self) -> None:
        """Keep them until this process is asked to end."""
        if self.number > machine.number_of_cores():
            self.cores = cores.share()
            self.environment["WORKER_CORES"] = ",".join(map(str, self.cores))
        self._run()

    def _run(self) -> None:
        threads = [threading.Thread(target=self._keep, args=(place,)) for place in range(self.number)]
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _keep(self, place: int) -> None:
        while not self.over.is_set():
            try:
                worker = self._start(place)
            except OSError as error:  # as when there is no memory for another process
                log.error("worker %s was not started, which is tried again: %s", place, error)  # noqa: TRY400 - said whole
                self.over.wait(AGAIN_AFTER_S)
                continue
            if self.over.is_set():  # the signal came in between
                worker.terminate()
            status = worker.wait()
            with self.lock:
                self.running.discard(worker)
            if not self.over.is_set():
                log.warning("worker %s ended with status %s; it is started again", place, status)
                self.over.wait(AGAIN_AFTER_S)

    def _start(self, place: int) -> subprocess.Popen[bytes]:
        with self.lock:
            worker = subprocess.Popen(
                [sys.executable, sys.argv[0], *self.command],
                env=_environment(place) | self.environment,
                pass_fds=self.cores,
            )
            self.running.add(worker)
        return worker

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        if not self.over.is_set():
            late = threading.Timer(KILLED_AFTER_S, self._kill)
            late.daemon = True
            late.start()
        self.over.set()
        for worker in list(self.running):
            worker.terminate()

    def _kill(self) -> None:
        with self.lock:
            for worker in self.running:
                log.error("worker process %s has not ended; it is killed, and its video is begun again", worker.pid)
                worker.kill()


def _environment(place: int) -> dict[str, str]:
    """Return the environment of a worker: each tells its metrics on a port of its own."""
    host, _, port = settings.METRICS_BIND.rpartition(":")
    return env.of_a_child(**({"METRICS_BIND": f"{host}:{int(port) + place}"} if port else {}))
