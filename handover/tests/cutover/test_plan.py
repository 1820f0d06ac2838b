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


TARGETS = {
    "another record": ('record = "www"', 'record = "other1"', "record is www, and now other1"),
    "another zone": ('zone = "compas.test"', 'zone = "other.test"', "zone is compas.test, and now other.test"),
    "another backend": (
        'backend = ["127.0.0.3"]',
        'backend = ["127.0.0.7"]',
        "backend is 127.0.0.3, and now 127.0.0.7",
    ),
    "another original": ('original = ["127.0.0.2"]', 'original = ["127.0.0.7"]', "original is 127.0.0.2, and now"),
    "another TTL": ("\nttl_s = 30\n", "\nttl_s = 31\n", "ttl_s is 30, and now 31"),
    "another type": ('record = "www"', 'record = "www"\ntype = "CNAME"', "type is A, and now CNAME"),
}


@pytest.mark.parametrize("how", TARGETS)
@pytest.mark.thinned(to_one_in=3)
def test_cutover__plan_is_for_something_else_than_the_file_says_now__is_refused(story, how):
    old, new, said = TARGETS[how]
    story.in_parallel()
    checksum = story.plan()
    text = story.file.read_text()
    assert old in text
    story.file.write_text(text.replace(old, new, 1))
    refused = story.refused("cutover", "--apply", checksum)
    assert f"HO579  plan {checksum[: plan.SHORT]} is not for what handover.toml declares now: " in refused
    assert said in refused
    story.declare('[[gates]]\nid = "signed"\nkind = "sign-offs"\nreason = "x"\nroles = ["DevOps"]')
    assert "HO579" in story.refused("sign", "--as", "DevOps", "--because", "x")
    assert story.people_reach() == ["127.0.0.2"]
    story.file.write_text(text)
    story.done("cutover", "--apply", checksum)


def test_resume__the_file_names_something_else_by_now__is_refused_and_leads_back(story):
    story.in_parallel()
    with story.name_server.fault("servfail updates"):
        story.handover("cutover", "--apply", story.plan())
    text = story.file.read_text()
    story.file.write_text(text.replace('backend = ["127.0.0.3"]', 'backend = ["127.0.0.7"]'))
    assert "HO579" in story.refused("resume")
    assert "`write the record` failed: HO579" in story.handover("status").stdout
    assert story.people_reach() == ["127.0.0.2"]
    story.done("resume", "--back")
    assert story.state() == "rolled_back"


TAKE_A_PLAN = [("cutover", "--apply"), ("gates", "--plan"), ("sign", "--as", "DevOps", "--because", "x", "--plan")]
NO_PLANS = ["*", "?", "?" * 12, "/", ".", "..", "~", "8a2479c97e1f*", "\n", "💃", "a" * 5000, "{}", "%s", "-"]


def test_commands_that_take_a_plan__a_word_that_is_none__is_refused_in_plain_words(story):
    story.with_journal()
    plan.save(story.config, make_plan(story.config))
    for words in TAKE_A_PLAN:
        for name in NO_PLANS:
            ended = story.handover(*words, name)
            assert ended.returncode in (2, 3), (name, ended.stderr)
            assert "Traceback" not in ended.stderr
            assert "defect of handover" not in ended.stderr
    assert story.state() == "preparing"


HOSTILE = {
    "nested deeply": "[" * 100_000,
    "a list": "[1, 2]",
    "a number": "7",
    "not text": b"\xff\xfe",
    "empty": "",
    "no plan's values": '{"checksum": "0", "zone": 7}',
    "a text": '"x"',
    "a number that is none": '{"checksum": NaN}',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_plan_load__file_is_hostile__is_refused_in_plain_words(story, what):
    path = story.pair.folder / "plan.json"
    path.write_bytes(HOSTILE[what] if isinstance(HOSTILE[what], bytes) else HOSTILE[what].encode())
    with pytest.raises(Refused, match=r"HO576  .*is no plan: it (has no|is no JSON object of a plan)"):
        plan.load(story.config, str(path))


def test_plan_load__another_plan_under_the_name_of_the_reviewed_one__is_refused(story):
    """Both are signed here; what was typed is compared with what is read, not with the file's name."""
    reviewed = plan.save(story.config, make_plan(story.config))
    story.file.write_text(story.file.read_text().replace('backend = ["127.0.0.3"]', 'backend = ["127.0.0.7"]'))
    other = plan.save(story.config, make_plan(story.config))
    name = reviewed.stem
    shutil.copy(other, reviewed)
    with pytest.raises(Refused, match=r"HO576  .*is not as it was written: its checksum is"):
        plan.load(story.config, name)


def test_plan_load__two_plans_begin_alike__the_whole_checksum_decides(story):
    made = plan.save(story.config, make_plan(story.config))
    checksum = json.loads(made.read_text())["checksum"]
    assert plan.load(story.config, checksum).checksum == checksum
    wrong = checksum[: plan.SHORT] + ("0" if checksum[plan.SHORT] != "0" else "1")
    said = f"HO576  no plan has the checksum {wrong}. .* One that begins alike has {checksum}"
    with pytest.raises(Refused, match=said):
        plan.load(story.config, wrong)
    with pytest.raises(Refused, match="HO576  no plan has the checksum 0123456789ab"):
        plan.load(story.config, "0123456789ab")
