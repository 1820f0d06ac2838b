"""Useful vectors are distinguished from equal ones and from noise; the mean cosine is that of all pairs."""

import math
import random

import pytest

from handover.proof.search.vectors import FEWEST_FOR_NOISE, VectorField

DIMS = 48


def field_of(vectors: list[list[float]]) -> VectorField:
    made = VectorField("v", len(vectors[0]), seed=1)
    for number, vector in enumerate(vectors):
        made.add(f"d{number}", vector)
    return made


def random_vectors(count: int, *, mean: float = 0.0, seed: int = 2) -> list[list[float]]:
    rng = random.Random(seed)  # noqa: S311 - reproducible
    return [[rng.gauss(mean, 1) for _ in range(DIMS)] for _ in range(count)]


def mixed(count: int, kinds: int, seed: int = 3) -> list[list[float]]:
    """Return vectors that are mixtures of a few, as real embeddings are."""
    rng = random.Random(seed)  # noqa: S311 - reproducible
    basis = random_vectors(kinds, seed=seed + 1)
    weights = [[rng.gauss(0, 1) for _ in range(kinds)] for _ in range(count)]
    return [[math.fsum(w * b[i] for w, b in zip(row, basis, strict=True)) for i in range(DIMS)] for row in weights]


def cosine(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


def test_mean_cosine__is_that_of_all_pairs():
    vectors = mixed(30, 4) + random_vectors(10, mean=0.5)
    pairs = [cosine(vectors[i], vectors[j]) for i in range(len(vectors)) for j in range(i)]
    assert field_of(vectors).mean_cosine == pytest.approx(math.fsum(pairs) / len(pairs), abs=1e-12)
    assert field_of(vectors[:1]).mean_cosine is None


@pytest.mark.parametrize("count", [FEWEST_FOR_NOISE, 40, 200])
@pytest.mark.parametrize("mean", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_noise__whatever_its_mean_and_count__is_noise(count, mean, seed):
    assert field_of(random_vectors(count, mean=mean, seed=seed)).is_noise


@pytest.mark.parametrize("kinds", [2, 8, 20])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_noise__mixtures_of_fewer_kinds_than_half_the_dimensions__are_no_noise(kinds, seed):
    assert not field_of(mixed(200, kinds, seed)).is_noise


def test_one__all_equal_but_for_their_length__are_one_vector_and_no_noise():
    equal = field_of([[factor * 0.5] * DIMS for factor in range(1, 40)])
    assert equal.is_one
    assert not equal.is_noise
    assert not field_of([[1.0, 0.0]] * 39 + [[1.0, 0.1]]).is_one


def test_add__wrong_length_zero_or_not_finite__is_recorded_and_left_out():
    field = field_of(mixed(20, 3))
    before = field.mean_cosine
    field.add("short", [1.0])
    field.add("zero", [0.0] * DIMS)
    field.add("endless", [math.inf, *[0.0] * (DIMS - 1)])
    field.add("none", [math.nan, *[0.0] * (DIMS - 1)])
    assert (field.wrong, field.zero) == (["short"], ["zero", "endless", "none"])
    assert field.mean_cosine == before
