"""Sections of ``handover.toml`` as tests write them."""

import tomli_w

NEWEST = {"dancers": "date_joined", "dance_videos": "duration"}


def section(name: str = "watch", **values: object) -> str:
    """Return a section of ``handover.toml``; a watch is quick unless it is told otherwise."""
    quick = {"interval_s": 0.05, "window_s": 0.3, "min_requests": 2, "newest": NEWEST} if name == "watch" else {}
    return tomli_w.dumps({name: {**quick, **values}})
