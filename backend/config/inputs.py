"""What a body may hold: the fields that are declared, and texts of one line that are seen."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.utils.serializer_helpers import BindingDict

from config.texts import one_line, seen

# So much of what a client sent is said back to it.
NAMED = 100
LONGEST_NAME = 100
JSON_TYPES: tuple[tuple[type[Any], tuple[type[Any], ...]], ...] = (
    (serializers.CharField, (str,)),
    (serializers.BooleanField, (bool,)),
    (serializers.IntegerField, (int, float)),
    (serializers.FloatField, (int, float)),
)
# The context of a body that a page has put together from its form.
OF_FORM = {"is_form": True}


class Parameters(serializers.Serializer[Any]):
    """The parameters of a query. To copy the fields for each request would take longer than to read them."""

    @property
    def fields(self) -> Any:
        """The fields, which know no request and so are shared."""
        return _fields_of(type(self))


@cache
def _fields_of(kind: type[Parameters]) -> BindingDict:
    parameters = kind()
    fields = BindingDict(parameters)
    for name, field in parameters.get_fields().items():
        fields[name] = field
    return fields


class Input(serializers.Serializer[Any]):
    """The body of a request. A misspelt field would otherwise be ignored, and its sender believe that it counts."""

    # The forms of pages are read with the same fields, and send their buttons and a CSRF token beside them.
    is_form = False

    def get_fields(self) -> dict[str, Any]:
        """Return the fields. Every text is one line that is seen, but for secrets: they are compared, never shown."""
        fields: dict[str, Any] = super().get_fields()
        for field in fields.values():
            value = getattr(field, "child", field)
            if isinstance(value, serializers.CharField) and not value.write_only:
                value.validators = [*value.validators, one_line, seen]
            _read_strictly(value)
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """Read the fields. Raises ValidationError, which names every field that is wrong or unknown."""
        is_checked = isinstance(data, Mapping) and (self.is_form or not isinstance(data, QueryDict))
        wrong: dict[str, Any] = unknown(set(data) - set(self.fields)) if is_checked else {}
        if self.is_form and isinstance(data, QueryDict):
            wrong |= {name: ["Send one, not several."] for name, sent in data.lists() if len(sent) > 1}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            details = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
            raise ValidationError(wrong | details) from error
        if wrong:
            raise ValidationError(wrong)
        return value


def _read_strictly(field: Any) -> None:
    """Let a field refuse JSON of another type, which would be turned into its own; forms have texts alone."""
    kinds = next((kinds for kind, kinds in JSON_TYPES if isinstance(field, kind)), None)
    read = field.to_internal_value

    def read_strictly(value: Any) -> Any:
        # True is an int of Python's, and no number of JSON's.
        is_right = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)) if kinds else True
        return read(value) if is_right or _is_of_form(field) else field.fail("invalid")

    field.to_internal_value = read_strictly


def _is_of_form(field: Any) -> bool:
    return isinstance(field.root.initial_data, QueryDict) or bool(field.context.get("is_form"))


def unknown(names: set[Any], what: str = "field") -> dict[str, list[str]]:
    """Return the errors for names that are not declared."""
    shown = sorted(_shown(name) for name in names)
    return {name: [f"There is no such {what} here."] for name in shown[:NAMED]}


def _shown(name: Any) -> str:
    # Half a surrogate cannot be sent back.
    return str(name)[:LONGEST_NAME].encode(errors="replace").decode()
