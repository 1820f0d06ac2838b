"""A provider that writes whole files: octoDNS's own YAML provider, with pools and health checks of its records."""

from pathlib import Path

import pytest
import yaml

from handover.cutover import provider
from handover.cutover.dns_record import dns_record
from handover.errors import Refused

POOLS = {"pools": {"eu": {"values": [{"value": "127.0.0.2"}]}}, "rules": [{"pool": "eu"}]}
CHECK = {"healthcheck": {"host": "www.compas.test", "path": "/status", "port": 443, "protocol": "HTTPS"}}
RECORDS = {
    "": {"type": "NS", "values": ["ns.compas.test."]},
    "geo": {"type": "A", "ttl": 300, "value": "127.0.0.8", "dynamic": POOLS, "octodns": CHECK},
    "www": {"type": "A", "ttl": 300, "value": "127.0.0.2", "octodns": CHECK},
}


@pytest.fixture
def target(story):
    """Return the provider, and a function that reads its file."""
    octodns = story.pair.folder / "octodns.yaml"
    folder = story.pair.folder / "zones"
    folder.mkdir()
    providers = {
        "file": {"class": "octodns.provider.yaml.YamlProvider", "directory": str(folder), "escaped_semicolons": False}
    }
    zones = {"compas.test.": {"sources": [], "targets": ["file"]}}
    octodns.write_text(yaml.safe_dump({"providers": providers, "zones": zones}))
    file = folder / "compas.test.yaml"
    file.write_text(yaml.safe_dump(RECORDS))
    (made,) = provider.providers(story.config)
    return made, lambda: yaml.safe_load(file.read_text())


def test_write__lowers_the_ttl__keeps_the_health_check_and_the_pools_of_others(target):
    made, read = target
    before = read()
    made.write("www", dns_record("A", 30, ["127.0.0.2"]))
    after = read()
    assert (after["www"]["ttl"], after["www"]["octodns"]) == (30, CHECK)
    assert after["geo"]["dynamic"]["pools"]["eu"]["values"][0]["value"] == "127.0.0.2"
    assert after["geo"]["octodns"] == CHECK
    assert after.keys() == before.keys()
    assert made.zone_state("www").extras == CHECK


def test_write__record_has_pools__is_refused_and_the_file_stays(target):
    made, read = target
    before = read()
    for act in (made.check_whole, made.write):
        with pytest.raises(
            Refused, match=r"HO577  file: geo A has dynamic answers \(.*127\.0\.0\.2.*Nothing was changed"
        ):
            act("geo", dns_record("A", 30, ["127.0.0.8"]))
    assert read() == before


def test_write__record_is_not_there_yet__is_made(target):
    made, read = target
    made.write("rehearsal", dns_record("A", 30, ["127.0.0.2"]))
    assert read()["rehearsal"] == {"type": "A", "ttl": 30, "value": "127.0.0.2"}


def test_zone_state__word_of_cloudflare_at_another_provider__is_no_proxy(target):
    made, _ = target
    words = {"octodns": {"cloudflare": {"proxied": True}}}
    file = Path(made.open().handle.directory) / "compas.test.yaml"
    file.write_text(yaml.safe_dump({**RECORDS, "www": {**RECORDS["www"], **words}}))
    state = made.zone_state("www")
    assert (state.extras, state.is_proxied) == (words["octodns"], False)
