"""A finding has a code, the catalogue knows it, and only a rule's decorator writes it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import handover
from handover.check.contract import Accepted, Contract, is_proved
from handover.codes import CODES
from handover.codes.code import FindingCode, Source, declare, stamped
from handover.finding import Finding, Observation
from handover.proof.anomalies import KINDS
from handover.proof.difference import SAID
from handover.rules import RULES

PACKAGE = Path(handover.__file__).parent
WORDS = {"where": "t.c", "found": "is text", "expected": "A expects uuid", "todo": "Revert."}
CODE = FindingCode(name="HO999", source=Source.CHECK, noun="tests", text="Tests are true.")
# The codes that handover prove found before the catalogue; contracts of then hold nothing but codes.
PROVED_BEFORE = range(300, 440)


def _modules(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (PACKAGE / room).rglob("*.py"))


def test_finding__without_a_code__is_refused():
    with pytest.raises(TypeError, match="code"):
        Finding(**WORDS)


def test_stamped__observations__are_findings_with_the_code_and_the_same_words():
    (finding,) = stamped(CODE, iter([Observation(**WORDS)]))
    assert finding == Finding(code="HO999", **WORDS)


def test_stamped__a_finding_that_has_a_code__is_refused():
    with pytest.raises(TypeError, match="code"):
        list(stamped(CODE, iter([Finding(code="HO998", **WORDS)])))


def test_declare__the_code_is_taken__is_refused():
    with pytest.raises(ValueError, match=r"HO012 is 'Column types are equal' already; a code has one meaning\."):
        declare(FindingCode(name="HO012", source=Source.CHECK, noun="tests", text="Something else."))


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"HO\d{3}", node.value):
            yield node.value


@pytest.mark.parametrize("path", _modules("rules", "census"), ids=lambda path: path.stem)
def test_rules_and_questions__write_their_code__in_the_decorator_alone(path):
    tree = ast.parse(path.read_text())
    stamped_ = [d for node in ast.walk(tree) for d in getattr(node, "decorator_list", ())]
    assert sorted(_codes(tree)) == sorted(code for decorator in stamped_ for code in _codes(decorator))


def test_findings__every_code_in_the_source__is_in_the_catalogue():
    written = {
        keyword.value.value
        for path in _modules("")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
        for keyword in node.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }
    assert len(written) > 50
    assert sorted((written | SAID.keys() | {kind.code for kind in KINDS.values()} | RULES.keys()) - CODES.keys()) == []


def test_contract__of_before__is_split_into_checks_and_proofs_as_it_was():
    for code in CODES:
        assert is_proved(code) is (int(code[2:]) in PROVED_BEFORE), code
    entries = tuple(Accepted(code=code, place="here", because="It is known.") for code in ("HO012", "HO221", "HO320"))
    contract = Contract(accepted=entries)
    assert [a.code for a in contract.of_checks().accepted] == ["HO012", "HO221"]
    assert [a.code for a in contract.of_proofs().accepted] == ["HO320"]


def test_codes__that_count_rows__are_those_whose_numbers_were_left_out_before():
    counting = {name for name, code in CODES.items() if code.counts == "rows among words"}
    assert counting == {name for name in CODES if name.startswith(("HO22", "HO23", "HO24"))} - {"HO239"}
    assert {n for n, c in CODES.items() if c.counts == "only rows"} == {"HO352", "HO353", "HO370", "HO371"}
