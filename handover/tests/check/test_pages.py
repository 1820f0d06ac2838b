"""The pages of findings: each says what a reader needs."""

import re
from pathlib import Path

import pytest

from handover.check.pages import SECTIONS, pages, write
from handover.codes import CODES

# Languages of the blocks that mend something.
LANGUAGES = {"sql", "python", "toml", "console"}


def test_write__a_page_of_a_code_that_is_gone__is_removed(tmp_path: Path):
    write(tmp_path)
    (tmp_path / "findings" / "HO999.md").write_text("# HO999: gone")
    (tmp_path / "findings" / "HO012.md").unlink()
    write(tmp_path)
    written = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*.md")}
    assert written == pages()


@pytest.mark.parametrize("name", sorted(CODES))
def test_page__of_each_code__has_every_section_and_what_mends(name):
    text = CODES[name].text
    headings = re.findall(r"^(.+)\n-{3,}$", text, flags=re.MULTILINE)
    assert tuple(headings) == SECTIONS
    first, *_ = text.splitlines()
    assert first.endswith(".")
    parts = re.split(r"^.+\n-{3,}\n", text, flags=re.MULTILINE)[1:]
    assert all(len(part.split()) >= 2 for part in parts)
    blocks = re.findall(r"^```(\w*)\n(.+?)\n```$", text, flags=re.MULTILINE | re.DOTALL)
    assert {language for language, _ in blocks} <= LANGUAGES
    assert re.search(r"\b([Nn]obody|[Ss]omebody|[Ww]hom|is none)\b", text) is None
