"""The toolkit names nothing of the pair that this repository hands over; its examples are a shop and a library."""

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"
# Words of the pair that this repository hands over.
OF_ONE_PAIR = re.compile(r"choreograph|bachat|(?<![a-z])danc|job_execution|music_info|moves_root", re.IGNORECASE)
TEXTS = (".j2", ".py", ".sql", ".toml")


def words_of_one_pair(folder: Path) -> list[str]:
    """Return a line for each place in the texts of a folder that names a thing of one pair."""
    return [
        f"{file}:{number}: {line.strip()}"
        for file in sorted(folder.rglob("*"))
        if file.suffix in TEXTS
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if OF_ONE_PAIR.search(line)
    ]


def test_texts__of_the_toolkit__name_nothing_of_one_pair():
    assert words_of_one_pair(SOURCES) == []


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        ('table = "choreography_tasks"', True),
        ("`Bachata_steps/` is the prefix.", True),
        ("SELECT id FROM old_dancers;", True),
        ("`dance_videos.path` is empty.", True),
        ('table = "shop_orders"', False),
        ("in accordance with the guidance", False),
    ],
)
def test_texts__word_of_one_pair_is_planted__names_file_and_line(tmp_path, planted, seen):
    (tmp_path / "page.sql").write_text(f"-- one\n{planted}\n")
    assert words_of_one_pair(tmp_path) == [f"{tmp_path / 'page.sql'}:2: {planted}"][: int(seen)]
