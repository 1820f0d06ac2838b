"""What the statements of a model reach: with views before the tables, that is not always the table."""

from typing import TYPE_CHECKING, Any, Dict

if TYPE_CHECKING:
    from handover.probe.agent import model_at


def relation(request: Dict[str, Any]) -> Any:
    """Return the number of the table or view that a model's statements reach in this system's sessions."""
    from django.db import connection

    with connection.cursor() as cursor:
        name = connection.ops.quote_name(model_at(request["model"])._meta.db_table)
        cursor.execute("SELECT to_regclass(%s)::oid::bigint", [name])
        return cursor.fetchone()[0]


ANSWERS = {"relation": relation}
