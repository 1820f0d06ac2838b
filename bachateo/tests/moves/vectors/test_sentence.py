from __future__ import annotations

import math

import numpy as np
import pytest

from bachateo.moves.vectors.sentence import TEXT_DIMS, _gelu, _tokenizer, describe_text


def _cosine(a: str, b: str) -> float:
    return float(describe_text(a).astype(float) @ describe_text(b).astype(float))


def test_describe_text__published_sentences__has_the_published_similarities() -> None:
    # The figures that the documentation of sentence-transformers prints for this model.
    weather, sunny, stadium = ("The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.")

    assert _cosine(weather, sunny) == pytest.approx(0.6660, abs=1e-4)
    assert _cosine(weather, stadium) == pytest.approx(0.1046, abs=1e-4)
    assert _cosine(sunny, stadium) == pytest.approx(0.1411, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "paraphrase", "other"),
    [
        ("The follow turns under his arm.", "She spins beneath the lead's raised hand.", "They hold each other close."),
        (
            "a slow, romantic dance",
            "dancing tenderly and full of love",
            "a machine that sorts letters by their address",
        ),
    ],
)
def test_describe_text__paraphrase__is_nearer_than_something_else(text: str, paraphrase: str, other: str) -> None:
    assert _cosine(text, paraphrase) > _cosine(text, other) + 0.1


@pytest.mark.parametrize("text", ["", " ", "Dip", "¿Bailamos? 💃", "turn " * 2000])
def test_describe_text__any_text__is_a_unit_vector(text: str) -> None:
    vector = describe_text(text)

    assert (vector.shape, vector.dtype) == ((TEXT_DIMS,), np.float32)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_describe_text__case_and_length__are_handled_as_the_model_was_trained() -> None:
    assert _cosine("Right TURN", "right turn") == pytest.approx(1, abs=1e-6)
    assert len(_tokenizer().encode("turn " * 2000).ids) == 256
    assert len(_tokenizer().encode("turn").ids) == 3, "not padded"


def test_gelu__series__is_exact_to_single_precision() -> None:
    x = np.linspace(-6, 6, 2001, dtype=np.float32)
    exact = [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()]

    assert _gelu(x) == pytest.approx(np.array(exact), abs=2e-6)
