"""Whether the vectors of an index are useful, or all equal, zero, or noise."""

import math
import operator
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# If the mean pairwise cosine is nearer to 1 than this, all vectors are the same.
ALL_EQUAL = 1e-6
# All pairs of so many vectors are compared: 2,016 pairs give the mean of their squares to about 3 %.
SAMPLE = 64
FEWEST_FOR_NOISE = 16
# Independent noise of d numbers has cosines of mean square 1/d. Useful vectors have fewer free directions, and their
# mean square is more than this many times as large.
NOISE_FACTOR = 1.5


@dataclass
class VectorField:
    """One vector field, added up document by document.

    Attributes
    ----------
    name, dims
        Its name, and the length that the mapping names.
    count
        How many documents have it.
    wrong, zero
        Ids of documents whose vector has another length; and of those whose vector is zero or not finite.
    """

    name: str
    dims: int
    seed: int = 0
    count: int = 0
    wrong: list[str] = field(default_factory=list)
    zero: list[str] = field(default_factory=list)
    _usable: int = 0
    _total: list[float] = field(default_factory=list)
    _sample: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with empty sums."""
        self._total = [0.0] * self.dims
        self._random = random.Random(f"{self.seed} {self.name}")  # noqa: S311 - a sample, no secret

    def add(self, name: str, vector: Sequence[float]) -> None:
        """Add the vector of a document."""
        self.count += 1
        if len(vector) != self.dims:
            self.wrong.append(name)
            return
        length = math.sqrt(math.fsum(number * number for number in vector))
        if not 0 < length < math.inf:
            self.zero.append(name)
            return
        unit = [number / length for number in vector]
        self._usable += 1
        self._total = list(map(operator.add, self._total, unit))
        # Each vector is in the sample with the same chance (reservoir sampling, algorithm R).
        if len(self._sample) < SAMPLE:
            self._sample.append(unit)
        elif (place := self._random.randrange(self._usable)) < SAMPLE:
            self._sample[place] = unit

    @property
    def mean_cosine(self) -> float | None:
        """Mean cosine of all pairs, -1 to 1; None for fewer than two vectors.

        The sum over all pairs of unit vectors is (|sum of all|² - n) / 2, so nothing is compared twice.
        """
        n = self._usable
        if n < 2:  # noqa: PLR2004 - a pair
            return None
        return (math.fsum(number * number for number in self._total) - n) / (n * (n - 1))

    @property
    def is_one(self) -> bool:
        """Whether all are the same vector."""
        mean = self.mean_cosine
        return mean is not None and mean > 1 - ALL_EQUAL

    @property
    def is_noise(self) -> bool:
        """Whether the vectors are like independent random numbers: no two are nearer than by chance.

        What all vectors have in common is subtracted first; the mean of the squared cosines of noise is then 1/d, plus
        1/(n-1)² since n vectors about their mean repel each other a little.
        """
        n = len(self._sample)
        if n < FEWEST_FOR_NOISE or self.is_one:
            return False
        centre = [math.fsum(column) / n for column in zip(*self._sample, strict=True)]
        units = [_unit(list(map(operator.sub, vector, centre))) for vector in self._sample]
        squares = [_dot(units[i], units[j]) ** 2 for i in range(n) for j in range(i)]
        expected = 1 / self.dims + 1 / (n - 1) ** 2
        return math.fsum(squares) / len(squares) < NOISE_FACTOR * expected


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(_dot(vector, vector))
    return [number / length for number in vector] if length else vector


def _dot(one: Iterable[float], other: Iterable[float]) -> float:
    return float(sum(map(operator.mul, one, other)))
