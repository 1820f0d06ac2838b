"""Static files as production has them: compressed, with names that change with their content, kept for ever."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from posixpath import dirname, join, normpath

import brotli
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config.collected import require_collected
from sandbox import house

BACKEND = Path(__file__).resolve().parent.parent
NAMED = re.compile(r"""(?:src|href)="(/static/[^"]+)"|<i data-word="code-\w+">(/static/[^<]+)<""")
IMPORTED = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.[^"']+)["']""")
FOR_EVER = "max-age=315360000, public, immutable"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What collectstatic writes."""
    made = tmp_path_factory.mktemp("static")
    house.collect_static(made)
    return made


@pytest.fixture
def collected(folder, settings) -> Path:
    """The settings of a server with STATIC_ROOT."""
    settings.STATIC_ROOT = str(folder)
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "config.collected.CollectedFiles"}}
    return folder


def files_of(html: str) -> set[str]:
    return {one or other for one, other in NAMED.findall(html)}


def test_files_of_a_page__are_compressed_and_kept_for_ever(db, collected):
    names = files_of(Client().get("/login").content.decode())
    assert {re.sub(r"\.[0-9a-f]{12}", "", name) for name in names} >= {
        "/static/web/compas.css",
        "/static/web/network.js",
    }
    for name in names:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", name), name
        whole = Client().get(name)
        assert (whole.status_code, whole["Cache-Control"]) == (200, FOR_EVER)
        text = whole.getvalue()
        sizes = [len(text)]
        # Over TLS, browsers take brotli, too.
        for kind, taken, unpack in (("gzip", "gzip, deflate", gzip.decompress), ("br", "gzip, br", brotli.decompress)):
            packed = Client().get(name, headers={"Accept-Encoding": taken})
            assert (packed["Content-Encoding"], packed["Vary"]) == (kind, "Accept-Encoding")
            body = packed.getvalue()
            assert unpack(body) == text
            sizes.append(len(body))
        assert sizes[2] < sizes[1] < 0.8 * sizes[0], name


def test_scripts__load_each_other_by_names_that_are_kept_for_ever(db, collected):
    """Also those of the practice room that are fetched later; one by its plain name would be there twice."""
    room = (BACKEND / "web/templates/web/_room.html").read_text()
    later = re.findall(r"{% static '(web/practice/\w+\.js)' %}", room)
    assert len(later) == 5
    first = {
        f"/static/{name}" for name in manifest(collected, "web/player.js", "web/network.js", "web/share.js", *later)
    }
    seen, ahead = set(), list(first)
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        answer = Client().get(name)
        assert (answer.status_code, answer["Cache-Control"]) == (200, FOR_EVER), name
        ahead += [normpath(join(dirname(name), other)) for other in IMPORTED.findall(answer.getvalue().decode())]
    sources = {path.name for path in (BACKEND / "web/static/web").rglob("*.js")}
    sources.add("htmx-2.min.js")
    assert {re.sub(r"\.[0-9a-f]{12}", "", name.rsplit("/", 1)[1]) for name in seen} == sources
    assert len(seen) == len(sources), "one script under two names would run twice"


def manifest(folder: Path, *names: str) -> list[str]:
    paths = json.loads((folder / "staticfiles.json").read_text())["paths"]
    return [paths[name] for name in names]


def test_page__without_a_folder__has_plain_names_that_are_kept_for_a_minute(db):
    names = files_of(Client().get("/login").content.decode())
    assert "/static/web/compas.css" in names
    assert [name for name in names if re.search(r"\.[0-9a-f]{12}\.", name)] == []


@pytest.mark.full
def test_folder__as_collectstatic_left_it__is_taken(collected):
    require_collected(str(collected))
    require_collected(None)


@pytest.mark.full
def test_folder__of_another_version__is_refused_and_mended_by_collectstatic(folder, tmp_path):
    """Also where the other version's file is newer than ours, as after a way back."""
    older = Path(shutil.copytree(folder, tmp_path / "static"))
    file = older / "web" / "compas.css"
    file.write_text(file.read_text() + "/* of another version */")
    os.utime(file, (4e9, 4e9))
    with pytest.raises(
        ImproperlyConfigured, match=r"web/compas\.css is not there as this version has it\. Run `python"
    ):
        require_collected(str(older))
    house.collect_static(older)
    require_collected(str(older))


def test_server__with_an_empty_folder__does_not_start_and_says_what_to_do(tmp_path):
    env = house.system_environment(database_url="postgresql://x@127.0.0.1:1/x", media=tmp_path, secret_key="x" * 50)
    done = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"],
        cwd=BACKEND,
        env=env | {"STATIC_ROOT": str(tmp_path / "static")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Run `python manage.py collectstatic --noinput` with the same STATIC_ROOT" in done.stderr
