"""The README's commands and what it shows of their output."""

import re

from sandbox import house

README = (house.ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
VARIES = re.compile(r"\d+(?:[.:]\d+)*")


def form(text: str) -> str:
    """Return a line without what differs from run to run: numbers and the folder."""
    return VARIES.sub("N", re.sub(r"(data|clips) in .*", r"\1 in FOLDER", text.rstrip()))


def shown() -> dict[str, list[str]]:
    """Return each command of the README with the lines that it prints there."""
    printed: dict[str, list[str]] = {}
    for line in "".join(BLOCKS).splitlines():
        if line.startswith("$ "):
            printed[line[2:]] = current = []
        else:
            current.append(line)
    return printed
