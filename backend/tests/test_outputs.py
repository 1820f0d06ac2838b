"""Answers say what their serializers document, and the fields of those are made once."""

import copy

import pytest
from rest_framework import serializers

from apps.authentication.api import Me
from apps.collections.api import ChoreographyOut, Wanted
from apps.collections.models import SavedChoreography
from apps.events.api import EventOut
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.generation.wishes import TaskOut
from apps.labels.selectors import LabelsOfOne
from apps.tokens.api import TokenOut
from apps.tokens.services import issue_token
from config.outputs import Output, fields_of
from tests.generating import SONG, start


@pytest.fixture
def things(ana, media_root) -> dict[type[Output], tuple[object, dict]]:
    """A thing for each kind of output, and the context that it is shown in."""
    (media_root / "songs").mkdir()
    (media_root / "songs" / SONG).write_bytes(b"not heard before the worker comes")
    record(AccountEvent.Kind.LOGOUT, request=None, user=ana)
    kept = SavedChoreography.objects.create(user=ana, title="t", video_path="x.mp4", difficulty="beginner", duration=1)
    return {
        Me: (ana, {}),
        TaskOut: (start(ana), {}),
        TokenOut: (issue_token(user=ana, name="t", scopes=["read"])[0], {}),
        EventOut: (AccountEvent.objects.first(), {}),
        ChoreographyOut: (kept, {"labels": {kept.pk: LabelsOfOne(["noche"], "Clase")}}),
    }


def plainly(serializer: Output) -> dict:
    """Return what Django REST framework itself shows."""
    return dict(serializers.Serializer.to_representation(serializer, serializer.instance))


@pytest.mark.parametrize("kind", [Me, TaskOut, TokenOut, EventOut, ChoreographyOut])
def test_output__says_what_the_framework_would(things, kind):
    thing, context = things[kind]
    assert dict(kind(thing, context=context).data) == plainly(kind(thing, context=context))
    assert kind([thing, thing], many=True, context=context).data == [plainly(kind(thing, context=context))] * 2


def test_output__a_second_time__copies_no_field(things, monkeypatch):
    thing, _ = things[Me]
    fields_of(Me)
    copied: list[object] = []
    monkeypatch.setattr(copy, "deepcopy", lambda one, *_: copied.append(one) or one)
    assert Me(thing).data["username"] == "ana"
    assert copied == []
    plainly(Me(thing))
    assert copied != []


def test_output__of_another_context__says_what_is_so_there(things):
    kept, _ = things[ChoreographyOut]
    told = [
        ChoreographyOut(kept, context={"labels": {kept.pk: LabelsOfOne(tags)}}).data["tags"] for tags in (["a"], ["b"])
    ]
    assert told == [["a"], ["b"]]


def test_parameters__of_two_requests__share_their_fields_and_nothing_else():
    wrong, right = Wanted(data={"sort": "age"}), Wanted(data={"sort": "title"})
    assert wrong.fields is right.fields
    assert (wrong.is_valid(), right.is_valid()) == (False, True)
    assert (list(wrong.errors), right.validated_data) == (["sort"], {"sort": "title"})
