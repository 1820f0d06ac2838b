"""Search, storage and flows of a small pair: a clean pair is green, and every planted fault is found by its code."""

import re
from collections.abc import Iterator

import pytest

from handover.proof.outcome import Outcome
from handover_testing.faults.stores import FAULTS, Stand, played, stand
from sandbox.search.server import SearchServer


@pytest.fixture(scope="session")
def server() -> Iterator[SearchServer]:
    with SearchServer() as running:
        yield running


@pytest.fixture
def clean(stage, tmp_path, python, server, monkeypatch) -> Iterator[Stand]:
    with stand(stage, tmp_path / "pair", python, server, monkeypatch) as made:
        yield made


def told(outcome: Outcome) -> list[str]:
    return [str(failure.finding) for failure in outcome.failures]


@pytest.mark.parametrize("group", ["search", "storage", pytest.param("flows", marks=pytest.mark.full)])
def test_prove__clean_pair__finds_nothing_and_compared_everything(clean: Stand, group):
    outcome = clean.proved(group)
    assert told(outcome) == []
    assert outcome.empty == ()


@pytest.mark.full
def test_prove__search_asked_over_http_and_by_code__is_the_same(clean: Stand):
    clean.over_http = True
    outcome = clean.proved("search")
    assert told(outcome) == []
    assert outcome.counts["hits"] > 0


# One fault of each code, and words of its finding; `script/bench prove-mutants` plants all.
SAID = {
    "HO345": "order of .* has m.. at place 1 in the original and m.. in the backend",
    "HO344": "ids of .* differ: only the .* finds .*Compare the filters",
    "HO346": "scores of .* differ: m.. has 0.* in the original and .* they may differ by 1e-06",
    "HO343": "is answered by the backend with LookupError: none; hits were expected",
    "HO347": "answers with 1 id that the index does not have \\(zz\\); both search the one index",
    "HO341": "the index moves-of-last-year could not be read: GET /moves-of-last-year/_mapping gave 404",
    "HO342": "moves.shape is .*dims 9.* in the index; the contract says dims 8",
    "HO348": "shape has another length in 1 document \\(for example m03\\); the mapping says 8",
    "HO349": "shape is zero or not finite in 1 document \\(for example m07\\)",
    "HO350": "shape is the same vector in all 36 documents",
    "HO351": "shape is noise: no two of 36 documents are more alike.*mean pairwise cosine",
    "HO352": "have no clip: 1 document of 36 \\(m05\\)",
    "HO353": "have no document: 1 file of 37 \\(g1/new.mp4\\)",
    "HO354": "are not the same in both systems: 1 file \\(g0/m00.mp4\\)",
    "HO361": "saved by the .*, which the .* does not find; it says",
    "HO375": "keeps its files in two places: the original in '.*' and the backend in '.*'; neither system finds",
    "HO362": "saved by the backend with 1 bytes; the original reads 1; the bytes differ",
    "HO363": "leads to .* in the original and to /files/.* in the backend",
    "HO364": "loses 'videos/.*' of the .* when the .* saves another file of that name",
    "HO365": "calls a new file 'videos/.*' in the original and 'clips/.*' in the backend",
    "HO366": "which the .* deleted; it is still found by the original and the backend",
    "HO368": "is listed differently: only the original lists .*videos/",
    "HO369": "has type text/plain in the backend and None in the original|has type None in the original and text/plain",
    "HO370": "names 1 file of 2 that the storage does not list \\(videos/gone.mp4\\)",
    "HO371": "holds 1 file that no row names \\(videos/orphan.mp4\\)",
    "HO372": "lost .* that several processes saved as 'handover-race",
    "HO374": "was not compared: PermissionError: the bucket is read-only",
    "HO367": "fails on the original: line .*: fetch a part, on the original, answered 200; 206 was expected",
    "HO403": "fails in line .*: log in, on the backend, answered 500; 302 was expected",
    "HO404": "fails in line .*: wait there, on the original, did not come to an end",
    "HO405": "fails in line .*: write, on the backend, has nothing at done; it must be there",
    "HO406": "fails in line .*: write, on the original, did not answer: RemoteProtocolError",
    "HO401": "the backend does not answer at http://127.0.0.1:1 \\(ConnectError\\); no flow was run",
    "HO402": r"walk left no row with its \{run\} in any mapped table after a run on the .*: it uses another database",
}
FIRST = {fault.code: fault for fault in reversed(FAULTS)}
BRIEFLY = ("HO345", "HO364", "HO405")  # one of each group


def test_faults__of_every_code__are_in_the_table():
    assert FIRST.keys() == SAID.keys()


def test_prove__two_storages_in_two_places__is_reported_once(stage, tmp_path, python, server, monkeypatch):
    outcome = played(stage, tmp_path, python, server, monkeypatch, FIRST["HO375"])
    assert [f.finding.code for f in outcome.failures] == ["HO375"], told(outcome)
    assert outcome.counts == {"files": 2}


@pytest.mark.parametrize("code", [c if c in BRIEFLY else pytest.param(c, marks=pytest.mark.full) for c in SAID])
def test_prove__planted_fault__is_found_with_code_and_words(stage, tmp_path, python, server, monkeypatch, code: str):
    outcome = played(stage, tmp_path, python, server, monkeypatch, FIRST[code])
    findings = [str(f.finding) for f in outcome.failures if f.finding.code == code]
    assert findings, told(outcome)
    assert any(re.search(SAID[code], text, re.DOTALL) for text in findings), findings
