"""A project of every class of field, validator, constraint and index that Django has is clean beside itself."""

import sys
from pathlib import Path

import pytest

from handover_testing.drifts import every_class, versions


@pytest.mark.full
def test_every_class__of_this_django__is_known_and_clean(parent, postgres, tmp_path):
    python = Path(sys.executable)
    known = every_class.known_classes(python)
    assert len(known["fields"]) >= 38
    assert len(known["validators"]) >= 30
    project = every_class.project_of(known)
    assert every_class.said_of(postgres, tmp_path / "every", project, [python, python], parent) == []


def test_environment__no_python_for_a_version_of_django__says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(versions.NEEDED, "99.0", (3, 99))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(versions.Unavailable, match=r"Django 99\.0 needs Python 3\.99 or newer; this machine has none"):
        versions.environment(tmp_path / "django", "99.0")
    assert not (tmp_path / "django").exists()
