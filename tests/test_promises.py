"""Every promise names a test and a fault that are there; only a test that fails with the fault is a proof."""

import subprocess
import sys
from dataclasses import replace

import pytest

from sandbox import house
from tests.promises import Fault, NoPromiseError, Promise, flaws, judged, outcome, page, promises, with_words

PAGE = house.ROOT / "docs" / "reference" / "promises.md"
SUM = Promise("Sums", "Two and two are four.", "test_sum.py::test_sum", Fault("sums.py", "a + b", "a - b"))


@pytest.fixture
def tree(tmp_path):
    """A product of one function, with a test that runs where it lies."""
    (tmp_path / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "test_sum.py").write_text("import sums\n\n\ndef test_sum():\n    assert sums.add(2, 2) == 4\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = -p no:sandbox -p no:django\n")
    return tmp_path


def test_promises__of_this_repository__name_tests_and_faults_that_are_there():
    assert [(promise.says, flaw) for promise in promises() for flaw in flaws(promise)] == []
    assert len({promise.says for promise in promises()}) == len(promises())


def test_promises__page__shows_them():
    assert PAGE.read_text() == page(promises()), "run script/promises"


@pytest.mark.parametrize(
    ("promise", "flaw"),
    [
        (replace(SUM, test="gone.py::test_sum"), "gone.py is not there"),
        (replace(SUM, test="test_sum.py::test_gone"), "test_sum.py has no test test_gone"),
        (replace(SUM, fault=Fault("gone.py", "a", "b")), "gone.py is not there"),
        (replace(SUM, fault=Fault("sums.py", "a * b", "a")), "has the text 'a * b' 0 times"),
        (replace(SUM, fault=Fault("sums.py", "b", "a")), "has the text 'b' 2 times"),
        (replace(SUM, fault=Fault("sums.py", "a + b", "a + b")), "the fault changes nothing"),
        (replace(SUM, fault=Fault("sums.py", "a + b", "a +")), "with its fault sums.py is no Python"),
    ],
)
def test_flaws__something_is_wrong__is_named(tree, promise, flaw):
    assert any(flaw in found for found in flaws(promise, tree)), list(flaws(promise, tree))


def test_flaws__all_is_well__none(tree):
    assert list(flaws(SUM, tree)) == []


def test_with_words__one_fits_no_promise__is_refused_with_words():
    other = replace(SUM, says="Two and three are five.")
    assert with_words([SUM, other], []) == [SUM, other]
    assert with_words([SUM, other], ["five", "three"]) == [other]
    assert with_words([SUM, other], ["test_sum", "five"]) == [SUM, other]
    with pytest.raises(NoPromiseError, match="no promise has 'six' in its sentence"):
        with_words([SUM, other], ["five", "six"])


def test_bench_promises__a_word_fits_no_promise__ends_with_2():
    command = [sys.executable, "script/benches/promises.py", "a-word-that-no-promise-has"]
    done = subprocess.run(command, cwd=house.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: no promise has 'a-word-that-no-promise-has'" in done.stderr


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (SUM.fault, "failed"),
        (Fault("sums.py", "a + b", "b + a"), "passed"),
        (Fault("sums.py", "a + b", "a + c"), "did not run: NameError"),
        (Fault("test_sum.py", "import sums", "import summs"), "did not run: pytest ended with"),
        (Fault("test_sum.py", "    assert", "    import pytest; pytest.skip('no')\n    assert"), "did not run: pytest"),
    ],
)
@pytest.mark.thinned(to_one_in=3)
def test_outcome__a_fault_is_planted__only_an_assertion_counts(tree, fault, answer):
    fault.plant(tree)
    assert outcome(SUM.test, tree).startswith(answer)


def test_outcome__nothing_is_planted__passes(tree):
    assert outcome(SUM.test, tree) == "passed"


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("psycopg.errors.SyntaxError: unterminated quoted identifier", "failed"),
        ("SyntaxError: invalid syntax", "did not run: SyntaxError"),
        ("AssertionError: Traceback: NameError: name 'c' is not defined", "did not run: NameError"),
    ],
)
def test_judged__error_of_the_database__is_none_of_python(message, answer):
    report = f'<testsuite><testcase><failure message="{message}"/></testcase></testsuite>'
    assert judged(1, report, "") == answer


@pytest.mark.parametrize(
    ("fixture", "answer"),
    [("yield\n    raise ValueError", "failed"), ("raise ValueError\n    yield", "did not run: pytest ended with 1")],
)
def test_outcome__a_fixture_fails__counts_only_where_the_test_failed_before(tree, fixture, answer):
    text = f"import pytest, sums\n\n\n@pytest.fixture\ndef place():\n    {fixture}\n\n\n"
    (tree / "test_sum.py").write_text(f"{text}def test_sum(place):\n    assert sums.add(2, 2) == 5\n")
    assert outcome(SUM.test, tree).startswith(answer)
