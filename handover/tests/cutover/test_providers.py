"""The switch at Cloudflare, Route 53 and Google Cloud DNS: octoDNS's real packages, fakes of their interfaces."""

import copy
import json
import logging
import os
import threading

import pytest

from handover_testing.at_provider import TTL_S, AtProvider, at_backend, at_providers, in_parallel
from handover_testing.night import BACKEND, ORIGINAL, red
from sandbox.providers.cloudflare import EDGE

ALL = ["cloudflare", "route53", "google"]
WORDS = {
    "cloudflare": ("More than 1200 requests per 300 seconds reached", "Cloudflare error"),
    "route53": ("Throttling", "InternalFailure"),
    "google": ("429 POST", "503 POST"),
}


@pytest.fixture
def there(request, story, monkeypatch):
    with at_providers(story, monkeypatch, *request.param.split("+")) as made:
        yield made


def only(there: AtProvider):
    (fake,) = there.fakes.values()
    return fake


def others(fake) -> list[object]:
    return copy.deepcopy([one for one in fake.records if not str(one.get("name", one.get("Name"))).startswith("www")])


FULL = "COMPAS_FULL" in os.environ


def at(*short: str):
    """Run a test at these providers; at all of them in the long run."""
    return pytest.mark.parametrize("there", ALL if FULL else short, indirect=True)


at_cloudflare = pytest.mark.parametrize("there", ["cloudflare"], indirect=True)
at_route53 = pytest.mark.parametrize("there", ["route53"], indirect=True)
at_google = pytest.mark.parametrize("there", ["google"], indirect=True)


@at("route53")
def test_there_and_back__one_record_changes_and_nothing_else(there):
    story, fake = there.story, only(there)
    more = {"comment": "the shop", "tags": ["team:shop", "app:web", "on-call"]} if "cloudflare" in there.fakes else {}
    fake.add("www", "A", ORIGINAL, ttl=300, **more)
    fake.add("mail", "A", "127.0.0.9", ttl=300)
    fake.add("", "MX", "10 mail.compas.test.") if "cloudflare" not in there.fakes else None
    fake.published_now()
    before = others(fake)
    story.begins()
    plan = story.done("cutover", "plan").stdout
    assert f"from {ORIGINAL} (TTL {TTL_S} s)\n    to   {BACKEND} (TTL {TTL_S} s)" in plan
    assert (
        'kept cloudflare.comment = "the shop"\n    kept cloudflare.tags = ["app:web", "on-call", "team:shop"]' in plan
    ) is bool(more)
    story.done("cutover", "--apply", story.plan())
    assert (story.state(), story.people_reach(), at_backend(there)) == ("switched", [BACKEND], True)
    story.done("rollback", "--apply", "--because", "a trial")
    assert (story.state(), story.people_reach()) == ("rolled_back", [ORIGINAL])
    assert others(fake) == before
    if more:
        (held,) = fake.held("www")
        assert (held["comment"], held["ttl"], held["proxied"]) == ("the shop", TTL_S, False)
        assert sorted(held["tags"]) == ["app:web", "on-call", "team:shop"]


@at_cloudflare
def test_cloudflare__record_is_proxied__stays_proxied_there_and_back(there):
    story, fake = there.story, only(there)
    fake.add("www", "A", ORIGINAL, proxied=True, comment="the shop")
    fake.published_now()
    story.begins()
    plan = story.done("cutover", "plan").stdout
    assert "kept cloudflare.proxied = true" in plan
    assert "proxied at cloudflare: name servers answer the proxy's addresses, before and after" in plan
    assert "People reach: original; as the journal says." in story.done("status").stdout
    story.declare('[[gates]]\nid = "ttl"\nkind = "ttl"\nreason = "a switch must be quick"')
    assert "ttl" not in red(story, later_s=0)
    story.done("cutover", "--apply", story.plan())
    (held,) = fake.held("www")
    assert (held["content"], held["proxied"], held["comment"]) == (BACKEND, True, "the shop")
    assert story.people_reach() == list(EDGE)
    assert "People reach: backend; as the journal says." in story.done("status").stdout
    ended = story.done("rollback", "--apply", "--because", "a trial")
    assert (
        'kept at cloudflare: cloudflare.auto-ttl = true, cloudflare.comment = "the shop", cloudflare.proxied'
        in ended.stderr
    )
    (held,) = fake.held("www")
    assert (held["content"], held["proxied"], held["comment"]) == (ORIGINAL, True, "the shop")


