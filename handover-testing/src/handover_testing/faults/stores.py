"""Faults of search, storage and flows, and a small pair to plant them in: each with the code that must be found."""

import json
import random
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import psycopg

from handover.config.config import load_config
from handover.journal.evidence import recording
from handover.proof.groups import flows, search, storage
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget
from handover.side import Side
from handover_testing.drifts.projects import Project
from handover_testing.drifts.stage import Stage
from handover_testing.faults.town import IMPATIENT_WALK, STREAM, WALK, Town, town
from sandbox import template
from sandbox.postgres import Database
from sandbox.search.server import SearchServer

Group = Literal["search", "storage", "flows"]
GROUPS = {"search": search.prove, "storage": storage.prove, "flows": flows.prove}
INDEX = "moves"
DIMS = {"sound": 6, "shape": 8}
DOCUMENTS = 36
MAPPING: dict[str, Any] = {
    **{name: {"type": "dense_vector", "dims": d, "index": True, "similarity": "cosine"} for name, d in DIMS.items()},
    **{name: {"type": "keyword"} for name in ("level", "mood", "clip")},
    "quality": {"type": "float"},
}
# A system's own search; each fault changes a line of it.
OWN_SEARCH = """
import json, math, os, urllib.request

INDEX = "moves"
SIZE, FEWEST = 12, 3
WEIGHTS = {"sound": 0.7, "shape": 0.3}
FILTERS = ["level", "mood"]

def search(vectors, filters):
    wanted = {name: filters[name] for name in FILTERS if name in filters}
    found = ranked(vectors, wanted)
    for name in ("mood", "level"):
        if len(found) < FEWEST and wanted.pop(name, None):
            found = ranked(vectors, wanted)
    return found

def ranked(vectors, wanted):
    first = next(iter(vectors))
    knn = {"field": first, "query_vector": vectors[first], "k": 100, "num_candidates": 100,
           "filter": [{"term": {name: value}} for name, value in wanted.items()]}
    body = {"knn": knn, "size": 100, "_source": ["quality"], "fields": ["sound", "shape"]}
    url = os.environ["SEARCH_URL"] + "/" + INDEX + "/_search"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        hits = json.load(answer)["hits"]["hits"]
    scored = [(hit["_id"], score(vectors, hit["fields"])) for hit in hits if hit["_source"]["quality"] >= 0.5]
    return sorted(scored, key=lambda hit: (-round(hit[1], 9), hit[0]))[:SIZE]

def score(vectors, fields):
    return sum(w * (cosine(vectors[n], fields[n]) + 1) / 2 for n, w in WEIGHTS.items() if n in vectors)

def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)
"""
# A storage of a system's own; each fault fills in what it does differently.
OWN_STORAGE = """
import os, time
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

class Own(FileSystemStorage):
    def place(self, name):
        path = os.path.join(settings.MEDIA_ROOT, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

"""


@dataclass(frozen=True)
class Fault:
    """One fault: the group that must catch it, the code of the finding, and how it is planted."""

    name: str
    group: Group
    code: str
    plant: Callable[["Stand"], object]


