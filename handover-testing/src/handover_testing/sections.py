"""Sections of ``handover.toml`` as tests write them."""

import json


def section(name: str = "watch", **values: object) -> str:
    """Return a section of ``handover.toml``; a watch is quick unless it is told otherwise."""
    quick = {"interval_s": 0.05, "window_s": 0.3, "min_requests": 2, "newest": NEWEST} if name == "watch" else {}
    return "\n".join([f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in {**quick, **values}.items())])


NEWEST = {"dancers": "date_joined", "dance_videos": "duration"}


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
