import json

import pytest

from handover.config.config import Config
from handover.journal.evidence import PLACE, EvidenceError, evidence_key, latest, recording

SYSTEM = {"path": "s", "python": ["python"], "settings": "settings"}
MODELS = [{"original": "a.A", "backend": "b.A", "table": "a"}]


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("HANDOVER_EVIDENCE_KEY", raising=False)
    return Config.model_validate({"root": tmp_path, "original": SYSTEM, "backend": SYSTEM, "models": MODELS})


def record(config, **summary):
    with recording(config, "prove") as recorder:
        recorder.line("rows", {"seen": 1})
        recorder.summary.update(summary)


def test_recording__finished__is_found_again_with_its_lines(config):
    record(config, fingerprint="f1")
    sealed = latest(config, "prove")
    assert sealed.summary["fingerprint"] == "f1"
    assert list(sealed.lines("rows")) == [{"seen": 1}]
    assert latest(config, "check") is None


def test_latest__several_within_a_second__is_the_last(config):
    for number in range(20):
        record(config, number=number)
        assert latest(config, "prove").summary["number"] == number


@pytest.mark.parametrize("file", ["rows.jsonl", "summary.json", "another.jsonl"])
def test_latest__a_file_was_changed_or_added__is_no_evidence(config, file):
    record(config)
    path = latest(config, "prove").folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | {"green": True}) if path.exists() else "{}")
    with pytest.raises(EvidenceError, match="is not what was signed"):
        latest(config, "prove")


def test_latest__signed_with_another_key__is_no_evidence(config, monkeypatch):
    record(config)
    monkeypatch.setenv("HANDOVER_EVIDENCE_KEY", "another")
    with pytest.raises(EvidenceError, match="another key signed it"):
        latest(config, "prove")


def test_latest__summary_is_gone__says_what_a_folder_holds(config):
    record(config)
    (latest(config, "prove").folder / "summary.json").unlink()
    with pytest.raises(EvidenceError, match=r"is no evidence.*holds summary\.json and signature"):
        latest(config, "prove")


def test_recording__interrupted__leaves_nothing(config):
    with pytest.raises(KeyboardInterrupt), recording(config, "prove"):
        raise KeyboardInterrupt
    assert list((config.root / PLACE).iterdir()) == []


def test_evidence_key__made_here__only_this_account_reads_it(config):
    assert evidence_key(config, signs=True) == evidence_key(config)
    assert (config.root / ".handover" / "key").stat().st_mode & 0o777 == 0o600
