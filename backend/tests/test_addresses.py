"""Addresses that a process works out once are those that Django makes."""

import uuid

import pytest
from django.urls import get_script_prefix, reverse, set_script_prefix

from config.addresses import address_of

NAMES = ["api:choreography", "api:choreography-video", "api:choreography-picture", "api:public-video"]


@pytest.fixture(params=["/", "/dances/"])
def prefix(request):
    before = get_script_prefix()
    set_script_prefix(request.param)
    yield request.param
    set_script_prefix(before)


@pytest.mark.parametrize("name", NAMES)
def test_address__of_two_keys_and_below_each_prefix__is_what_django_makes(name, prefix):
    for key in (uuid.uuid4(), uuid.uuid4()):
        assert address_of(name, key) == reverse(name, args=[key])
        assert address_of(name, key).startswith(prefix)
