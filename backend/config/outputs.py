"""What an answer says of a thing, by the serializer that also documents it."""

from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.fields import SkipField


class Output(serializers.Serializer[Any]):
    """The body of an answer, or a part of it; to show several is to show each.

    A serializer copies its fields for each answer, which takes longer than to show them. These show things alone, so a
    process makes their fields once.
    """

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return what the fields say of it."""
        shown: dict[str, Any] = {}
        for name, field in fields_of(type(self)).items():
            if isinstance(field, serializers.SerializerMethodField):
                shown[name] = getattr(self, f"get_{name}")(instance)
                continue
            try:
                value = field.get_attribute(instance)
            except SkipField:
                continue
            shown[name] = None if value is None else field.to_representation(value)
        return shown


@cache
def fields_of(kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """Return the fields of a kind of serializers by name; they are shared, and know no request."""
    return dict(kind().fields)
