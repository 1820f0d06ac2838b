"""How `gunicorn` runs in this folder; the command line overrides."""

import os
import sys
from typing import Any

wsgi_app = "config.wsgi"
bind = "127.0.0.1:8000"
# Slow clients hold connections, not threads (serving/worker.py).
worker_class = "serving.worker.PatientWorker"
logger_class = "config.server_log.ServerLog"
workers = 1
threads = 32
# Beyond so many, the one that has waited longest makes room. Half of them may follow (serving/feeds.py).
worker_connections = 3000
# Shared memory instead of the disk: a stalled disk must not make a healthy worker look dead.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# No socket for remote control in the home folder.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Refuse what would hide metrics, or open too many sessions of the database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Only now: not each of gunicorn's commands has the settings.
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    try:
        from config import budget, env  # noqa: PLC0415
    except ImproperlyConfigured as error:
        sys.exit(str(error))

    if env.METRICS_BIND and server.cfg.workers > 1:
        sys.exit(
            f"METRICS_BIND is {env.METRICS_BIND} and there are {server.cfg.workers} processes, of which one alone "
            "could answer there. Start one process with more threads, or several servers with a port each."
        )
    try:
        budget.require(processes=server.cfg.workers, threads=server.cfg.threads)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def post_worker_init(worker: Any) -> None:
    """Take secret links out of the log, answer with metrics, and leave what is loaded out of the search for garbage."""
    # Only now: the modules need the settings.
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.urls import get_resolver  # noqa: PLC0415
    from gunicorn.errors import AppImportError  # noqa: PLC0415

    from apps.monitoring.metrics import serve  # noqa: PLC0415
    from config.refusals import WithoutLinks  # noqa: PLC0415
    from serving.garbage import Loaded  # noqa: PLC0415

    worker.log.access_log.addFilter(WithoutLinks())
    try:
        serve()
    except ImproperlyConfigured as error:
        raise AppImportError(str(error)) from error
    get_resolver().url_patterns  # noqa: B018 - the routes are loaded
    Loaded().begin()
