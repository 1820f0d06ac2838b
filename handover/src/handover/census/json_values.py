"""JSON in rows that code does not expect."""

from collections.abc import Iterator

from psycopg import sql

from handover.census.question import SURVIVE, Condition, question, shared_columns
from handover.schema.subject import Pair

JSON_KINDS = {"builtins.dict": "object", "builtins.list": "array", "dict:{}": "object", "list:[]": "array"}
# Of which the usual kind of a column's JSON is taken, when no default says it.
FIRST_ROWS = 1000


@question("HO222")
def json_nulls(pair: Pair) -> Iterator[Condition]:
    """No row holds JSON null.

    What is wrong
    -------------
    A `jsonb` column holds the JSON value `null`. That is a value, not SQL NULL.

    Why it hurts
    ------------
    Django reads both as `None`. `filter(column__isnull=True)` does not find the row. A save of the whole object writes
    SQL NULL instead, which a NOT NULL column refuses.

    Example
    -------
    `library_readers.preferences` is `null` in a row that a script wrote with `json.dumps(None)`.

    Mend
    ----
    Write the model's default.

    ```sql
    UPDATE library_readers SET preferences = '{}' WHERE preferences = 'null'::jsonb;
    ```
    """
    for column in shared_columns(pair):
        if column.live.type == "jsonb":
            expected = "a read and a save makes it SQL NULL, and isnull does not find it"
            if not column.live.null:
                expected = "a read and a save makes it SQL NULL, which the column refuses"
            yield Condition(
                column=column.name,
                condition=sql.SQL("{} = 'null'::jsonb").format(column.sql),
                found="rows hold JSON null",
                expected=expected,
                todo="Write what the model's default is, or prove that both systems survive it.",
            )


@question("HO237")
def other_json_kinds(pair: Pair) -> Iterator[Condition]:
    """Rows hold the kind of JSON that the default has, or that most rows hold.

    What is wrong
    -------------
    A column's default is an object and some rows hold a list, or the other way round. Where no default tells, the
    most frequent kind of the first 1000 rows is expected.

    Why it hurts
    ------------
    Code that looks up a key fails at a list; code that iterates over a list gets the keys of an object. The two systems
    may handle it differently.

    Example
    -------
    `users.preferences` has the default `{}`, and old rows hold `[]`.

    Mend
    ----
    Convert the rows, or show that both systems read them. An empty list becomes an empty object; look at the others
    one by one, so that nothing in them is lost.

    ```sql
    UPDATE users SET preferences = '{}' WHERE preferences = '[]';
    SELECT id, preferences FROM users WHERE jsonb_typeof(preferences) = 'array';
    ```
    """
    for column in shared_columns(pair):
        if column.live.type != "jsonb":
            continue
        kinds = {JSON_KINDS.get(field.default.value) for _, field in column.sides()} - {None}
        known = sql.Literal(kinds.pop()) if len(kinds) == 1 else None
        usual = known or sql.SQL(
            "(SELECT mode() WITHIN GROUP (ORDER BY jsonb_typeof(f.{0})) FROM (SELECT {0} FROM {1}"
            " WHERE {0} IS NOT NULL AND {0} <> 'null'::jsonb LIMIT {2}) AS f)"
        ).format(column.sql, sql.Identifier(*pair.table.key), sql.Literal(FIRST_ROWS))
        # Numbers, texts and truth values may stand in one column; code that looks into an object fails at all of them.
        other = "(jsonb_typeof({0}) <> {1} AND {1} IN ('object', 'array') AND jsonb_typeof({0}) <> 'null')"
        default = f"the models' default, {known.as_string()}" if known else "most do"
        yield Condition(
            column=column.name,
            condition=sql.SQL(other).format(column.sql, usual),
            found=f"rows hold another kind of JSON than {default}",
            expected="code that looks into an object or a list fails at the other",
            todo=SURVIVE,
        )