@at_cloudflare
def test_cloudflare__proxy_was_switched_off_since_the_plan__applies_nothing(there):
    story, fake = there.story, only(there)
    in_parallel(there, proxied=True)
    plan = story.plan()
    fake.held("www")[0].update(proxied=False, ttl=300)
    said = story.refused("cutover", "--apply", plan)
    assert "what cloudflare keeps with the record is nothing else by now. Nothing was applied." in said
    assert fake.writes == []


@at_cloudflare
def test_cloudflare__ttl_is_automatic_and_declared__stays_automatic_there_and_back(there):
    story, fake = there.story, only(there)
    story.file.write_text(story.file.read_text().replace(f"ttl_s = {TTL_S}", "ttl_s = 300"))
    fake.add("www", "A", ORIGINAL)
    fake.published_now()
    story.begins()
    story.done("cutover", "--apply", story.plan())
    assert [(one["content"], one["ttl"]) for one in fake.held("www")] == [(BACKEND, 1)]
    story.done("rollback", "--apply", "--because", "a trial")
    assert [(one["content"], one["ttl"]) for one in fake.held("www")] == [(ORIGINAL, 1)]


@at("google")
def test_rehearse_rollback__second_name_is_new__is_made_and_ours_stays(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    story.done("rehearse-rollback", "--apply")
    values = {name: value for name, _, _, value in fake.answers()}
    assert (values["rehearsal.compas.test."], values["www.compas.test."]) == ((ORIGINAL,), (ORIGINAL,))


@pytest.mark.parametrize("there", ["cloudflare+google"], indirect=True)
def test_begin_and_plan__proxied_at_one_provider_alone__is_refused(there):
    story = there.story
    in_parallel(there)
    there.fake("cloudflare").held("www")[0].update(proxied=True, ttl=1)
    said = "HO570  the record is proxied at cloudflare and not at google"
    assert said in story.refused("cutover", "plan")
    assert not any("changes" in one for one in there.fake("google").writes)


@at_cloudflare
def test_cutover__provider_loses_what_it_kept__is_not_switched_until_it_is_back(there):
    story, fake = there.story, only(there)
    in_parallel(there, comment="the shop")
    plan = story.plan()
    put = fake._put
    fake._put = lambda old, sent: put(old, {name: value for name, value in sent.items() if name != "comment"})
    ended = story.handover("cutover", "--apply", plan)
    assert ended.returncode == 1
    assert f"HO578  cloudflare took the change, but holds A {BACKEND} (TTL {TTL_S} s) with nothing else" in ended.stderr
    assert 'with cloudflare.comment = "the shop" was sent' in ended.stderr
    ended = story.handover("resume")
    assert (ended.returncode, story.state()) == (1, "switching")
    assert 'the plan was made with cloudflare.comment = "the shop"' in ended.stderr
    fake.held("www")[0]["comment"] = "the shop"
    story.done("resume")
    assert (story.state(), at_backend(there)) == ("switched", True)


GEO = {
    "geo": {"items": [{"location": "europe-west1", "rrdatas": [ORIGINAL]}], "kind": "dns#rRSetRoutingPolicyGeoPolicy"}
}
CANNOT = {
    "proxied of one value": (
        "cloudflare",
        [(ORIGINAL, {"proxied": True}), ("127.0.0.4", {})],
        "has values that differ in proxied",
    ),
    "comment of one value": (
        "cloudflare",
        [(ORIGINAL, {"ttl": 300, "comment": "a"}), ("127.0.0.4", {"ttl": 300})],
        "has values that differ in comment",
    ),
    "settings": (
        "cloudflare",
        [(ORIGINAL, {"ttl": 300, "settings": {"ipv4_only": True}})],
        "has settings of its own (ipv4_only = True)",
    ),
    "automatic TTL": ("cloudflare", [(ORIGINAL, {})], "has Cloudflare's automatic TTL, which a TTL of 60 s would take"),
    "weights": (
        "route53",
        [(ORIGINAL, {"SetIdentifier": "old", "Weight": "90"}), (BACKEND, {"SetIdentifier": "new", "Weight": "10"})],
        "has a set with SetIdentifier new, Weight 10; and a set with SetIdentifier old, Weight 90",
    ),
    "region": ("route53", [(ORIGINAL, {"SetIdentifier": "eu", "Region": "eu-west-1"})], "Region eu-west-1"),
    "place": (
        "route53",
        [(ORIGINAL, {"SetIdentifier": "all", "GeoLocation": {"CountryCode": "*"}})],
        "GeoLocation {'CountryCode': '*'}",
    ),
    "failover": (
        "route53",
        [(ORIGINAL, {"SetIdentifier": "a", "Failover": "PRIMARY", "HealthCheckId": "abc"})],
        "Failover PRIMARY, HealthCheckId abc",
    ),
    "health check": ("route53", [(ORIGINAL, {"HealthCheckId": "abc"})], "has a set with HealthCheckId abc"),
    "routing policy": ("google", [(ORIGINAL, {"routingPolicy": GEO})], "has a routing policy (geo)"),
}


PLANTED = list(CANNOT) if FULL else ["proxied of one value", "automatic TTL", "weights", "routing policy"]


@pytest.mark.parametrize(("there", "sets", "said"), [CANNOT[one] for one in PLANTED], ids=PLANTED, indirect=["there"])
def test_begin_and_plan__record_cannot_be_kept_whole__is_refused_before_anything(there, sets, said):
    story, fake = there.story, only(there)
    for value, more in sets:
        fake.add("www", "A", value, **more)
    text = story.file.read_text().replace(
        f'original = ["{ORIGINAL}"]', f"original = {json.dumps([v for v, _ in sets])}"
    )
    story.file.write_text(text)
    before = copy.deepcopy(fake.records)
    story.with_journal()
    for refusal in (story.refused("cutover", "begin", "--apply"), story.refused("cutover", "plan")):
        assert said in refusal
        assert "HO577" in refusal
        assert "Nothing was changed." in refusal
    assert (fake.records, fake.writes, story.state()) == (before, [], "preparing")


@at_cloudflare
def test_begin__ttl_is_shorter_than_the_provider_takes__is_refused(there):
    story, fake = there.story, only(there)
    fake.add("www", "A", ORIGINAL, ttl=300)
    story.with_journal()
    story.file.write_text(story.file.read_text().replace(f"ttl_s = {TTL_S}", "ttl_s = 30"))
    said = story.refused("cutover", "begin", "--apply")
    assert "HO577" in said
    assert "no TTL below 60 s (min_ttl in octoDNS's configuration): 30 s would become 60 s" in said
    assert fake.writes == []


@at_cloudflare
def test_plan__record_has_another_type__is_refused(there):
    story, fake = there.story, only(there)
    text = story.file.read_text().replace('record = "www"', 'record = ""\ntype = "CNAME"')
    text = text.replace(f'original = ["{ORIGINAL}"]', 'original = ["old.compas.test"]')
    story.file.write_text(text.replace(f'backend = ["{BACKEND}"]', 'backend = ["new.compas.test"]'))
    fake.add("", "CNAME", "old.compas.test", ttl=TTL_S)
    said = story.refused("cutover", "plan")
    assert "HO573  cloudflare: @ is ALIAS old.compas.test. (TTL 60 s); [dns] type says CNAME" in said
    assert fake.writes == []


@at_route53
def test_plan__name_is_an_alias__says_so(there):
    fake = only(there)
    fake.add(
        "www", "A", AliasTarget={"HostedZoneId": "Z1", "DNSName": "lb.amazonaws.com.", "EvaluateTargetHealth": "true"}
    )
    said = there.story.refused("cutover", "plan")
    assert "HO577  route53: www A has a set with AliasTarget" in said
    assert fake.writes == []


@at_route53
@pytest.mark.full
def test_cutover__another_record_has_pools_and_health_checks__they_stay_as_they_are(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    check = {"CallerReference": "0001:A:geo.compas.test.:abc", "IPAddress": "127.0.0.7", "Port": "443", "Type": "HTTPS"}
    check |= {"ResourcePath": "/status", "FullyQualifiedDomainName": "geo.compas.test", "RequestInterval": "30"}
    check |= dict.fromkeys(("MeasureLatency", "Disabled", "Inverted", "EnableSNI"), "false") | {"FailureThreshold": "3"}
    fake.health_checks["hc"] = check
    pool, zone = "_octodns-eu-pool.geo.compas.test.", {"HostedZoneId": fake.zone_id, "EvaluateTargetHealth": "true"}
    fake.add("_octodns-default-pool.geo", "A", "127.0.0.8")
    fake.add("_octodns-eu-value.geo", "A", "127.0.0.7", SetIdentifier="eu-000", Weight="1", HealthCheckId="hc")
    primary = {"SetIdentifier": "eu-Primary", "Failover": "PRIMARY"}
    fake.add(
        "_octodns-eu-pool.geo", "A", AliasTarget=zone | {"DNSName": "_octodns-eu-value.geo.compas.test."}, **primary
    )
    secondary = {"SetIdentifier": "eu-Secondary-default", "Failover": "SECONDARY"}
    default = zone | {"DNSName": "_octodns-default-pool.geo.compas.test."}
    fake.add("_octodns-eu-pool.geo", "A", AliasTarget=default, **secondary)
    everywhere = {"SetIdentifier": "0-eu-None", "GeoLocation": {"CountryCode": "*"}}
    fake.add("geo", "A", AliasTarget=zone | {"DNSName": pool}, **everywhere)
    before, checks = others(fake), copy.deepcopy(fake.health_checks)
    story.done("cutover", "--apply", story.plan())
    assert (story.state(), at_backend(there)) == ("switched", True)
    assert (others(fake), fake.health_checks) == (before, checks)


@at_route53
@pytest.mark.parametrize("reference", ["0001:A:www.compas.test.:abc", "0000:A:abc"])
def test_plan__octodns_would_delete_a_health_check_with_the_change__is_refused(there, reference):
    fake = only(there)
    in_parallel(there)
    fake.health_checks["hc"] = {"CallerReference": reference, "FullyQualifiedDomainName": "www.compas.test"}
    said = there.story.refused("cutover", "plan")
    assert "HO577  route53: www A has a health check of octoDNS (hc) that it would delete" in said
    fake.health_checks["hc"]["CallerReference"] = "made by hand"
    there.story.plan()
    assert (fake.writes, list(fake.health_checks)) == ([], ["hc"])


@at_google
def test_cutover__another_record_has_a_routing_policy__it_stays_as_it_is(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    fake.add("geo", "A", routingPolicy=GEO)
    before = others(fake)
    story.done("cutover", "--apply", story.plan())
    assert (story.state(), at_backend(there)) == ("switched", True)
    assert others(fake) == before


@at("google")
def test_cutover__provider_refuses_too_many_requests__says_its_words_and_resume_does_it(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    fake.faults.throttled_writes = 1
    (name,) = there.fakes
    ended = story.handover("cutover", "--apply", story.plan())
    assert ended.returncode == 1
    assert f"HO572  the provider {name} could not be changed" in ended.stderr
    assert WORDS[name][0] in ended.stderr
    assert (story.state(), there.values(name)) == ("switching", [ORIGINAL])
    story.done("resume")
    assert (story.state(), at_backend(there)) == ("switched", True)


def chat(over: threading.Event) -> None:
    while not over.wait(0.01):
        logging.getLogger("another.package").warning("I have nothing to do with it")


@at_cloudflare
def test_cutover__octodns_waits_before_it_tries_again__the_message_says_so(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    plan = story.plan()
    text = (
        there.octodns.read_text()
        .replace("retry_count: 0", "retry_count: 4")
        .replace("retry_period: 0", "retry_period: 60")
    )
    there.octodns.write_text(text)
    story.file.write_text(story.file.read_text().replace("timeout_s = 60", "timeout_s = 5"))
    fake.faults.throttled_writes = 1
    over = threading.Event()
    chatter = threading.Thread(target=chat, args=[over])  # of another package, which is not asked
    chatter.start()
    ended = story.handover("cutover", "--apply", plan)
    over.set()
    chatter.join()
    assert "could not be changed within 5 s. It said: rate limit encountered, pausing for 60s" in ended.stderr


@at("cloudflare")
def test_cutover__provider_fails__nothing_is_switched(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    fake.faults.failing_writes = 1
    (name,) = there.fakes
    ended = story.handover("cutover", "--apply", story.plan())
    assert (ended.returncode, WORDS[name][1] in ended.stderr) == (1, True)
    assert (story.state(), there.values(name)) == ("switching", [ORIGINAL])


@at("cloudflare")
def test_cutover__provider_answers_an_error_and_did_it__is_switched_and_says_so(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    fake.faults.unsaid_writes = 1
    (name,) = there.fakes
    ended = story.done("cutover", "--apply", story.plan())
    assert f"{name} holds the record as it was wanted, although it answered an error" in ended.stderr
    assert (story.state(), at_backend(there)) == ("switched", True)


@at("google")
def test_cutover__provider_gives_back_older_records_for_a_while__is_waited_for(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    plan = story.plan()
    story.file.write_text(story.file.read_text().replace("verify_s = 0.5", "verify_s = 5"))
    write = fake._write

    def stale_after(request):
        answer = write(request)
        fake.faults.stale_reads = 3
        return answer

    fake._write = stale_after
    story.done("cutover", "--apply", plan)
    assert (story.state(), at_backend(there), fake.faults.stale_reads) == ("switched", True, 0)


@at("cloudflare")
def test_cutover__provider_says_that_it_did_it_and_did_not__is_not_switched(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    fake.faults.lost_writes = 1
    (name,) = there.fakes
    ended = story.handover("cutover", "--apply", story.plan())
    assert ended.returncode == 1
    assert f"HO578  {name} took the change, but holds A {ORIGINAL} (TTL {TTL_S} s)" in ended.stderr
    story.done("resume")
    assert (story.state(), at_backend(there)) == ("switched", True)


@pytest.mark.parametrize("there", ["cloudflare+route53"], indirect=True)
@pytest.mark.full
def test_cutover__second_provider_fails__resume_finishes_and_the_way_back_takes_both(there):
    story = there.story
    in_parallel(there)
    plan = story.plan()
    there.fake("route53").faults.throttled_writes = 1
    ended = story.handover("cutover", "--apply", plan)
    assert "HO572  the provider route53 could not be changed" in ended.stderr
    assert (there.values("cloudflare"), there.values("route53")) == ([BACKEND], [ORIGINAL])
    assert story.state() == "switching"
    writes = len(there.fake("cloudflare").writes)
    story.done("resume")
    assert (story.state(), at_backend(there)) == ("switched", True)
    assert len(there.fake("cloudflare").writes) == writes  # it held the record already
    there.fake("route53").faults.throttled_writes = 1
    assert story.handover("rollback", "--apply", "--because", "a trial").returncode == 1
    assert (there.values("cloudflare"), there.values("route53")) == ([ORIGINAL], [BACKEND])
    story.done("resume")
    assert (there.values("cloudflare"), there.values("route53")) == ([ORIGINAL], [ORIGINAL])


@at_cloudflare
@pytest.mark.parametrize("back", [False, True], ids=["on", "back"])
def test_cutover__first_of_two_values_was_written__resume_goes_on_or_back(there, back):
    story, fake = there.story, only(there)
    text = story.file.read_text().replace(f'original = ["{ORIGINAL}"]', f'original = ["{ORIGINAL}", "127.0.0.4"]')
    story.file.write_text(text.replace(f'backend = ["{BACKEND}"]', f'backend = ["{BACKEND}", "127.0.0.5"]'))
    in_parallel(there)
    fake.add("www", "A", "127.0.0.4", ttl=TTL_S)
    fake.published_now()
    plan = story.plan()
    fake.faults.spared_writes, fake.faults.throttled_writes = 1, 1
    assert story.handover("cutover", "--apply", plan).returncode == 1
    assert sorted(there.values("cloudflare")) not in ([ORIGINAL, "127.0.0.4"], [BACKEND, "127.0.0.5"])
    story.done("resume", *(["--back", "--because", "a trial"] if back else []))
    assert sorted(there.values("cloudflare")) == ([ORIGINAL, "127.0.0.4"] if back else [BACKEND, "127.0.0.5"])


@at_cloudflare
def test_cutover__another_hand_mixed_both_addresses__the_plan_is_void(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    plan = story.plan()
    fake.add("www", "A", BACKEND, ttl=TTL_S)
    assert f"but the record is A {ORIGINAL}, {BACKEND}" in story.refused("cutover", "--apply", plan)
    assert fake.writes == []


NAMED = {
    "leaves it out": (
        "  p: {class: octodns.processor.filter.NameRejectlistFilter, rejectlist: [www]}",
        "HO574  octoDNS's processors (p) leave www.compas.test. out",
    ),
    "forbids the TTL": (
        "  p: {class: octodns.processor.restrict.TtlRestrictionFilter, min_ttl: 120}",
        "forbid the change of www.compas.test.",
    ),
    "gives another TTL": (
        "  p: {class: octodns.processor.clamp.TtlClampProcessor, min_ttl: 120}",
        "HO574  octoDNS's processors (p) make",
    ),
}


@pytest.mark.parametrize("there", ["google"], indirect=True)
@pytest.mark.parametrize(("declared", "said"), NAMED.values(), ids=list(NAMED))
def test_plan__octodns_own_processor_is_against_it__is_refused(there, declared, said):
    in_parallel(there)
    there.processors(declared, "p")
    assert said in there.story.refused("cutover", "plan")
    assert only(there).writes == ["POST /token"] or not any("changes" in one for one in only(there).writes)


@at("google")
def test_cutover__octodns_own_processors_add_records__only_ours_is_written(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    owner = "  p: {class: octodns.processor.ownership.OwnershipProcessor}"
    there.processors(
        f"{owner}\n  q: {{class: octodns.processor.filter.NameRejectlistFilter, rejectlist: [mail]}}", "p", "q"
    )
    before = others(fake)
    story.done("cutover", "--apply", story.plan())
    assert (at_backend(there), others(fake)) == (True, before)


@at("cloudflare")
def test_cutover__secret_of_the_provider__is_in_no_output_and_no_journal(there):
    story, fake = there.story, only(there)
    in_parallel(there)
    fake.faults.failing_writes = 1
    ended = story.handover("cutover", "--apply", story.plan())
    secret = getattr(fake, "token", "") or getattr(fake, "access_key", "") or next(iter(fake.tokens))
    kept = "".join(path.read_text() for path in (story.pair.folder / ".handover").rglob("*.json*"))
    assert secret not in ended.stderr + ended.stdout + kept
