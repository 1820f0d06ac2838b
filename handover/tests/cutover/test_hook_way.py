"""A switch by a hook of the team: what it says is looked at, and what it does not say is not assumed."""

import pytest

from handover_testing.balanced_stage import ByHook
from handover_testing.crashes import run


@pytest.fixture
def by_hook(story):
    stage = ByHook()
    story.with_journal()
    stage.declare(story)
    story.stage = stage
    run(story, "begin")
    yield story
    stage.end()


def answers(story, script: str) -> None:
    """Let the team's program answer otherwise."""
    (story.pair.folder / "hooks/move").write_text(script)


def test_cutover__by_hook__there_and_back(by_hook):
    run(by_hook, "cutover")
    assert (by_hook.state(), by_hook.stage.share()) == ("switched", 100)
    run(by_hook, "rollback")
    assert (by_hook.state(), by_hook.stage.share()) == ("rolled_back", 0)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho nothing\n", "its last line must be a JSON object"),
        ("#!/bin/sh\necho '{}'\n", "it does not say how many percent reach the backend: 'backend_pct'"),
        ("#!/bin/sh\necho '{\"backend_pct\": 120}'\n", "it says 120 %, which is no share"),
        ("#!/bin/sh\nexit 1\n", "HO580  the hook switch failed with status 1"),
    ],
)
def test_status__hook_says_no_share__is_unknown(by_hook, script, said):
    answers(by_hook, script)
    found = by_hook.status()
    assert found.agrees is None
    assert said in "\n".join(found.answers)


def test_cutover__hook_says_that_it_is_done_and_people_go_elsewhere__is_seen_in_real_requests(by_hook):
    text = by_hook.file.read_text()
    by_hook.file.write_text(text.replace("verify_s = 5", "verify_s = 0.2").replace("samples = 20", "samples = 200"))
    plan = by_hook.plan()
    said = """#!/bin/sh
case "$(cat)" in *send*) touch sent ;; esac
[ -e sent ] && echo '{"backend_pct": 10}' || echo '{"backend_pct": 0}'
"""
    answers(by_hook, said)
    ended = by_hook.handover("cutover", "--apply", plan)
    assert ended.returncode == 1
    assert "HO622  after" in ended.stderr
    assert "0 of 200 sampled requests reached the backend; at least 1 fit 10 %" in ended.stderr
    assert by_hook.state() == "switching"
