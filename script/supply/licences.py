"""Compares docs/reference/licences.md with the lock, with installed packages, and with what their wheels carry."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from lock import LOCK, ROOT, LockedPackage, read_lock, shipped, without_hash

PAGE = ROOT / "docs" / "reference" / "licences.md"
NOTICES = (ROOT / "bachateo" / "NOTICE", ROOT / "handover" / "NOTICE")
ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "CC-BY-4.0", "CC0-1.0", "FTL", "IJG"),
    *("ISC", "MIT", "MIT-0", "MIT-CMU", "MIT-Modern-Variant", "MPL-2.0", "OLDAP-2.8", "PSF-2.0", "PostgreSQL", "Zlib"),
    *("BSD-Attribution-HPND-disclaimer", "LicenseRef-Repoze-BSD-derived", "libpng-2.0", "libtiff"),
    # They let a program of any licence use the library, if the library can be replaced.
    *("LGPL-2.0-or-later", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),
    "GPL-3.0-or-later WITH GCC-exception-3.1",
    "CNRI-Python",
}
NEVER = re.compile(r"AGPL|AFFERO|SSPL|SERVER SIDE PUBLIC|[- ]NC\b|NON.?COMMERCIAL|BUSL|COMMONS.CLAUSE", re.IGNORECASE)
GPL = re.compile(r"\bGPL|GNU GENERAL PUBLIC", re.IGNORECASE)
# What packages call their licence when they do not use SPDX. A word may stand for several licences.
CALLED = {
    "3-clause bsd license": {"BSD-3-Clause"},
    "apache 2.0": {"Apache-2.0"},
    "apache software license": {"Apache-2.0"},
    "bsd": {"BSD-2-Clause", "BSD-3-Clause"},
    "bsd 2-clause license": {"BSD-2-Clause"},
    "bsd 3-clause or apache-2.0": {"BSD-3-Clause", "Apache-2.0"},
    "bsd license": {"BSD-2-Clause", "BSD-3-Clause"},
    "isc license (iscl)": {"ISC"},
    "mit license": {"MIT"},
    "mozilla public license 2.0 (mpl 2.0)": {"MPL-2.0"},
    "python software foundation license": {"PSF-2.0"},
}


@dataclass(frozen=True)
class LicenceEntry:
    """One row of the page."""

    licence: str
    libraries: Mapping[str, str]
    is_shipped: bool


def main() -> int:
    """Print what does not fit, or how many packages do; return the exit status."""
    parser = argparse.ArgumentParser(
        description="Compare docs/reference/licences.md with what is locked and installed."
    )
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--lock", type=Path, default=LOCK)
    arguments = parser.parse_args()
    found = compared(arguments.page, arguments.lock)
    if not found:
        names = {one.name for one in read_lock(arguments.lock) if not one.ours}
        print(f"licences: {len(names)} packages are locked, and the licence of each may be used.")
    for line in found:
        sys.stderr.write(f"licences: {line}\n")
    return 1 if found else 0


def compared(page: Path, lock: Path) -> list[str]:
    """Return what does not fit between a page, a lock and this environment."""
    packages = read_lock(lock)
    found = list(troubles(read_page(page.read_text()), packages, installed(), notices()))
    return found + [f"{artifact} is locked without a SHA-256. Run: uv lock" for artifact in without_hash(packages)]


def read_page(text: str) -> dict[str, LicenceEntry]:
    """Return the rows of the page by package."""
    entries: dict[str, LicenceEntry] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        for row in re.findall(r"^\| ([a-z][^|]*)\|([^|]*)\|([^|]*)\|", section, re.MULTILINE):
            name, licence, libraries = (cell.strip() for cell in row)
            if name != "package":
                carried = dict(one.strip().split(" ", 1) for one in libraries.split(";") if one.strip())
                entries[name] = LicenceEntry(licence, carried, section.startswith("Shipped"))
    return entries


def installed() -> dict[str, Distribution]:
    """Return the packages of this environment, by their normalised name."""
    return {re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one for one in distributions()}


def notices() -> str:
    """Return what our NOTICE files say."""
    return "\n".join(path.read_text() for path in NOTICES)


def troubles(
    page: Mapping[str, LicenceEntry], packages: list[LockedPackage], there: Mapping[str, Distribution], noticed: str
) -> Iterator[str]:
    """Yield what does not fit, a line each."""
    locked = {one.name for one in packages if not one.ours}
    for name in sorted(locked - set(page)):
        yield f"{name} is locked, and has no row. Read its licence, decide, and add a row: {PAGE.relative_to(ROOT)}"
    for name in sorted(set(page) - locked):
        yield f"{name} has a row, and is locked no more. Remove the row."
    users = shipped(packages)
    for name in sorted(locked & set(page)):
        entry = page[name]
        if entry.is_shipped != (name in users):
            yield f"{name} stands in the wrong section: it is {'' if name in users else 'not '}shipped. Move its row."
        yield from (f"{name}: {line}" for line in _forbidden(entry, noticed))
        if name in there:
            yield from (f"{name}: {line}" for line in _differing(entry, there[name]))


def _forbidden(entry: LicenceEntry, noticed: str) -> Iterator[str]:
    if not may_be_used(entry.licence):
        yield f"{entry.licence or 'no licence'} is not allowed. Use another package, or decide and allow it here."
    for library, licence in entry.libraries.items():
        if may_be_used(licence):
            continue
        if not licence.startswith("GPL") or NEVER.search(licence):
            yield f"its library {library} is under {licence}, which is not allowed. Use another package."
        elif not re.search(rf"\b{re.escape(library)}\b", noticed):
            yield f"its library {library} is under {licence}, and no NOTICE names it. Name it, with what follows."


def may_be_used(expression: str) -> bool:
    """Return whether an SPDX expression without parentheses leaves a choice in which every licence is allowed."""
    return any(all(part.strip() in ALLOWED for part in way.split(" AND ")) for way in expression.split(" OR "))


def parts_of(expression: str) -> set[str]:
    """Return the licences of an SPDX expression."""
    return set(re.split(r" (?:AND|OR) ", expression))


def _differing(entry: LicenceEntry, package: Distribution) -> Iterator[str]:
    listed = parts_of(entry.licence)
    for said in licences_said(package):
        if NEVER.search(said) or GPL.search(said) or not listed & CALLED.get(said.lower(), parts_of(said)):
            yield f"it says {said!r} of itself, the page says {entry.licence}. Read its licence, and correct the row."
    carried = libraries_in(package)
    for library in sorted(carried - set(entry.libraries)):
        yield f"its wheel carries the library {library}, which the row does not name. Find its licence, and add it."


def licences_said(package: Distribution) -> list[str]:
    """Return what a package says of its licence: its SPDX expression, else its classifiers, else one line of text."""
    about = package.metadata
    if about.get("License-Expression"):
        return [about["License-Expression"]]
    lines = [line.split(" :: ") for line in about.get_all("Classifier", []) if line.startswith("License ::")]
    classified = [parts[-1] for parts in lines if parts[-1] != "OSI Approved"]  # a family, and no licence
    text = (about.get("License") or "").strip()
    return classified or ([text] if text and "\n" not in text else [])


def libraries_in(package: Distribution) -> set[str]:
    """Return the libraries of others that a wheel carries, without the prefix ``lib`` and their version."""
    names = [path.name for path in package.files or () if path.parts[0].endswith(".libs") and ".so" in path.name]
    return {re.sub(r"(-[0-9a-f]{8})*(-[\d.]+)?\.so.*", "", name.removeprefix("lib")) for name in names}


if __name__ == "__main__":
    sys.exit(main())
