"""Requests that a program makes of the OpenAPI document: the API does what its document says.

The long run (COMPAS_FULL=1, or ``script/bench contract``) sends more than 5,000 to every address, as two users; the
short one a few to some.
"""

import os
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from schemathesis.checks import CHECKS, load_all_checks

from sandbox.ports import LOOPBACK
from tests.generated import Person, ask, everything_of, people
from tests.generating import place_song
from tests.openapi import document
from tests.test_following import backend

FULL = os.environ.get("COMPAS_FULL") == "1"
SEED = int(os.environ.get("REQUESTS_SEED", "7"))
LONG = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", os.environ.get("REQUESTS_EACH", "30"))
ASKED_SHORTLY = "^(get_me|list_labels|create_webhook|change_me|list_tasks|get_task|change_choreography)$"
SHORT = ("--phases", "fuzzing", "--max-examples", "1", "--include-operation-id-regex", ASKED_SHORTLY)


@pytest.fixture
def server(own_database, media_root, settings, moves_library, demo_song, tmp_path):
    """Two users who have one of everything, and a server that they ask."""
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    both = list(people(demo_song))
    folder = tmp_path / "server"
    folder.mkdir()
    places = {"MOVES_LIBRARY": str(moves_library), "MEDIA_ROOT": str(media_root)}
    with backend(own_database, folder, **places) as running:
        yield f"http://{LOOPBACK}:{running.port}", both
    log = (folder / "log").read_text()
    assert "Traceback" not in log, log[-4000:]


def test_generated_requests__find_no_answer_that_the_document_does_not_tell(
    server: tuple[str, list[Person]], tmp_path: Path, record_testsuite_property
):
    url, both = server
    ana, ben = both
    found, changed = [], []
    with httpx.Client(base_url=url, timeout=60) as client:
        for asker, other in ((ana, ben), (ben, ana)) if FULL else ((ana, ben),):
            before = everything_of(other, client)
            found.append(ask(url, asker, both, tmp_path / asker.name, *(LONG if FULL else SHORT), seed=SEED))
            now = everything_of(other, client)
            changed += [
                f"{asker.name} changed {address} of {other.name}" for address in now if now[address] != before[address]
            ]
    load_all_checks()
    figures = {
        "cases": sum(one.cases for one in found),
        "operations": max(one.operations for one in found),
        "checks": len(CHECKS.get_all_names()) + 2,  # words of another user, and what another user has
        "findings": sum(one.number for one in found) + len(changed),
    }
    for name, number in figures.items():
        record_testsuite_property(name, number)
    assert figures["findings"] == 0, "\n".join([*changed, *(one.said for one in found if one.number)])
    assert figures["cases"] >= (5_000 if FULL else 7), found[0].said


@pytest.mark.parametrize("planted", ["another type", "a word of another user"])
@pytest.mark.thinned(to_one_in=2)
def test_planted__fault__is_found(server, tmp_path, planted):
    """The negative controls: a document that promises another type; an answer that says what is another user's."""
    url, (ana, ben) = server
    schemas = document()["components"]["schemas"]
    kept = schemas["Me"]["properties"]["username"]
    if planted == "another type":
        schemas["Me"]["properties"]["username"] = {"type": "integer"}
    else:
        ben = replace(ben, word="ana")
    try:
        found = ask(url, ana, [ana, ben], tmp_path / "ana", *SHORT[:4], "--include-operation-id", "get_me", seed=SEED)
    finally:
        schemas["Me"]["properties"]["username"] = kept
    assert found.number == 1, found.said
    expected = {"another type": "Response violates schema", "a word of another user": "says ana, which is another"}
    assert expected[planted] in found.said
