"""The gate: proofs hold if every group was green on this shape of the database in the last 24 hours."""

from datetime import UTC, datetime, timedelta

import pytest

from handover.config.config import Config
from handover.journal.evidence import recording
from handover.proof.gate import proven
from handover.proof.groups import GROUPS

SHAPE = "0123456789abcdef"
NAMES = [name for group in GROUPS for name in group.outcomes]


SYSTEM = {"path": "s", "python": ["python"], "settings": "settings"}
MODELS = [{"original": "a.A", "backend": "b.A", "table": "a"}]


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("HANDOVER_EVIDENCE_KEY", raising=False)
    return Config.model_validate({"root": tmp_path, "original": SYSTEM, "backend": SYSTEM, "models": MODELS})


def record(config, **changes: object) -> None:
    with recording(config, "prove") as recorder:
        summary = {"fingerprint": SHAPE, "on": "throw-away copy", "groups": {name: {"green": True} for name in NAMES}}
        recorder.summary |= summary | changes


def test_proven__all_green_on_this_shape__gives_no_reason(config):
    record(config)
    assert proven(config, SHAPE) == []


def test_proven__group_had_nothing_to_compare__gives_no_reason(config):
    groups = {name: {"green": True, "nothing": ""} for name in NAMES}
    record(
        config, groups=groups | {"storage": {"green": False, "nothing": "no model of either system has a file field"}}
    )
    assert proven(config, SHAPE) == []
    record(config, groups=groups | {"storage": {"green": False, "nothing": ""}})
    assert proven(config, SHAPE) == ["storage is not green; run `handover prove` again"]


def test_proven__nothing_was_run__is_a_reason(config):
    assert proven(config, SHAPE) == ["nothing was proved yet; run `handover prove`"]


def test_proven__another_shape__is_a_reason(config):
    record(config)
    (reason,) = proven(config, "fedcba9876543210")
    assert reason.startswith("it was proved on the shape 0123456789abcdef, the database has fedcba9876543210")


@pytest.mark.parametrize("name", NAMES)
def test_proven__group_is_red__is_a_reason(config, name):
    record(config, groups={n: {"green": n != name} for n in NAMES})
    assert proven(config, SHAPE) == [f"{name} is not green; run `handover prove` again"]


@pytest.mark.parametrize("name", NAMES)
def test_proven__group_was_not_run__is_a_reason(config, name):
    record(config, groups={n: {"green": True} for n in NAMES if n != name})
    assert proven(config, SHAPE) == [f"{name} was not run; run `handover prove` again with all groups"]


def test_proven__green_is_not_true__is_a_reason(config):
    record(config, groups={n: {"green": "yes"} for n in NAMES})
    assert len(proven(config, SHAPE)) == len(NAMES)


def test_proven__run_is_too_old_or_of_the_future__is_a_reason(config):
    record(config)
    later = datetime.now(UTC) + timedelta(hours=25)
    assert proven(config, SHAPE, now=later) == ["the last run ended 25 h ago, more than 24; run `handover prove` again"]
    (reason,) = proven(config, SHAPE, now=datetime.now(UTC) - timedelta(hours=1))
    assert reason.startswith("the last run ended in the future by this clock")


def test_proven__run_only_read__is_a_reason(config):
    record(config, on="production, read only")
    assert proven(config, SHAPE) == ["the last run only read; run `handover prove` again on a copy"]


def test_proven__evidence_was_changed__is_a_reason(config):
    record(config)
    (summary,) = (config.root / ".handover" / "evidence").glob("prove-*/summary.json")
    summary.write_text(summary.read_text().replace("throw-away copy", "staging"))
    (reason,) = proven(config, SHAPE)
    assert "is not what was signed" in reason
