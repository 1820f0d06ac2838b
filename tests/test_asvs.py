"""Every requirement of ASVS, levels 1 and 2, is answered once, and what the answers name is there."""

from collections import Counter
from dataclasses import replace

import pytest

from sandbox import house
from tests.asvs import Entry, entries, flaws, levels, page

PAGE = house.ROOT / "docs" / "reference" / "asvs.md"
KNOWN = {"1.1.1": 1, "1.1.2": 2}
FIRST = Entry("1.1.1", "sums", ("met",), "sums.md#two-and-two", test="test_sum.py::test_sum")
SECOND = Entry("1.1.2", "more", ("open",), "all of it", severity="low")


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "sums.md").write_text("# Sums\n\n## Two and two\n")
    (tmp_path / "test_sum.py").write_text("def test_sum():\n    assert 2 + 2 == 4\n")
    return tmp_path


def test_levels__are_as_many_as_the_standard_has():
    assert Counter(levels().values()) == {1: 70, 2: 183}


def test_entries__answer_every_requirement_once_and_name_what_is_there():
    assert list(flaws(entries(), levels())) == []


def test_page__shows_them():
    assert PAGE.read_text() == page(entries(), levels()), "run script/asvs"


def test_sections_of_documents__that_are_named__are_there():
    """The proof of requirements that ask for a document: ``flaws`` looks for each file and section."""
    documents = [entry.told for entry in entries() if entry.state == "met" and entry.told.startswith("docs/")]
    assert len(documents) > 10
    assert [place for place in documents if "#" not in place] == []


def test_flaws__all_is_well__none(tree):
    assert list(flaws([FIRST, SECOND], KNOWN, tree)) == []


@pytest.mark.parametrize(
    ("planted", "flaw"),
    [
        ([FIRST], "1.1.2 is there 0 times"),
        ([FIRST, SECOND, SECOND], "1.1.2 is there 2 times"),
        ([FIRST, SECOND, replace(SECOND, ids="1.1.3")], "1.1.3: the standard has no such requirement"),
        ([replace(FIRST, states=("met", "open")), SECOND], "it has 2 of met, operator, open, not_applicable"),
        ([replace(FIRST, states=()), SECOND], "it has 0 of"),
        ([replace(FIRST, test=""), SECOND], "a test belongs to what is met"),
        ([replace(FIRST, test="test_sum.py::test_gone"), SECOND], "test_sum.py has no test test_gone"),
        ([replace(FIRST, told="gone.md"), SECOND], "gone.md is not there"),
        ([replace(FIRST, told="sums.md#three"), SECOND], "sums.md has no section three"),
        ([FIRST, replace(SECOND, severity="")], "a severity, high, medium, low, belongs to what is open"),
        ([FIRST, replace(SECOND, states=("operator",), severity="")], "a page belongs to what the operator does"),
        ([replace(SECOND, ids="1.1.1-1.1.2")], "only what does not apply may be a range"),
    ],
)
def test_flaws__planted__are_named(tree, planted, flaw):
    assert any(flaw in found for found in flaws(planted, KNOWN, tree)), list(flaws(planted, KNOWN, tree))
