from __future__ import annotations

import pytest

from bachateo.errors import SequencingError
from bachateo.sequence import Wishes


def test_wishes__negative_seed__is_refused() -> None:
    with pytest.raises(SequencingError, match=r"^CH044  seed is -1; choose 0 or more"):
        Wishes(seed=-1)


@pytest.mark.parametrize("wish", [{"difficulty": "expert"}, {"energy": "wild"}])
def test_wishes__unknown_word__lists_the_known(wish: dict[str, str]) -> None:
    ((name, value),) = wish.items()

    with pytest.raises(SequencingError, match=rf"^CH040  {name} is '{value}'; choose \w+, \w+, \w+, or leave it out"):
        Wishes(**wish)


def test_wishes__relaxing_what_is_no_constraint__lists_them() -> None:
    message = r"^CH048  relax names 'gravity'; what can be relaxed is repeats, difficulty, style, tempo, ends\."
    with pytest.raises(SequencingError, match=message):
        Wishes(relax=("repeats", "gravity"))


@pytest.mark.parametrize(
    ("relax", "attempts"),
    [
        (False, [[], ["ends"]]),
        (("tempo", "repeats"), [[], ["repeats"], ["repeats", "tempo"], ["repeats", "tempo", "ends"]]),
        (True, [[], *([*("repeats", "difficulty", "style", "tempo", "ends")][:count] for count in range(1, 6))]),
    ],
)
def test_wishes__concessions__grow_in_the_order_of_what_is_noticed_least(
    relax: bool | tuple[str, ...], attempts: list[list[str]]
) -> None:
    assert Wishes(relax=relax).concessions == tuple(frozenset(words) for words in attempts)
