"""The committed pages of findings are the generated ones."""

from handover.check.pages import pages
from sandbox import house

REFERENCE = house.ROOT / "docs" / "reference"


def test_pages__as_committed__are_what_script_findings_writes():
    committed = {str(path.relative_to(REFERENCE)): path.read_text() for path in (REFERENCE / "findings").glob("*.md")}
    committed["handover-findings.md"] = (REFERENCE / "handover-findings.md").read_text()
    differing = sorted(name for name, text in pages().items() if committed.get(name) != text)
    assert differing == [], "run script/findings"
    assert sorted(committed.keys() - pages().keys()) == []
