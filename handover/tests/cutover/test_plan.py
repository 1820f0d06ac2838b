"""A plan is what was reviewed: its checksum says so, and plans that an older version wrote still work."""

import json
import shutil

import pytest

from handover.cutover import plan
from handover.cutover.dns_record import DnsRecord, digest
from handover.cutover.plan import CutoverPlan
from handover.cutover.planning import make_plan
from handover.errors import Refused
from handover.journal.key import signing_key
from handover.private_files import UntrustedFileError

# As `handover cutover plan` wrote it when a plan was a dict.
WRITTEN = {
    "zone": "compas.test",
    "record": "www",
    "type": "A",
    "from": {"values": ["127.0.0.2"], "ttl_s": [30]},
    "to": {"type": "A", "ttl_s": 30, "values": ["127.0.0.3"]},
    "held": [
        {
            "provider": "ours",
            "record": {"type": "A", "ttl_s": 30, "values": ["127.0.0.2"]},
            "records": 12,
            "rest": "5f2b8a4f0c9d43b1e08f6a0fd3a1c9",
        }
    ],
    "name_servers": ["127.0.0.1:5353: A 127.0.0.2 (TTL 30 s)"],
    "resolvers": [],
    "propagation_s": 30,
    "sources": [],
    "checksum": "8a2479c97e1f021ba41c099b40eac0b034c364ecacab60d3069149762736eb27",
}


def test_plan__written_by_an_older_version__is_the_same_plan_with_the_same_checksum():
    made = CutoverPlan.from_json(WRITTEN)
    assert made.as_json() == WRITTEN
    assert made.facts.to == DnsRecord("A", 30, ("127.0.0.3",))
    assert made.facts.zone_at("ours").record == DnsRecord("A", 30, ("127.0.0.2",))
    assert made.facts.zone_at("theirs") is None


def written(story, values, signed_by=None) -> str:
    """Write a plan's file as another program would, with a signature of a folder's key, or with none."""
    path = story.pair.folder / plan.FOLDER / f"{values['checksum'][: plan.SHORT]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    signature = {"signature": plan._signature(signing_key(signed_by.root), values["checksum"])} if signed_by else {}
    path.write_text(json.dumps(values | signature))
    return str(path)


def test_plan_load__file_of_an_older_version__has_no_signature_and_is_made_anew(story):
    with pytest.raises(Refused, match=r"the key of this folder did not sign it.* Make a new plan"):
        plan.load(story.config, written(story, WRITTEN))


def test_plan_load__edited_and_its_checksum_computed_anew__is_refused(story):
    edited = {**WRITTEN, "to": {"type": "A", "ttl_s": 30, "values": ["203.0.113.66"]}}
    del edited["checksum"]
    checksum = digest(edited)
    path = written(story, edited | {"checksum": checksum})
    for name in (path, checksum, checksum[: plan.SHORT]):
        with pytest.raises(Refused, match=r"HO576  .*the key of this folder did not sign it"):
            plan.load(story.config, name)
    assert story.refused("cutover", "--apply", checksum)


def test_plan_load__made_in_another_folder__is_refused(story, tmp_path):
    elsewhere = story.config.model_copy(update={"root": tmp_path / "elsewhere"})
    signing_key(story.config.root)
    with pytest.raises(Refused, match="was made in another folder"):
        plan.load(story.config, written(story, WRITTEN, signed_by=elsewhere))
    assert plan.load(story.config, written(story, WRITTEN, signed_by=story.config)).as_json() == WRITTEN


@pytest.mark.parametrize(
    "name", ["*", "?" * 12, "/", "", "..", "8a2479c", "8A2479C97E1F", "8a2479c97e1e", "8a2479c97e1ff"]
)
def test_plan_load__name_is_no_plan__is_refused(story, name):
    written(story, WRITTEN, signed_by=story.config)
    with pytest.raises(Refused, match="HO576  "):
        plan.load(story.config, name)


def test_plan_load__link_in_place_of_the_file__is_not_followed(story, tmp_path):
    path = plan.save(story.config, make_plan(story.config))
    elsewhere = tmp_path / "elsewhere.json"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(UntrustedFileError, match=r"HO253  .* is a link to .*; it was not followed"):
        plan.load(story.config, path.stem)
    before = elsewhere.read_text()
    with pytest.raises(UntrustedFileError):
        plan.save(story.config, make_plan(story.config))
    assert elsewhere.read_text() == before


def test_plan_save__then_load__is_equal(story):
    made = make_plan(story.config)
    assert plan.load(story.config, str(plan.save(story.config, made))) == made
    assert CutoverPlan.from_json(json.loads(json.dumps(made.as_json()))) == made


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"to": {"type": "A", "ttl_s": 30, "values": ["203.0.113.66"]}}, "is not as it was written: its checksum is"),
        ({"approved": True}, "is not as it was written: its checksum is"),
        ({"held": None}, "is no plan"),
        ({"to": {"type": "A"}}, "is no plan"),
    ],
)
def test_plan_load__file_was_changed_by_hand__is_refused(story, change, said):
    path = story.pair.folder / "edited.json"
    path.write_text(json.dumps(WRITTEN | change))
    with pytest.raises(Refused, match=f"HO576  .*{said}"):
        plan.load(story.config, str(path))