class Stand:
    """A clean pair with an index, a folder of files and two servers, for one fault."""

    def __init__(self, stage: Stage, folder: Path, database: Database, python: list[str], server: SearchServer) -> None:
        self.stage, self.folder, self.database, self.python, self.server = stage, folder, database, python, server
        self.projects: dict[Side, Project] = {side: project.copy() for side, project in stage.pair.items()}
        self.storages: dict[Side, str] = {}
        self.searches: dict[Side, str] = dict.fromkeys(tuple(Side), OWN_SEARCH)
        self.documents = documents()
        self.mapping = {name: dict(facts) for name, facts in MAPPING.items()}
        self.walk, self.streams, self.searched = WALK, STREAM, INDEX
        self.over_http = False
        self.town: Town
        self.media = folder / "media"
        self.clips: dict[Side, Path] = dict.fromkeys(tuple(Side), folder / "clips")
        (self.media / "videos").mkdir(parents=True)
        (self.media / "videos" / "there.mp4").write_bytes(b"there")
        for document in self.documents.values():
            clip = folder / "clips" / document["clip"]
            clip.parent.mkdir(parents=True, exist_ok=True)
            clip.touch()

    def sql(self, text: str) -> None:
        """Change the database as its owner."""
        with psycopg.connect(self.database.url("owner")) as connection:
            connection.execute(text.encode())

    def proved(self, group: Group) -> Outcome:
        """Write the present pair to disk, and run a group on it."""
        self._fill_index()
        self.stage.write(self.folder, self.projects)
        for side in Side:
            settings = self.folder / side / "settings.py"
            more = f"\nCLIPS = {str(self.clips[side])!r}\n"
            if side in self.storages:
                (self.folder / side / "own_storage.py").write_text(OWN_STORAGE + self.storages[side])
                more += 'STORAGES = {"default": {"BACKEND": "own_storage.Own"}}\n'
            settings.write_text(settings.read_text() + more)
        (self.folder / "mapping.json").write_text(json.dumps({INDEX: {"mappings": {"properties": MAPPING}}}))
        (self.folder / "handover.toml").write_text(self._toml())
        config = load_config(self.folder / "handover.toml")
        target = ProofTarget(config, self.database.url("owner"), True, "small", 11, lambda _: None)
        with recording(config, "prove") as recorder:
            return GROUPS[group](target, recorder)

    def _fill_index(self) -> None:
        with httpx.Client(base_url=self.server.url) as client:
            client.delete(f"/{INDEX}")
            client.put(f"/{INDEX}", json={"mappings": {"properties": self.mapping}}).raise_for_status()
            lines = [part for name, d in self.documents.items() for part in ({"index": {"_id": name}}, d)]
            body = "".join(json.dumps(line) + "\n" for line in lines)
            answer = client.post(f"/{INDEX}/_bulk?refresh=true", content=body).json()
            assert not answer["errors"], answer

    def _toml(self) -> str:
        lines = []
        for side in Side:
            environment = self.stage.environment(side, self.database.name)
            environment |= {"MEDIA_ROOT": str(self.media), "SEARCH_URL": self.server.url}
            texts = ", ".join(f"{name} = {json.dumps(value)}" for name, value in environment.items())
            lines += [f"[{side}]", f'path = "{side}"', f"python = {json.dumps(self.python)}", 'settings = "settings"']
            lines += [f"environment = {{ {texts} }}", f'base_url = "{self.town.urls[side]}"']
            lines += ['schema = "public"'] if side == "backend" else []
        for name, model in self.stage.shape.project.models.items():
            lines += ["[[models]]", f'original = "dance.models.{name}"', f'backend = "apps.dance.models.{name}"']
            lines.append(f'table = "{model.table}"')
        lines += ["[search]", f'index = "{self.searched}"', 'url_env = "STAND_SEARCH_URL"', 'mapping = "mapping.json"']
        lines += ['vectors = { sound = "sound", shape = "shape" }']
        lines += ['filters = { level = ["easy", "hard"], mood = ["soft", "loud"] }']
        lines += ['clips = { setting = "CLIPS", field = "clip", suffix = ".mp4" }']
        for side in Side:
            lines += [f"[search.{side}]", f"code = '''{self.searches[side]}'''"]
        if self.over_http:
            lines[-1] = "\n".join(
                [
                    'path = "/search"',
                    'json = { sound = "{sound}", shape = "{shape}", level = "{level}", mood = "{mood}" }',
                    'hits = "found"\nid = "name"\nscore = "score"',
                ]
            )
        return "\n".join([*lines, "[storage]", 'folders = ["videos/"]', self.walk, self.streams])


@contextmanager
def stand(stage: Stage, folder: Path, python: list[str], server: SearchServer, patch: Any) -> Iterator[Stand]:
    """Give a clean stand; ``patch`` is pytest's, or has its ``setenv``."""
    with template.clone(stage.server, stage.database) as database, town() as both:
        made = Stand(stage, folder, database, python, server)
        made.town = both
        both.files = made.media / "videos"
        both.writes = lambda by: made.sql(f"UPDATE dance_tasks SET error = '{by}'")  # noqa: S608 - a name of the flow
        both.finds = lambda asked: found_by(OWN_SEARCH, server.url, asked)
        patch.setenv("STAND_SEARCH_URL", server.url)
        made.sql("UPDATE dance_videos SET path = 'videos/there.mp4'")
        yield made
        shutil.rmtree(folder)


