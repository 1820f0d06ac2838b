"""Which records of a zone decide what people get from ours."""

import pytest

from handover.config.config import Dns
from handover.cutover.neighbours import around, changed, worth_telling


def dns(**more) -> Dns:
    return Dns(zone="compas.test", record="www.shop", original=("127.0.0.2",), backend=("127.0.0.3",), **more)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("www.shop", "A"),
        ("www.shop", "AAAA"),
        ("www.shop", "CNAME"),
        ("www.shop", "ALIAS"),
        ("www.shop", "HTTPS"),
        ("www.shop", "SVCB"),
        ("www.shop", "NS"),
        ("www.shop", "DNAME"),
        ("www.shop", "CAA"),
        ("www.shop", "OF-TOMORROW"),
        ("shop", "NS"),
        ("shop", "DNAME"),
        ("shop", "DS"),
        ("shop", "CAA"),
        ("", "NS"),
        ("", "CAA"),
        ("*.shop", "A"),
        ("*", "CNAME"),
        ("*", "OF-TOMORROW"),
    ],
)
def test_is_near__decides_what_people_get(name, kind):
    assert around(dns(), "www.shop").is_near(name, kind)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("www.shop", "TXT"),
        ("www.shop", "MX"),
        ("shop", "A"),
        ("", "A"),
        ("", "MX"),
        ("mail", "CNAME"),
        ("www", "A"),
        ("_acme-challenge.www.shop", "TXT"),
        ("_acme-challenge.www.shop", "NS"),
        ("*", "TXT"),
        ("*.other", "A"),
        ("xwww.shop", "A"),
    ],
)
def test_is_near__answers_another_question__is_not(name, kind):
    assert not around(dns(), "www.shop").is_near(name, kind)


def test_is_near__record_at_the_zones_own_name():
    here = around(dns(), "")
    assert here.is_near("", "NS")
    assert here.is_near("", "AAAA")
    assert not here.is_near("", "MX")
    assert not here.is_near("www", "A")


def test_is_near__name_that_an_alias_leads_to_in_the_zone():
    alias = dns(type="CNAME").model_copy(update={"original": ("old.compas.test",), "backend": ("new.elsewhere.test.",)})
    here = around(alias, "www.shop")
    assert here.is_near("old", "A")
    assert here.is_near("old", "CNAME")
    assert not here.is_near("new", "A")


def test_changed__new_gone_and_different():
    assert changed({"a A": "1", "b A": "1", "c A": "1"}, {"b A": "2", "c A": "1", "d A": "1"}) == [
        "a A is gone",
        "b A is different",
        "d A is new",
    ]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("_acme-challenge*", []),
        ("_acme-challenge.www TXT", []),
        ("_acme-challenge* A", ["_acme-challenge.www TXT is new"]),
        ("acme", ["_acme-challenge.www TXT is new"]),
        ("* txt", []),
    ],
)
def test_worth_telling__declared_harmless(pattern, left):
    assert worth_telling(["_acme-challenge.www TXT is new"], [pattern]) == left
