"""gunicorn's settings for tests: the worker of production, with limits from the environment."""

import json
import os

from serving.patience import Patience
from serving.worker import PatientWorker


class TestedWorker(PatientWorker):
    patience = Patience(**json.loads(os.environ["PATIENCE"]))


wsgi_app = "tests.tiny:application"
worker_class = TestedWorker
worker_tmp_dir = "/dev/shm"  # noqa: S108 - as in production
control_socket_disable = True
threads = 4
