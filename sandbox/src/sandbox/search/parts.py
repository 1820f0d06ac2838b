"""The parts of an answer that ``filter_path`` asks for."""

from collections.abc import Sequence
from typing import Any


def parts_of(answer: Any, wanted: Sequence[Sequence[str]]) -> Any:
    """Return an answer with these paths alone; what is left without any part is left out.

    Examples
    --------
    >>> parts_of({"hits": {"total": 2, "hits": [{"_id": "a", "_score": 1}]}}, [["hits", "hits", "_id"]])
    {'hits': {'hits': [{'_id': 'a'}]}}
    """
    if isinstance(answer, list):
        return [part for one in answer if (part := parts_of(one, wanted))]
    if not isinstance(answer, dict):
        return None
    kept = {}
    for name, value in answer.items():
        further = [path[1:] for path in wanted if path[0] in {name, "*"}]
        part = value if [] in further else parts_of(value, further)
        if [] in further or part:
            kept[name] = part
    return kept