def found_by(code: str, url: str, asked: dict[str, Any]) -> list[dict[str, object]]:
    """Answer ``POST /search`` with a system's own search."""
    names: dict[str, Any] = {}
    exec(code.replace('os.environ["SEARCH_URL"]', repr(url)), names)  # noqa: S102 - the fixture's own
    vectors = {name: asked[name] for name in DIMS if asked[name]}
    filters = {name: asked[name] for name in ("level", "mood") if asked[name]}
    return [{"name": name, "score": score} for name, score in names["search"](vectors, filters)]


def documents() -> dict[str, dict[str, Any]]:
    """Return documents of few kinds, so that their vectors are no noise; every sixth repeats the one before."""
    rng = random.Random(3)  # noqa: S311 - reproducible
    kinds = {name: [[rng.gauss(0.2, 1) for _ in range(d)] for _ in range(2)] for name, d in DIMS.items()}
    made: dict[str, dict[str, Any]] = {}
    for number in range(DOCUMENTS):
        weights = [rng.gauss(0, 1) for _ in range(2)]
        mixed = {
            n: [sum(w * k[i] for w, k in zip(weights, kind, strict=True)) for i in range(DIMS[n])]
            for n, kind in kinds.items()
        }
        last = list(made.values())[-1] if made else {}
        vectors = {name: last[name] for name in DIMS} if number % 6 == 5 else mixed
        made[f"m{number:02}"] = {
            **vectors,
            "level": ("easy", "easy", "hard")[number % 3],
            # Two are hard and loud: fewer than a search is content with.
            "mood": "loud" if number % 18 == 2 or number % 6 == 1 else "soft",
            "quality": (1.0, 0.5, 0.49, 0.8)[number // 2 % 4],
            "clip": f"g{number % 2}/m{number:02}.mp4",
        }
    return made


# --- planting


def changed_search(old: str, new: str, side: Side = "backend") -> Callable[[Stand], object]:
    """Change a line of one system's own search."""

    def plant(stand: Stand) -> None:
        assert old in stand.searches[side]
        stand.searches[side] = stand.searches[side].replace(old, new)

    return plant


def changed_documents(change: Callable[[dict[str, dict[str, Any]]], object]) -> Callable[[Stand], object]:
    return lambda stand: change(stand.documents)


def unchecked(change: Callable[[dict[str, dict[str, Any]]], object]) -> Callable[[Stand], object]:
    """Change documents past the server's checks, as an index without checks would hold them."""

    def plant(stand: Stand) -> None:
        fill = stand._fill_index

        def filled() -> None:
            fill()
            held = stand.server._http.requests.indices[INDEX]
            change(held.searchable)

        stand._fill_index = filled  # type: ignore[method-assign]

    return plant


def own_storage(body: str, *sides: Side) -> Callable[[Stand], object]:
    """Give systems a storage of their own; by default only the backend."""
    return lambda stand: stand.storages.update(dict.fromkeys(sides or ("backend",), body))


def misbehaving(side: Side, what: str) -> Callable[[Stand], object]:
    return lambda stand: stand.town.wrong[side].add(what)


def never_completes(stand: Stand) -> None:
    stand.walk = IMPATIENT_WALK
    stand.town.wrong["original"].add("never")


def set_all(documents: dict[str, dict[str, Any]], name: str, value: Callable[[], list[float]]) -> None:
    for document in documents.values():
        document[name] = value()


def upload_elsewhere(stand: Stand) -> None:
    stand.projects["backend"].models["Video"].fields["path"].options["upload_to"] = "'clips/%Y/'"


def no_server(stand: Stand) -> None:
    stand.town.urls = {**stand.town.urls, "backend": "http://127.0.0.1:1"}


def elsewhere(stand: Stand) -> None:
    for wrong in stand.town.wrong.values():
        wrong.add("elsewhere")


def index_gone(stand: Stand) -> None:
    stand.searched = "moves-of-last-year"


def noise(documents: dict[str, dict[str, Any]]) -> None:
    rng = random.Random(5)  # noqa: S311 - reproducible
    set_all(documents, "shape", lambda: [rng.gauss(0, 1) for _ in range(DIMS["shape"])])


def other_dims(stand: Stand) -> None:
    stand.mapping["shape"]["dims"] = 9
    for document in stand.documents.values():
        document["shape"] = [*document["shape"], 0.1]


def clips_elsewhere(stand: Stand) -> None:
    stand.clips["backend"] = stand.folder / "other"
    shutil.copytree(stand.folder / "clips", stand.folder / "other")
    (stand.folder / "other" / "g0" / "m00.mp4").unlink()


def index_apart(stand: Stand) -> None:
    """Let the backend search an index of its own, with one more document."""
    changed_search('INDEX = "moves"', 'INDEX = "moves-2"')(stand)
    fill = stand._fill_index

    def filled() -> None:
        fill()
        indices = stand.server._http.requests.indices
        copy = type(indices[INDEX])("moves-2", {"properties": stand.mapping})
        copy.documents = {**indices[INDEX].documents, "zz": indices[INDEX].documents["m01"]}
        copy.refresh()
        indices["moves-2"] = copy

    stand._fill_index = filled  # type: ignore[method-assign]


PREFIXED = """
    def _save(self, name, content):
        return super()._save("media/" + name, content).removeprefix("media/")
"""
OTHER_PLACE = """
    base_location = location = settings.MEDIA_ROOT + "-2"
"""
CAPITALS = """
    def _open(self, name, mode="rb"):
        if name != name.lower():
            raise FileNotFoundError(name)
        return super()._open(name, mode)
"""
LAST_BYTE = """
    def _save(self, name, content):
        return super()._save(name, ContentFile(content.read()[:-1] + b"?"))
"""
SIGNED = """
    def url(self, name):
        return super().url(name) + "?signature=1"
"""
OVERWRITING = """
    def get_available_name(self, name, max_length=None):
        return name

    def _save(self, name, content):
        open(self.place(name), "wb").write(content.read())
        return name
"""
LOWER_NAMES = """
    def get_valid_name(self, name):
        return super().get_valid_name(name).lower()
"""
LOWER_FILES = """
    def _save(self, name, content):
        return super()._save(name.lower(), content)
"""
KEEPING = """
    def delete(self, name):
        pass
"""
HIDING = """
    def listdir(self, path):
        folders, names = super().listdir(path)
        return [folder for folder in folders if folder != "videos"], names
"""
TYPED = """
    content_type = "text/plain"

    @property
    def bucket(self):
        return self

    def get_blob(self, name):
        return self
"""
# Both look whether the name is free and write a moment later, as a slow network makes it.
LOOKING = """
    def _save(self, name, content):
        while os.path.exists(self.place(name)):
            name = self.get_alternative_name(*os.path.splitext(name))
        time.sleep(0.02)
        open(self.place(name), "wb").write(content.read())
        return name
"""
RAISING = """
    def _save(self, name, content):
        raise PermissionError("the bucket is read-only")
"""
RANKING = "(-round(hit[1], 9), hit[0])"
NAN = f"return [(name, math.nan) for name, _ in sorted(scored, key=lambda hit: {RANKING})[:SIZE]]"


def lose_a_file(stand: Stand) -> None:
    video = "SELECT id FROM dance_videos LIMIT 1"
    stand.sql(f"UPDATE dance_videos SET path = 'videos/gone.mp4' WHERE id = ({video})")  # noqa: S608


def of_search(name: str, code: str, plant: Callable[[Stand], object]) -> Fault:
    return Fault(name, "search", code, plant)


def of_storage(name: str, code: str, plant: Callable[[Stand], object]) -> Fault:
    return Fault(name, "storage", code, plant)


def of_flows(name: str, code: str, plant: Callable[[Stand], object]) -> Fault:
    return Fault(name, "flows", code, plant)


SEARCH = (
    of_search("re-ranked search", "HO345", changed_search("(-round(hit", "(round(hit")),
    of_search("ties in another order", "HO345", changed_search("hit[0]))[:", "[-ord(c) for c in hit[0]]))[:")),
    of_search("missing filter", "HO344", changed_search('["level", "mood"]', '["level"]')),
    of_search("size other", "HO344", changed_search("FEWEST = 12", "FEWEST = 11")),
    of_search("fall-back missing", "HO344", changed_search("if len(found) < FEWEST", "if False", "original")),
    of_search("quality just below is let through", "HO344", changed_search(">= 0.5", ">= 0.49")),
    of_search(
        "score rounded", "HO346", changed_search("vectors)\n\ndef cosine", "vectors) // 1e-4 / 1e4\n\ndef cosine")
    ),
    of_search("score is NaN", "HO346", changed_search(f"return sorted(scored, key=lambda hit: {RANKING})[:SIZE]", NAN)),
    of_search("search raises", "HO343", changed_search("    knn = {", "    raise LookupError('none')\n    knn = {")),
    of_search("another index", "HO347", index_apart),
    of_search("index gone", "HO341", index_gone),
    of_search("mapping has other dims", "HO342", other_dims),
    of_search("mapping has a field more", "HO342", lambda stand: stand.mapping.update(extra={"type": "text"})),
    of_search("mapping has another type", "HO342", lambda stand: stand.mapping["mood"].update(type="text")),
    of_search("vector of another length", "HO348", unchecked(lambda d: d["m03"].update(shape=[1.0, 2.0]))),
    of_search("zero vector", "HO349", unchecked(lambda d: d["m07"].update(shape=[0.0] * 8))),
    of_search("all-equal vectors", "HO350", changed_documents(lambda d: set_all(d, "shape", lambda: [1.0, 2.0] * 4))),
    of_search("vectors are noise", "HO351", changed_documents(noise)),
    of_search("document without clip", "HO352", lambda stand: (stand.folder / "clips/g1/m05.mp4").unlink()),
    of_search("clip without document", "HO353", lambda stand: (stand.folder / "clips/g1/new.mp4").touch()),
    of_search("clips in another folder", "HO354", clips_elsewhere),
)
STORAGE = (
    of_storage("capitals are not found", "HO361", own_storage(CAPITALS)),
    of_storage("path prefix", "HO361", own_storage(PREFIXED)),
    of_storage("other bucket", "HO375", own_storage(OTHER_PLACE)),
    of_storage("last byte lost", "HO362", own_storage(LAST_BYTE)),
    of_storage("address differs", "HO363", own_storage("    base_url = '/files/'")),
    of_storage("address signed by one", "HO363", own_storage(SIGNED)),
    of_storage("overwritten file", "HO364", own_storage(OVERWRITING)),
    of_storage("upload_to changed", "HO365", upload_elsewhere),
    of_storage("names lower-cased", "HO365", own_storage(LOWER_NAMES)),
    of_storage("names lower-cased while saving", "HO365", own_storage(LOWER_FILES)),
    of_storage("delete leaves the object", "HO366", own_storage(KEEPING, "original", "backend")),
    of_storage("listing hides a folder", "HO368", own_storage(HIDING)),
    of_storage("type differs", "HO369", own_storage(TYPED)),
    of_storage("dangling row", "HO370", lose_a_file),
    of_storage("orphan object", "HO371", lambda stand: (stand.media / "videos/orphan.mp4").touch()),
    of_storage("look, then write", "HO372", own_storage(LOOKING, "original", "backend")),
    of_storage("saving raises", "HO374", own_storage(RAISING)),
    of_storage("range ignored", "HO367", misbehaving("original", "range")),
    of_storage("content type of a page", "HO367", misbehaving("backend", "type")),
    of_storage("other bytes streamed", "HO367", misbehaving("backend", "bytes")),
    of_storage("no streaming described", "HO367", lambda stand: setattr(stand, "streams", "")),
)
FLOWS = (
    of_flows("status changed", "HO403", misbehaving("backend", "status")),
    of_flows("cookie not accepted", "HO403", misbehaving("backend", "cookie")),
    of_flows("range not known", "HO403", misbehaving("original", "range")),
    of_flows("poll never completes", "HO404", never_completes),
    of_flows("field missing", "HO405", misbehaving("backend", "field")),
    of_flows("type of a page", "HO405", misbehaving("original", "type")),
    of_flows("other bytes", "HO405", misbehaving("backend", "bytes")),
    of_flows("hangs up", "HO406", misbehaving("original", "hang up")),
    of_flows("system not running", "HO401", no_server),
    of_flows("system on another database", "HO402", elsewhere),
)
FAULTS = (*SEARCH, *STORAGE, *FLOWS)


def played(stage: Stage, folder: Path, python: list[str], server: SearchServer, patch: Any, fault: Fault) -> Outcome:
    """Plant one fault in a clean stand and run its group."""
    place = folder / secrets.token_hex(4)
    with stand(stage, place, python, server, patch) as clean:
        fault.plant(clean)
        return clean.proved(fault.group)
