"""A user's preferences: an object, changed key by key and never replaced.

The original replaces the whole object, and old rows may hold a list or a text instead. So reading always
gives an object, and a change is one UPDATE that merges in the database: keys that another request, or a
later version of either system, has written stay.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import F, IntegerField, JSONField, Q, TextField, Value
from django.db.models.expressions import Combinable, Func
from django.db.models.functions import Cast

from apps.authentication.models import User
from config.errors import InvalidError, QuotaError

AUTO_SAVE = "auto_save_choreographies"
DEFAULTS = {AUTO_SAVE: True}

MAX_BYTES = 16 * 1024
MAX_DEPTH = 8
_NOT_TEXT = frozenset("\0") | frozenset(map(chr, range(0xD800, 0xE000)))

# The stored object, or an empty one in place of any other value; strict, or PostgreSQL would search a list.
_OBJECT = """COALESCE(jsonb_path_query_first(%(expressions)s, 'strict $ ? (@.type() == "object")'), '{}')"""


def preferences_of(user: User) -> dict[str, Any]:
    """Return the preferences; a key that is not set has its default."""
    return DEFAULTS | (user.preferences if isinstance(user.preferences, dict) else {})


def change_preferences(*, user: User, patch: dict[str, Any]) -> dict[str, Any]:
    """Merge ``patch`` as RFC 7396 says: null removes a key, an object merges.

    Raises InvalidError, and QuotaError if they would be larger than one user's may be.
    """
    _check(patch)
    merged, most = _merged(F("preferences"), patch), settings.USER_PREFERENCES_KB * 1024
    # In the statement that writes, so that two changes at once cannot both pass. What is too large already may shrink.
    fits = Q(size_after__lte=most) | Q(size_after__lte=_size(F("preferences")))
    mine = User.objects.filter(pk=user.pk)
    if not mine.annotate(size_after=_size(merged)).filter(fits).update(preferences=merged) and mine.exists():
        raise QuotaError(
            f"With this your preferences would be too large; they may have {settings.USER_PREFERENCES_KB} KiB in all."
            " Remove keys that you do not need: null removes one.",
            code="quota-preferences",
            limit=most,
        )
    user.refresh_from_db(fields=["preferences"])
    return preferences_of(user)


def _size(preferences: Combinable) -> Func:
    return Func(Cast(preferences, TextField()), function="octet_length", output_field=IntegerField())


def _merged(target: Combinable, patch: dict[str, Any]) -> Func:
    removed = [key for key, value in patch.items() if value is None]
    deeper = {key: value for key, value in patch.items() if isinstance(value, dict)}
    plain = {key: value for key, value in patch.items() if value is not None and key not in deeper}
    kept = Func(Func(target, template=_OBJECT), Value(removed), template="(%(expressions)s::text[])", arg_joiner=" - ")
    merged = [_object(key, _merged(_value_at(target, key), value)) for key, value in deeper.items()]
    parts = [kept, Value(plain, JSONField()), *merged]
    return Func(*parts, template="(%(expressions)s)", arg_joiner=" || ", output_field=JSONField())


def _value_at(target: Combinable, key: str) -> Func:
    return Func(target, _text(key), template="(%(expressions)s)", arg_joiner=" -> ")


def _object(key: str, value: Func) -> Func:
    return Func(_text(key), value, function="jsonb_build_object")


def _text(key: str) -> Cast:
    return Cast(Value(key), TextField())


def _check(patch: dict[str, Any]) -> None:
    """Refuse what the database cannot store, and what is too large or too deep."""
    if not isinstance(patch.get(AUTO_SAVE), bool | None):
        raise InvalidError(f"{AUTO_SAVE} is true or false.", errors={AUTO_SAVE: ["Must be true or false."]})
    for depth, value in _walk(patch):
        if depth > MAX_DEPTH:
            raise InvalidError(f"Preferences may be nested {MAX_DEPTH} deep.")
        if isinstance(value, str) and not _NOT_TEXT.isdisjoint(value):
            raise InvalidError("Preferences may hold no NUL character and no half of a surrogate pair.")
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidError("Preferences may hold finite numbers only.")
    if len(json.dumps(patch, ensure_ascii=False).encode()) > MAX_BYTES:
        raise InvalidError(f"Preferences may have {MAX_BYTES} bytes at once.")


def _walk(patch: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    """Yield every key and value with its depth. No recursion: a deep body would exhaust the stack."""
    found: list[tuple[int, Any]] = [(1, patch)]
    while found:
        depth, value = found.pop()
        yield depth, value
        if isinstance(value, dict):
            found += [(depth, key) for key in value]
            found += [(depth + 1, item) for item in value.values()]
        elif isinstance(value, list):
            found += [(depth + 1, item) for item in value]
