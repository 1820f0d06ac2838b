"""Reads rows through the system's own models, each column as a keyed digest: no value leaves the system."""

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Dict

if TYPE_CHECKING:  # they are given to it
    from handover.probe.plain import plain


def read_rows(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return for each key column → digest, or None if the model's manager does not find the row."""
    from django.apps import apps
    from django.db import connection

    connection.close_if_unusable_or_obsolete()
    model = apps.get_model(request["model"])
    fields = [field for field in model._meta.concrete_fields if field.column in request["columns"]]
    rows = {}
    for row in model._default_manager.filter(pk__in=request["keys"]):
        rows[str(row.pk)] = {field.column: digest(field.value_from_object(row), request["secret"]) for field in fields}
    return {"rows": [rows.get(key) for key in request["keys"]]}


def text(value: Any) -> Any:
    """Return a value as bytes to be hashed."""
    kind = "json " if isinstance(value, (dict, list)) else ""  # a document is not equal to its text
    return (kind + plain(value)).encode("utf-8", "surrogatepass")


def digest(value: Any, secret: Any) -> str:
    """Return the keyed digest of a value."""
    if hasattr(value, "storage") and hasattr(value, "name"):
        value = value.name  # a file is the name in its column; None and '' differ
    return hmac.new(secret.encode(), text(value), hashlib.sha256).hexdigest()


ANSWERS = {"read_rows": read_rows}
