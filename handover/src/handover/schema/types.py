"""Names of database types, in one spelling."""

import re

INTEGERS = frozenset({"smallint", "integer", "bigint"})
# Django writes a few types in the short spelling; the catalog always uses the long one. Before 4.1 it asked for serial.
_LONG_SPELLING = {
    "varchar": "character varying",
    "char": "character",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "time": "time without time zone",
    "bool": "boolean",
    "decimal": "numeric",
    "float8": "double precision",
    "int": "integer",
    "serial": "integer",
    "bigserial": "bigint",
    "smallserial": "smallint",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "bpchar": "character",
    "varbit": "bit varying",
    "timetz": "time with time zone",
}


def canonical_type(type_name: str) -> str:
    """Return a database type in the catalog's spelling, without its schema.

    The catalog has neither the size nor the number of dimensions of an array.

    Examples
    --------
    >>> canonical_type("varchar(36)"), canonical_type("numeric(10, 2)"), canonical_type("public.citext")
    ('character varying(36)', 'numeric(10,2)', 'citext')
    >>> canonical_type("varchar(20)[3]"), canonical_type("integer[][]")
    ('character varying(20)[]', 'integer[]')
    """
    text = re.sub(r"\s*,\s*", ",", type_name.lower().strip())
    name, rest = re.fullmatch(r"([^(\[]*)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    rest = re.sub(r"(\[\d*\])+$", "[]", rest)
    if precise := re.fullmatch(r"(\(\d\))( with time zone| without time zone)?(\[\])?", rest):
        long = _LONG_SPELLING.get(name.strip(), "")
        zone = precise[2] or (f" {long.partition(' ')[2]}" if long.endswith("time zone") else "")
        return f"{long.partition(' ')[0] if zone else long or name.strip()}{precise[1]}{zone}{precise[3] or ''}"
    name = re.sub(r'^("[^"]*"|\w+)\.', "", name.strip()).strip('"')
    return _LONG_SPELLING.get(name, name) + rest
