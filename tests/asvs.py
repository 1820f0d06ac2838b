"""OWASP ASVS 5.0, levels 1 and 2: where each requirement is met and tested, or why not.

The entries are in ``asvs.toml``, in our own words; ``asvs-levels.txt`` has every identifier of the standard with its
level. ``script/asvs`` makes docs/reference/asvs.md from both.
"""

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.promises import ROOT, flaws_of_test, written

FILE = ROOT / "tests" / "asvs.toml"
LEVELS = ROOT / "tests" / "asvs-levels.txt"
TABLE = "|--|--|--|--|"
STATES = ("met", "operator", "open", "not_applicable")
SEVERITIES = ("high", "medium", "low")
CHAPTERS = {
    1: "Encoding",
    2: "Validation and limits",
    3: "Browser",
    4: "API",
    5: "Files",
    6: "Log-in",
    7: "Sessions",
    8: "Authorization",
    9: "Signed tokens",
    10: "OAuth",
    11: "Cryptography",
    12: "TLS",
    13: "Configuration",
    14: "Data",
    15: "Code and packages",
    16: "Logs and errors",
    17: "WebRTC",
}


@dataclass(frozen=True)
class Entry:
    """What is said of one requirement, or of a range like ``10.1.1-10.7.3``.

    ``told`` is for ``met`` the file; for the other states what is missing, why it does not apply, or what is to do.
    """

    ids: str
    says: str
    states: tuple[str, ...]
    told: str
    test: str = ""
    severity: str = ""
    doc: str = ""

    @classmethod
    def read(cls, entry: dict[str, str]) -> Self:
        states = tuple(state for state in STATES if state in entry)
        told = entry[states[0]] if states else ""
        more = (entry.get("test", ""), entry.get("severity", ""), entry.get("doc", ""))
        return cls(entry["id"], entry["says"], states, told, *more)

    @property
    def state(self) -> str:
        return self.states[0] if self.states else ""


def order(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split("."))


def levels(file: Path = LEVELS) -> dict[str, int]:
    """Return the level of each identifier, in the order of the standard."""
    return {number: int(level) for number, level in (line.split() for line in file.read_text().splitlines())}


def entries(file: Path = FILE) -> list[Entry]:
    return [Entry.read(entry) for entry in tomllib.loads(file.read_text())["requirement"]]


def covered(entry: Entry, known: dict[str, int]) -> list[str]:
    """Return the identifiers that an entry is about."""
    first, _, last = entry.ids.partition("-")
    return [number for number in known if order(first) <= order(number) <= order(last or first)]


def flaws(all_of_them: list[Entry], known: dict[str, int], root: Path = ROOT) -> Iterator[str]:
    """Say what is wrong: identifiers left out or doubled, entries that are not whole, places that are not there."""
    count = Counter(number for entry in all_of_them for number in covered(entry, known))
    yield from (f"{number} is there {count[number]} times" for number in known if count[number] != 1)
    for entry in all_of_them:
        yield from (f"{entry.ids}: {flaw}" for flaw in _flaws_of(entry, known, root))


def _flaws_of(entry: Entry, known: dict[str, int], root: Path) -> Iterator[str]:
    if not covered(entry, known):
        yield "the standard has no such requirement in levels 1 and 2"
    if len(entry.states) != 1:
        yield f"it has {len(entry.states)} of {', '.join(STATES)}; it needs one"
        return
    if "-" in entry.ids and entry.state != "not_applicable":
        yield "only what does not apply may be a range"
    if (entry.state == "met") != bool(entry.test):
        yield "a test belongs to what is met"
    if (entry.state == "open") != (entry.severity in SEVERITIES):
        yield f"a severity, {', '.join(SEVERITIES)}, belongs to what is open"
    if (entry.state == "operator") != bool(entry.doc):
        yield "a page belongs to what the operator does"
    if entry.test:
        yield from flaws_of_test(entry.test, root)
    place = entry.told if entry.state == "met" else entry.doc
    yield from _flaws_of_place(place, root) if place else ()


