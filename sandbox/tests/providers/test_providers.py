"""The fakes of three providers, asked by the real octoDNS packages: they keep a zone, and refuse what is wrong."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from google.api_core.exceptions import GoogleAPICallError
from octodns.provider.plan import Plan
from octodns.record import Create, Delete, Record, Update
from octodns.zone import Zone
from octodns_cloudflare import CloudflareError, CloudflareProvider
from octodns_googlecloud import GoogleCloudProvider
from octodns_route53 import Route53Provider

from sandbox.providers.api import FakeProvider
from sandbox.providers.cloudflare import EDGE, FakeCloudflare
from sandbox.providers.google import PROJECT, FakeGoogle
from sandbox.providers.route53 import FakeRoute53

ZONE = "compas.test."
FULL = "COMPAS_FULL" in os.environ
KINDS = {"cloudflare": FakeCloudflare, "route53": FakeRoute53, "google": FakeGoogle}
REFUSALS = (CloudflareError, ClientError, GoogleAPICallError, requests.HTTPError)


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("google") / "account.json"


@pytest.fixture(params=KINDS)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeProvider]:
    with KINDS[request.param](ZONE) as made:
        yield made


def client(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch, credentials: Path, *, stranger: bool = False) -> Any:
    """Return octoDNS's provider, asking a fake."""
    if isinstance(fake, FakeCloudflare):
        token = "another" if stranger else fake.token
        url = f"{fake.url}/client/v4"
        return CloudflareProvider("it", token=token, api_url=url, min_ttl=60, retry_count=0, retry_period=0)
    if isinstance(fake, FakeRoute53):
        monkeypatch.setenv("AWS_ENDPOINT_URL_ROUTE_53", fake.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")  # an address of one's own has no region
        key = "AKIAOTHER" if stranger else fake.access_key
        return Route53Provider("it", access_key_id=key, secret_access_key="secret", client_max_attempts=0)
    fake.write_credentials(credentials)
    made = GoogleCloudProvider("it", project=PROJECT, credentials_file=str(credentials))
    made.gcloud_client._connection.API_BASE_URL = fake.url
    return made


def read(provider: Any) -> Zone:
    zone = Zone(ZONE, set())
    provider.populate(zone, lenient=True)
    return zone


def record(zone: Zone, name: str, *values: str, ttl: int = 60, kind: str = "A") -> Record:
    data = {"type": kind, "ttl": ttl, **({"value": values[0]} if kind == "CNAME" else {"values": list(values)})}
    return Record.new(zone, name, data, lenient=True)


def apply(provider: Any, *changes: Any) -> None:
    zone = read(provider)
    provider.apply(Plan(zone, zone, list(changes), True))


def test_provider__records_are_made_changed_and_deleted__are_read_back(fake, monkeypatch, credentials):
    provider = client(fake, monkeypatch, credentials)
    zone = Zone(ZONE, set())
    apply(
        provider, Create(record(zone, "www", "127.0.0.2", "127.0.0.3")), Create(record(zone, "c", ZONE, kind="CNAME"))
    )
    found = read(client(fake, monkeypatch, credentials))
    assert found.get_type("www", "A").values == ["127.0.0.2", "127.0.0.3"]
    assert (found.get_type("c", "CNAME").value, found.get_type("c", "CNAME").ttl) == (ZONE, 60)
    old = found.get_type("www", "A")
    apply(client(fake, monkeypatch, credentials), Update(old, record(zone, "www", "127.0.0.4", ttl=120)))
    now = read(client(fake, monkeypatch, credentials)).get_type("www", "A")
    assert (now.values, now.ttl) == (["127.0.0.4"], 120)
    apply(client(fake, monkeypatch, credentials), Delete(now))
    assert read(client(fake, monkeypatch, credentials)).get_type("www", "A") is None
    assert ("www.compas.test.", "A") not in [(name, kind) for name, kind, *_ in fake.answers()]


WRONG = [("other", "b.test.", "CNAME"), ("c", "a.test.", "CNAME"), ("www", "999.0.0.1", "A")]
FAULTS = [("unsaid_writes", True), ("throttled_writes", False), ("failing_writes", False)]


@pytest.mark.parametrize("wrong", WRONG if FULL else WRONG[:1])
def test_provider__record_is_wrong__is_refused_and_nothing_is_changed(fake, monkeypatch, credentials, wrong):
    fake.add("c", "CNAME", "a.test.")
    fake.add("other", "A", "127.0.0.9")
    before = list(fake.records)
    name, value, kind = wrong
    new = Record.new(
        Zone(ZONE, set()), name, {"type": kind, "ttl": 60, "value": "127.0.0.1", "values": []}, lenient=True
    )
    new.values, new.value = [value], value
    with pytest.raises(REFUSALS):
        apply(client(fake, monkeypatch, credentials), Create(new))
    assert fake.records == before


@pytest.mark.parametrize(("fault", "done"), FAULTS if FULL else FAULTS[:2])
def test_provider__fault__is_answered_with_an_error(fake, monkeypatch, credentials, fault, done):
    provider = client(fake, monkeypatch, credentials)
    new = Create(record(Zone(ZONE, set()), "www", "127.0.0.2"))
    setattr(fake.faults, fault, 1)
    with pytest.raises(REFUSALS):
        apply(provider, new)
    assert (read(client(fake, monkeypatch, credentials)).get_type("www", "A") is not None) is done


def test_provider__stale_read__has_the_record_from_before(fake, monkeypatch, credentials):
    apply(client(fake, monkeypatch, credentials), Create(record(Zone(ZONE, set()), "www", "127.0.0.2")))
    fake.faults.stale_reads = 1
    assert read(client(fake, monkeypatch, credentials)).get_type("www", "A") is None
    assert read(client(fake, monkeypatch, credentials)).get_type("www", "A") is not None


def test_provider__lost_write__is_answered_as_if_done(fake, monkeypatch, credentials):
    fake.faults.lost_writes = 1
    apply(client(fake, monkeypatch, credentials), Create(record(Zone(ZONE, set()), "www", "127.0.0.2")))
    assert read(client(fake, monkeypatch, credentials)).get_type("www", "A") is None


def test_provider__many_records__are_read_page_by_page(fake, monkeypatch, credentials):
    for number in range(250):
        fake.add(f"n{number}", "A", "127.0.0.9")
    assert len([one for one in read(client(fake, monkeypatch, credentials)).records if one._type == "A"]) == 250
    assert len([one for one in fake.requests if "r" in one.rpartition("/")[2]]) >= 3


@pytest.mark.parametrize("fake", ["cloudflare", "route53"], indirect=True)
def test_provider__another_key__is_refused(fake, monkeypatch, credentials):
    with pytest.raises(REFUSALS, match=r"Invalid access token|security token included in the request is invalid"):
        read(client(fake, monkeypatch, credentials, stranger=True))


@pytest.mark.parametrize("fake", ["google"], indirect=True)
def test_google__token_of_another__is_refused(fake):
    url = f"{fake.url}/dns/v1/projects/{PROJECT}/managedZones"
    answer = requests.get(url, headers={"Authorization": "Bearer another"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (401, "authError")


@pytest.mark.parametrize("fake", ["cloudflare"], indirect=True)
def test_cloudflare__put_leaves_something_out__it_is_gone(fake):
    old = fake.add("www", "A", "127.0.0.2", ttl=60, proxied=True, comment="the shop", tags=["team:shop"])
    assert (old["ttl"], fake.answers()) == (1, [("www.compas.test.", "A", 300, EDGE)])
    url = f"{fake.url}/client/v4/zones/{fake.zone_id}/dns_records/{old['id']}"
    sent = {"name": "www.compas.test", "type": "A", "content": "127.0.0.3", "ttl": 60}
    answer = requests.put(url, json=sent, headers={"Authorization": f"Bearer {fake.token}"}, timeout=5)
    assert answer.json()["success"] is True
    (now,) = fake.held("www")
    assert (now["proxied"], now["comment"], now["tags"], now["ttl"]) == (False, None, [], 60)


@pytest.mark.parametrize("fake", ["cloudflare"], indirect=True)
def test_cloudflare__ttl_is_too_short__is_refused_in_its_words(fake):
    url = f"{fake.url}/client/v4/zones/{fake.zone_id}/dns_records"
    sent = {"name": "www.compas.test", "type": "A", "content": "127.0.0.3", "ttl": 30}
    answer = requests.post(url, json=sent, headers={"Authorization": f"Bearer {fake.token}"}, timeout=5)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["error_chain"][0]["code"]) == (400, 1004, 9021)


@pytest.mark.parametrize("fake", ["route53"], indirect=True)
def test_route53__simple_set_beside_weighted_ones__is_refused_in_its_words(fake, monkeypatch, credentials):
    fake.add("www", "A", "127.0.0.2", SetIdentifier="old", Weight="90")
    fake.add("www", "A", "127.0.0.3", SetIdentifier="new", Weight="10")
    old = read(client(fake, monkeypatch, credentials)).get_type("www", "A")
    new = record(Zone(ZONE, set()), "www", "127.0.0.4")
    with pytest.raises(ClientError, match=r"InvalidChangeBatch.*cannot be created as other RRSets exist"):
        apply(client(fake, monkeypatch, credentials), Update(old, new))


@pytest.mark.parametrize("fake", ["google"], indirect=True)
def test_google__deletion_is_not_what_is_there__is_refused_in_its_words(fake, monkeypatch, credentials):
    fake.add("www", "A", "127.0.0.2", ttl=300)
    zone = Zone(ZONE, set())
    provider = client(fake, monkeypatch, credentials)
    read(provider)
    fake.held("www")["ttl"] = 301
    with pytest.raises(GoogleAPICallError, match=r"412.*Precondition not met for 'entity.change.deletions"):
        provider.apply(Plan(zone, zone, [Delete(record(zone, "www", "127.0.0.2", ttl=300))], True))
