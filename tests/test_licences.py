"""Every package that is locked has a licence that was read and may be used; what does not fit is named."""

import importlib
import re
import subprocess
from importlib.metadata import Distribution, distribution

import pytest

from sandbox import house

ROOT = house.ROOT
PAGE = ROOT / "docs" / "reference" / "licences.md"
LOCK = ROOT / "uv.lock"


@pytest.fixture
def licences(monkeypatch):
    """The program of script/licences, as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "script" / "supply"))
    return importlib.import_module("licences")


@pytest.fixture(scope="module")
def locked_packages():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "script" / "supply"))
        return importlib.import_module("lock").read_lock()


@pytest.fixture
def page(licences, locked_packages):
    """Change the page, and compare it."""

    def changed(old: str, new: str) -> str:
        text = PAGE.read_text()
        assert old in text
        there = {name: distribution(name) for name in ("av", "beatnet", "django")}
        entries = licences.read_page(text.replace(old, new, 1))
        return "\n".join(licences.troubles(entries, locked_packages, there, licences.notices()))

    return changed


def test_licences__of_this_repository__all_fit():
    done = subprocess.run([ROOT / "script" / "licences"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"licences: [1-9]\d+ packages are locked, and the licence of each may be used\.\n", done.stdout)


def test_licences__a_row_is_missing__ends_with_1(tmp_path):
    (tmp_path / "licences.md").write_text("# Licences\n")
    command = [ROOT / "script" / "licences", "--page", tmp_path / "licences.md"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "django is locked, and has no row" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("| django | BSD-3-Clause | | |\n", "", "django is locked, and has no row"),
        ("| django |", "| a-package-that-was-removed | MIT | | |\n| django |", "is locked no more. Remove the row"),
        ("| django | BSD-3-Clause |", "| django | AGPL-3.0-only |", "django: AGPL-3.0-only is not allowed"),
        ("| django | BSD-3-Clause |", "| django | SSPL-1.0 |", "django: SSPL-1.0 is not allowed"),
        ("| django | BSD-3-Clause |", "| django | GPL-3.0-or-later |", "django: GPL-3.0-or-later is not allowed"),
        ("| beatnet | CC-BY-4.0 |", "| beatnet | CC-BY-NC-4.0 |", "beatnet: CC-BY-NC-4.0 is not allowed"),
        ("| beatnet | CC-BY-4.0 |", "| beatnet | |", "beatnet: no licence is not allowed"),
        (
            "| django | BSD-3-Clause |",
            "| django | MIT |",
            "django: it says 'BSD-3-Clause' of itself, the page says MIT",
        ),
        ("x264 GPL-2.0-or-later; ", "", "av: its wheel carries the library x264, which the row does not name"),
        ("x264 GPL", "x264 AGPL", "av: its library x264 is under AGPL-2.0-or-later, which is not allowed"),
        ("opus BSD-3-Clause", "opus GPL-3.0-only", "its library opus is under GPL-3.0-only, and no NOTICE names it"),
        ("## Shipped", "## Development", "stands in the wrong section: it is shipped"),
    ],
)
def test_licences__something_does_not_fit__is_named(page, old, new, said):
    assert said in page(old, new)


def locked(licences, tmp_path, old: str, new: str) -> str:
    text = LOCK.read_text()
    assert old in text
    (tmp_path / "uv.lock").write_text(text.replace(old, new, 1))
    return "\n".join(licences.compared(PAGE, tmp_path / "uv.lock"))


def test_lock__a_new_package__needs_a_row(licences, tmp_path):
    new = '[[package]]\nname = "planted"\nversion = "1"\nsource = { registry = "x" }\n\n[[package]]\nname = "django"\n'
    told = locked(licences, tmp_path, '[[package]]\nname = "django"\n', new)
    assert "planted is locked, and has no row" in told
    assert "planted 1 is locked without a SHA-256" in told


def test_lock__an_artifact_without_a_hash__is_named(licences, tmp_path):
    hashed = next(part for part in LOCK.read_text().split('"') if part.startswith("sha256:"))
    told = locked(licences, tmp_path, hashed, "md5:0")
    assert "is locked without a SHA-256" in told


def test_package_that_says_another_licence_than_before__is_named(licences, tmp_path):
    """The installed metadata decides, so a release with another licence is seen when it is installed."""
    about = tmp_path / "planted-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: django\nVersion: 9\nLicense: GNU AGPLv3\n")
    (about / "RECORD").write_text("")
    entries = licences.read_page(PAGE.read_text())
    there = {"django": Distribution.at(about)}
    (line,) = licences.troubles(entries, licences.read_lock(), there, licences.notices())
    assert line.startswith("django: it says 'GNU AGPLv3' of itself")
