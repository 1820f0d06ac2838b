"""The verdict for machines: JSON, SARIF 2.1.0 and JUnit XML."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree  # written, never parsed

from handover.check.steps import answer, steps
from handover.check.verdict import Verdict
from handover.codes import CODES
from handover.finding import Finding
from handover.rules import RULES
from handover.wording import one_line, printable

LEVELS = {"breaking": "error", "unseen": "error", "risky": "warning", "safe": "note"}
SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as the JSON report has it."""
    return {
        "code": finding.code,
        "place": finding.where,
        "is": finding.said,
        "expected": finding.expected,
        "hurts": finding.hurts,
        "severity": finding.severity,
        "todo": finding.todo,
    }


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as JSON values."""
    judged = verdict.judged
    return {
        "exit_code": verdict.exit_code,
        "answer": answer(verdict),
        "steps": [{"do": s.words, "places": s.places, "codes": s.codes} for s in steps(verdict)],
        "summary": verdict.summary(),
        "findings": [finding_as_json(f) for f in verdict.problems],
        "unseen": [finding_as_json(f) for f in verdict.unseen],
        "safe": [finding_as_json(f) for f in verdict.safe],
        "accepted": [
            finding_as_json(f) | {"because": a.because, "until": a.until and a.until.isoformat()}
            for f, a in judged.accepted
        ],
        "expired": [a.model_dump(mode="json") for a in judged.expired],
        "idle": [a.model_dump(mode="json") for a in judged.idle],
        "compared": [asdict(c) for c in verdict.result.compared],
        "seconds": round(verdict.seconds, 3),
    }


def as_sarif(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as SARIF 2.1.0, with accepted findings as suppressed results."""
    results = [_result(f) for f in (*verdict.problems, *verdict.unseen, *verdict.safe)]
    for finding, accepted in verdict.judged.accepted:
        suppression = {"kind": "external", "justification": accepted.because}
        results.append(_result(finding) | {"suppressions": [suppression]})
    codes = sorted({result["ruleId"] for result in results} | RULES.keys())
    rules = [_described(code) for code in codes]
    driver = {"name": "handover", "rules": rules}
    return {"$schema": SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _described(code: str) -> dict[str, Any]:
    about = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": about.title},
        "help": {"text": about.text or about.title, "markdown": about.markdown},
    }


def _result(finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": finding.code,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{finding.where} {finding.what} {finding.todo}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "handover.toml"}, "region": {"startLine": 1}},
                "logicalLocations": [{"fullyQualifiedName": finding.where}],
            }
        ],
        "properties": {"severity": finding.severity, "hurts": finding.hurts},
    }


def as_junit(verdict: Verdict) -> str:
    """Return the verdict as JUnit XML: a test case for each rule, and one for each question of the census."""
    suite = ElementTree.Element("testsuite", name="handover check", time=f"{verdict.seconds:.3f}")
    by_code: dict[str, list[Finding]] = {code: [] for code in RULES}
    for finding in (*verdict.problems, *verdict.unseen):
        by_code.setdefault(finding.code, []).append(finding)
    for code in sorted(by_code):
        case = ElementTree.SubElement(suite, "testcase", classname=CODES[code].noun, name=f"{code} {CODES[code].title}")
        _fill(case, by_code[code])
    suite.set("tests", str(len(by_code)))
    for kind in ("failure", "error"):
        suite.set(f"{kind}s", str(sum(case.find(kind) is not None for case in suite)))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _fill(case: ElementTree.Element, findings: Iterable[Finding]) -> None:
    for kind, unseen in (("failure", False), ("error", True)):
        some = [f for f in findings if (f.severity == "unseen") is unseen]
        if some:
            ElementTree.SubElement(case, kind, message=one_line(f"{some[0].where} {some[0].what}")).text = printable(
                "\n".join(map(str, some))
            )
