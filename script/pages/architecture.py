"""The floors of every package in docs/architecture.md: written from what import-linter holds, or compared with it."""

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
BLOCK = re.compile(r"(<!-- floors of (?P<folder>\S+) -->\n).*?(<!-- end of floors -->)", re.DOTALL)


def main() -> int:
    """Write the page, or compare it; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the floors of every package into docs/architecture.md.")
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    text = arguments.page.read_text()
    wanted = BLOCK.sub(lambda found: f"{found[1]}\n{table(ROOT / found['folder'])}\n\n{found[3]}", text)
    if wanted == text:
        return 0
    if arguments.check:
        sys.stderr.write(f"{arguments.page} shows other floors than the packages have. Run: script/architecture\n")
        return 1
    arguments.page.write_text(wanted)
    return 0


def table(package: Path) -> str:
    """Return the floors of a package as a Markdown table, the highest first."""
    return "\n".join(["| floor | room | what it is |", "|--|--|--|", *rows(package)])


def rows(package: Path) -> Iterator[str]:
    """Yield a row for each room of each floor; the rooms of one floor do not import each other."""
    contracts = tomllib.loads((package / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = next(contract for contract in contracts if contract["type"] == "layers")
    prefix = next(iter(floors.get("containers", [])), "")
    for number, floor in zip(range(len(floors["layers"]), 0, -1), floors["layers"], strict=True):
        for room in re.split(r"\s*[|:]\s*", floor):
            yield f"| {number} | `{room}` | {about(package, '.'.join(filter(None, [prefix, room])))} |".replace(
                "``", "`"
            )


def about(package: Path, module: str) -> str:
    """Return the first sentence of a module's docstring."""
    relative = Path(*module.split("."))
    places = [base / relative for base in (package / "src", package)]
    paths = [path for place in places for path in (place / "__init__.py", place.with_suffix(".py")) if path.exists()]
    docstring = ast.get_docstring(ast.parse(paths[0].read_text())) if paths else None
    return (docstring or "").split("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
