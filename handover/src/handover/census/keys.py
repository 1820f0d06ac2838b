"""Keys of rows as they may be shown to people: never personal data."""

from psycopg import sql

from handover.schema.subject import Pair


def shown(pair: Pair) -> sql.Composed:
    """Return SQL for the key of a row ``t``: numbers and UUIDs as they are, of other text its MD5; it may be a name."""
    parts = sql.SQL(", ").join(_column(pair, name) for name in pair.original.key)
    return sql.SQL("concat_ws(',', {})").format(parts)


def _column(pair: Pair, column: str) -> sql.Composed:
    name = sql.Identifier(column)
    if pair.table.columns[column].type in ("smallint", "integer", "bigint", "uuid"):
        return sql.SQL("t.{}::text").format(name)
    return sql.SQL(
        "CASE WHEN t.{0}::text ~ '^[0-9a-fA-F]{{8}}(-?[0-9a-fA-F]{{4}}){{3}}-?[0-9a-fA-F]{{12}}$' THEN t.{0}::text"
        " ELSE 'md5 ' || md5(t.{0}::text) END"
    ).format(name)
