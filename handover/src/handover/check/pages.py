"""The pages of ``docs/reference/findings``: one for each code, and an index; made from the docstring of each rule.

``python -m handover.check.pages docs/reference`` writes them.
"""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import handover.census.census
import handover.rules  # noqa: F401 - so do the rules
from handover.codes import CODES, FindingCode, Source

INDEX = "handover-findings.md"
FOLDER = "findings"
# Headings that say more than the noun of a rule.
HEADINGS = {
    "filled": "Values that the database fills in",
    "options": "Options of fields and relations",
    "pending": "Migrations that are not applied",
}
SECTIONS = ("What is wrong", "Why it hurts", "Example", "Mend")
INTRODUCTION = """# Findings

A finding has a code, a place, what is, what was expected, which system it hurts (`original`, `backend`, `both`), what
to do, and a severity: `breaking` (one system fails or loses data), `risky` (it may), `safe` (worth knowing), `unseen`
(it could not be looked at, so it is not known to be clean).

Each code has a page: what is wrong, why it hurts, an example, and what mends it. The codes of errors that end a command
are in [errors.md](errors.md). Accept a finding with `handover contract accept CODE PLACE --because REASON`.

This page and those below `findings/` are made by `script/findings` from the code of each rule.
"""


def pages() -> dict[str, str]:
    """Return every page by its path below ``docs/reference``."""
    return {INDEX: "\n".join(_index()), **{f"{FOLDER}/{code.name}.md": page(code) for code in CODES.values()}}


def page(code: FindingCode) -> str:
    """Return the page of one code."""
    lines = [code.markdown, f"Found by `{code.source.command}`{_how(code)}."]
    if code.adoption:
        lines.append("It refuses an adoption, unless the adoption mends it or both systems live with it already.")
    if code.accepts:
        lines.append(f"To accept it: `handover contract accept {code.name} PLACE --because REASON`.")
    return "\n".join([lines[0], "---", "", " ".join(lines[1:]), ""])


def _how(code: FindingCode) -> str:
    return ", which counts the rows" if code.source is Source.CENSUS else ""


def _index() -> Iterator[str]:
    yield INTRODUCTION
    for source, codes in groupby(sorted(CODES.values(), key=_place), key=lambda code: code.source):
        yield f"## {source.value}\n"
        for noun, some in groupby(codes, key=lambda code: code.noun):
            yield f"### {HEADINGS.get(noun, noun.capitalize())}\n"
            yield "| code | what must hold | refuses an adoption |\n|--|--|--|"
            for code in some:
                yield f"| [{code.name}]({FOLDER}/{code.name}.md) | {code.title} | {'yes' if code.adoption else ''} |"
            yield ""


def _place(code: FindingCode) -> tuple[int, str, str]:
    return list(Source).index(code.source), code.noun, code.name


def write(folder: Path) -> None:
    """Write every page below a folder, and remove those of codes that are gone."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in (folder / FOLDER).glob("*.md"):
        if f"{FOLDER}/{path.name}" not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