def _flaws_of_place(place: str, root: Path) -> Iterator[str]:
    file, _, section = place.partition("#")
    if not (root / file).is_file():
        yield f"{file} is not there"
    elif section and section not in {
        anchor(line) for line in (root / file).read_text().splitlines() if line[:1] == "#"
    }:
        yield f"{file} has no section {section}"


def anchor(heading: str) -> str:
    """Return the name of a heading in an address, as Markdown makes it."""
    return re.sub(r"[^\w-]", "", heading.lstrip("# ").lower().replace(" ", "-"))


def page(all_of_them: list[Entry], known: dict[str, int]) -> str:
    """Return docs/reference/asvs.md."""
    ordered = sorted((entry for entry in all_of_them if entry.state == "open"), key=_by_severity)
    still = [f"| {_numbers(e)} | {e.severity} | {e.says} | {e.told} |" for e in ordered]
    parts = [INTRODUCTION, "\n".join(_counts(all_of_them, known))]
    parts.append(
        "\n".join(["## Open", "", "| requirement | how bad | what | what is missing |", "|--|--|--|--|", *still])
    )
    for chapter, name in CHAPTERS.items():
        own = [entry for entry in all_of_them if order(entry.ids.partition("-")[0])[0] == chapter]
        rows = [f"| {_numbers(e)} | {_level(e, known)} | {e.says} | {_answer(e)} |" for e in own]
        parts.append(
            "\n".join([f"## V{chapter} {name}", "", "| requirement | level | what | answer |", "|--|--|--|--|", *rows])
        )
    return "\n\n".join(parts) + "\n"


def _by_severity(entry: Entry) -> tuple[int, tuple[int, ...]]:
    return SEVERITIES.index(entry.severity), order(entry.ids)


def _counts(all_of_them: list[Entry], known: dict[str, int]) -> list[str]:
    cells = Counter((order(number)[0], entry.state) for entry in all_of_them for number in covered(entry, known))
    rows = [
        f"| V{chapter} {name} | {' | '.join(str(cells[chapter, state]) for state in STATES)} |"
        for chapter, name in CHAPTERS.items()
    ]
    sums = [str(sum(cells[chapter, state] for chapter in CHAPTERS)) for state in STATES]
    head = "| chapter | met, with a test | the operator's | open | does not apply |"
    return [head, "|--|--|--|--|--|", *rows, f"| all {len(known)} | {' | '.join(sums)} |"]


def _numbers(entry: Entry) -> str:
    return " to ".join(f"v5.0.0-{number}" for number in entry.ids.split("-"))


def _level(entry: Entry, known: dict[str, int]) -> str:
    return ", ".join(str(level) for level in sorted({known[number] for number in covered(entry, known)}))


def _answer(entry: Entry) -> str:
    match entry.state:
        case "met":
            return f"`{entry.told}`, tested by `{entry.test}`"
        case "operator":
            file, _, section = entry.doc.partition("#")
            where = f"`{file}`" + (f", section {section}" if section else "")
            return f"**the operator:** {entry.told} See {where}."
        case "open":
            return f"**open, {entry.severity}:** {entry.told}"
    return f"does not apply: {entry.told}"


INTRODUCTION = """# ASVS 5.0, levels 1 and 2

The OWASP Application Security Verification Standard 5.0.0 lists what a secure web application must do. This page says
for each requirement of levels 1 and 2 where the backend meets it and which test proves it, or why not. It is about the
backend, its page, and the engine's child processes. `handover`, `sandbox` and the original are outside, except where it
says so.

We wrote it ourselves; an independent audit has not been done. A requirement that is met in the code without a test
counts as open. The words are ours; read the standard under its identifiers, such as `v5.0.0-6.2.1`:
<https://owasp.org/www-project-application-security-verification-standard/>.

This page is made by `script/asvs` from `tests/asvs.toml`."""


def main() -> int:
    """Write the page, or compare it; return the exit status."""
    place = ROOT / "docs" / "reference" / "asvs.md"
    return written(place, page(entries(), levels()), data=FILE, script="script/asvs")


if __name__ == "__main__":
    sys.exit(main())
