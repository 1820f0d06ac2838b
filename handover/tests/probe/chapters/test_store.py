"""A model is found by its path, whatever module its class names."""

import sys

import pytest

from handover.config.config import System
from handover.probe.client import probe

SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["kept"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "none"}}
"""
# Some packages let a project replace their class in this way.
MODELS = """
from django.db import models

def made(name):
    class Meta:
        app_label = "kept"
    body = {"__module__": "kept.factory", "Meta": Meta, "paper": models.FileField()}
    return type(name, (models.Model,), body)

Attachment = made("Attachment")

class Plain(models.Model):
    paper = models.FileField()
"""


@pytest.mark.parametrize("path", ["kept.factory.Attachment", "kept.models.Plain", "kept.Plain"])
def test_store_fields__a_model_by_its_path__is_found_without_importing_it_from_there(tmp_path, path):
    (tmp_path / "kept").mkdir()
    for name, text in {"__init__": "", "models": MODELS, "factory": ""}.items():
        (tmp_path / "kept" / f"{name}.py").write_text(text)
    (tmp_path / "stored_settings.py").write_text(SETTINGS)
    system = System(path=tmp_path, python=(sys.executable,), settings="stored_settings")
    with probe("it", system, tmp_path, act_on={}) as it:
        it.load("store")
        (field,) = it.ask("store_fields", models=[path])
    assert (field["model"], field["label"]) == (path, f"kept.{path.rpartition('.')[2]}")
