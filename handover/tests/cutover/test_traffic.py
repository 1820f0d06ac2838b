"""Requests are counted in the way that the team declared; what was not seen is not quiet."""

import pytest

from handover.cutover.traffic import UnseenTrafficError, follow, requests_seen
from handover.errors import Refused
from handover.side import Side
from handover_testing.night import hook


def declared(story, way: str):
    """Return the pair with a way to count the original's requests."""
    before = f'original = "{story.systems["original"].url}/requests"'
    text = story.file.read_text()
    assert before in text
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", story.pair.database.url("owner"))
    story.file.write_text(text.replace(before, f'original = "{way}"' if way else ""))
    return story.config


def test_requests_seen__access_log__counts_its_lines(story):
    config = declared(story, "log:access.log")
    (story.pair.folder / "access.log").write_text("a\nb\n")
    assert requests_seen(config, Side.ORIGINAL) == 2


def test_requests_seen__hook__reads_the_number_it_prints(story):
    hook(story, "traffic", "#!/bin/sh\ncat > /dev/null\necho counting\necho 41\n")
    assert requests_seen(declared(story, "hook"), Side.ORIGINAL) == 41


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("log:gone.log", "No such file or directory"),
        ("sql:SELECT NULL", "has no number"),
        ("hook", "\\[hooks.at\\] has no traffic"),
        ("http://127.0.0.1:1/requests", "Connection refused"),
        ("by-eye", "is no way to count"),
    ],
)
def test_requests_seen__cannot_be_counted__is_not_quiet(story, way, said):
    with pytest.raises(UnseenTrafficError, match=f"{said}.*What was not seen is not quiet"):
        requests_seen(declared(story, way), Side.ORIGINAL)


def test_requests_seen__no_way_is_declared__nothing_is_switched(story):
    config = declared(story, "")
    with pytest.raises(
        Refused, match=r"HO585  handover\.toml does not say how to see whether the original still gets requests"
    ):
        requests_seen(config, Side.ORIGINAL)
    story.in_parallel()
    assert "HO585" in story.refused("cutover", "--apply", story.plan())


def test_follow__no_more_requests__is_quiet(story):
    assert follow(story.config, Side.ORIGINAL, say=print)["quiet"] is True
