"""The two systems whose clients are played here: as much of each as ``handover`` asks for."""

import json
import sys
from pathlib import Path

SETTINGS = """
import os
from urllib.parse import urlsplit

url = urlsplit(os.environ["{variable}"])
SECRET_KEY = "only for a trial"
INSTALLED_APPS = ["choreography"]
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/"), "USER": url.username, "PASSWORD": url.password,
        "HOST": url.hostname, "PORT": url.port, "OPTIONS": {options},
    }}
}}
USE_TZ = True
"""
MODELS = """
from django.db import models


class ChoreographyTask(models.Model):
    task_id = models.CharField(max_length=36, primary_key=True)
    status = models.CharField(max_length=20)
    progress = models.IntegerField()

    class Meta:
        db_table = "choreography_tasks"
        managed = False
"""
# By side: the variable with its URL, and the options of its sessions. The backend carries the path itself.
SIDES = {
    "original": ("ORIGINAL_URL", {}),
    "backend": ("BACKEND_URL", {"options": "-c search_path=phase1,public"}),
}
TOML = '[{side}]\npath = "{side}"\npython = [{python}]\nsettings = "settings"\n'


def write_systems(folder: Path) -> str:
    """Write both systems into a folder; return their part of ``handover.toml``."""
    for side, (variable, options) in SIDES.items():
        app = folder / side / "choreography"
        app.mkdir(parents=True)
        (app / "__init__.py").touch()
        (app / "models.py").write_text(MODELS)
        (folder / side / "settings.py").write_text(SETTINGS.format(variable=variable, options=options))
    return "".join(TOML.format(side=side, python=json.dumps(sys.executable)) for side in SIDES)
