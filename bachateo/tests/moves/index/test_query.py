from __future__ import annotations

import numpy as np
import pytest

from bachateo.errors import SearchError
from bachateo.moves.index import MoveDocument, MoveQuery
from bachateo.moves.index.query import WEIGHTS, Neighbours, cosines_with, rank


@pytest.mark.parametrize(
    ("vectors", "filters", "message"),
    [
        ({}, {}, r"^CH113  a search needs a song, a text or another vector"),
        ({"video": np.ones(3, np.float32)}, {}, r"^CH110  the query has a vector 'video'; there are audio, lead"),
        (
            {"audio": np.ones(3, np.float32)},
            {},
            r"^CH111  the audio vector of the query has shape \(3,\); it needs 128",
        ),
        ({"text": np.zeros(384, np.float32)}, {}, r"^CH112  the text vector of the query is zero, not finite"),
        *(({"text": np.full(384, value, np.float32)}, {}, r"^CH112  ") for value in (np.nan, np.inf, 1e18, 1e-21)),
        (
            {"audio": np.ones(128, np.float32)},
            {"difficulty": "hard"},
            r"^CH114  difficulty of the query is 'hard'; it must be one of beginner, intermediate, advanced",
        ),
        ({"audio": np.ones(128, np.float32)}, {"energy_level": "loud"}, r"^CH114  energy_level of the query is 'loud'"),
    ],
)
def test_query__cannot_be_looked_for__says_why(vectors, filters, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        MoveQuery(vectors, **filters)


def test_query__relaxed__drops_the_energy_first() -> None:
    asked = MoveQuery({"audio": np.ones(128, np.float32)}, difficulty="advanced", energy_level="low")

    assert list(asked.relaxed_filters()) == [
        {"difficulty": "advanced", "energy_level": "low"},
        {"difficulty": "advanced"},
        {},
    ]
    assert list(MoveQuery(asked.vectors).relaxed_filters()) == [{}]


def test_document__vector_that_does_not_fit__is_refused(make_document) -> None:
    fields = make_document("a").fields

    with pytest.raises(SearchError, match=r"^CH111  the lead vector of a has shape \(12,\); it needs 512 numbers"):
        MoveDocument(fields, {"lead": np.ones(12, np.float32)})


LIMITS = [
    ({"clip_id": "a" * 513}, r"^CH125  clip_id of a{40}… has 513 bytes; it may have 512"),
    ({"clip_id": "á" * 257}, r"^CH125  clip_id of á{40}… has 514 bytes"),
    ({"move_label": "a" * 32_767}, r"^CH125  move_label of a has 32,767 bytes; it may have 32,766\. Shorten it"),
    ({"estimated_tempo": 3.5e38}, r"^CH126  estimated_tempo of a is 3\.5e\+38; it must be a number of 32 bits"),
    ({"quality_score": float("nan")}, r"^CH126  quality_score of a is nan"),
]


@pytest.mark.parametrize(("changed", "message"), LIMITS)
def test_document__beyond_what_elasticsearch_holds__is_refused_for_every_index(changed, message, make_document) -> None:
    document = make_document("a")

    with pytest.raises(SearchError, match=message):
        MoveDocument({**document.fields, **changed}, {})
    MoveDocument({**document.fields, "clip_id": "á" * 256, "move_label": "a" * 32_766, "estimated_tempo": 3.4e38}, {})


def test_weights__together__are_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_cosines_with__equal_rows__are_equal_to_the_last_digit() -> None:
    row = np.random.default_rng(0).normal(size=384).astype(np.float32)
    rows = np.tile(row, (517, 1))

    assert len(set(cosines_with(rows, row[::-1].copy()).tolist())) == 1


def test_rank__nearly_equal__is_a_tie() -> None:
    vector = np.zeros(128, np.float32)
    vector[0] = 1
    rows = np.tile(vector, (2, 1))
    rows[0, 1] = 1e-6  # a cosine of 1 - 5e-13

    hits = rank(
        MoveQuery({"audio": vector}), Neighbours(["b", "a"], np.ones(2), {"audio": cosines_with(rows[::-1], vector)})
    )

    assert [hit.clip_id for hit in hits] == ["a", "b"]
    assert hits[0].parts == {"text": 0.5, "audio": pytest.approx(1), "lead": 0.5, "follow": 0.5, "interaction": 0.5}
