"""A plan is what was reviewed: its checksum says so, and plans that an older version wrote still work."""

import json

import pytest

from handover.cutover import plan
from handover.cutover.dns_record import DnsRecord
from handover.cutover.plan import CutoverPlan
from handover.errors import Refused

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
    assert made.to == DnsRecord("A", 30, ("127.0.0.3",))
    assert made.zone_at("ours").record == DnsRecord("A", 30, ("127.0.0.2",))
    assert made.zone_at("theirs") is None


def test_plan_load__file_of_an_older_version__is_loaded_by_its_checksum(story):
    path = story.pair.folder / plan.FOLDER / f"{WRITTEN['checksum'][: plan.SHORT]}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(WRITTEN))
    assert plan.load(story.config, WRITTEN["checksum"]).as_json() == WRITTEN
    assert plan.load(story.config, str(path)) == plan.newest(story.config)


def test_plan_save__then_load__is_equal(story):
    made = plan.make(story.config)
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
