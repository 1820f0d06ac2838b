"""Queries for both systems: seeded vectors and vectors of documents, with every combination of filters."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handover.config.search import SharedSearch
from handover.schema.search_index import Document


@dataclass(frozen=True)
class Query:
    """One query; ``origin`` says where its vectors come from, so that it can be sent again."""

    origin: str
    vectors: Mapping[str, Sequence[float]]
    filters: Mapping[str, str]

    @property
    def title(self) -> str:
        """Its name for people."""
        wanted = ", ".join(f"{name} {value}" for name, value in self.filters.items()) or "no filter"
        return f"{' + '.join(self.vectors)} of {self.origin}, {wanted}"

    @property
    def size(self) -> tuple[int, int]:
        """Its size: how many filters and vectors; the smallest example is shown."""
        return len(self.filters), len(self.vectors)


def queries(
    search: SharedSearch, dims: Mapping[str, int], documents: Sequence[Document], count: int, seed: int
) -> Iterator[Query]:
    """Yield ``count`` queries, the same for the same seed and documents.

    Parameters
    ----------
    search
        Names of vectors and filters.
    dims
        Length of each vector, by its name in a query.
    documents
        A sample; every other query takes the vectors of one of them, so that near and equal scores occur.
    count, seed
        How many queries, and the seed of the random ones.
    """
    rng = random.Random(seed)  # noqa: S311 - reproducible, no secret
    combinations = _combinations(search)
    rng.shuffle(combinations)
    asked = itertools.cycle(combinations)
    for number in range(count):
        names, filters = next(asked)
        if number % 2 and documents:
            document = documents[rng.randrange(len(documents))]
            vectors = {n: document.vectors[search.vectors[n]] for n in names if search.vectors[n] in document.vectors}
            if vectors:
                yield Query(f"document {document.id}", vectors, filters)
                continue
        # A random direction of the space; numbers in single precision, as documents have them.
        vectors = {name: [round(rng.gauss(0.1, 1), 4) for _ in range(dims[name])] for name in names}
        yield Query(f"seed {seed}, no. {number}", vectors, filters)


def _combinations(search: SharedSearch) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """Return every choice of filter values, each with one vector, with two, and with all."""
    names = tuple(search.vectors)
    values = [[None, *options] for options in search.filters.values()]
    chosen = [
        {name: value for name, value in zip(search.filters, choice, strict=True) if value is not None}
        for choice in itertools.product(*values)
    ]
    vectors = dict.fromkeys([names, names[:1], names[1:2], names[-2:], *((name,) for name in names)])
    return [(some, filters) for filters in chosen for some in vectors if some]
