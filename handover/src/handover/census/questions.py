"""Every question that is asked of a shared table; they are answered in one pass."""

from collections.abc import Iterator

from handover.census.accounts import mixed_case_emails, shared_emails
from handover.census.json_values import json_nulls, other_json_kinds
from handover.census.paths import absolute_paths, empty_paths
from handover.census.question import Question
from handover.census.references import keys_without_uuid, orphans
from handover.census.values import (
    beyond_choices,
    beyond_integers,
    beyond_python_times,
    empty_texts,
    long_texts,
    not_finite,
    nulls,
)
from handover.schema.subject import Pair, Subject

OF_COLUMNS = (
    beyond_choices,
    not_finite,
    beyond_integers,
    nulls,
    json_nulls,
    beyond_python_times,
    long_texts,
    empty_texts,
    other_json_kinds,
    absolute_paths,
    empty_paths,
    keys_without_uuid,
)


def questions(subject: Subject, pair: Pair) -> Iterator[Question]:
    """Yield every question that the facts of both models give rise to."""
    for ask in OF_COLUMNS:
        yield from ask(pair)
    yield from orphans(subject, pair)
    yield from mixed_case_emails(subject, pair)
    yield from shared_emails(subject, pair)
