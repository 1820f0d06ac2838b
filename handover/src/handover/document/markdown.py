"""The document as Markdown: tables, and a diagram in Mermaid."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from handover.check.table import points_of
from handover.document.facts import as_json
from handover.schema.subject import Subject
from handover.wording import one_line


def as_markdown(subject: Subject) -> str:
    """Return the schema as Markdown."""
    facts = as_json(subject)
    database = facts["database"]
    lines = [
        f"# The schema of {words(database['name'])}",
        "",
        f"PostgreSQL {database['postgresql']}, {len(facts['tables'])} tables and views.",
        "Sizes have one significant digit.",
        "",
        "```mermaid",
        *_diagram(subject),
        "```",
    ]
    for name, table in facts["tables"].items():
        lines += ["", *_table(name, table)]
        for system, models in facts["models"].items():
            for label, model in models.items():
                if model["table"] == name:
                    lines += ["", *_model(system, label, model)]
    lines += _not_here(facts["not_here"])
    return "\n".join([*lines, ""])


def _not_here(systems: dict[str, dict[str, str]]) -> Iterator[str]:
    if any(systems.values()):
        yield from ("", "## Not in this database", "")
    for system, models in systems.items():
        yield from (f"- {code(label)} of the {system}: {words(place)}" for label, place in models.items())


def _diagram(subject: Subject) -> Iterator[str]:
    yield "erDiagram"
    for table, key in subject.catalog.foreign_keys:
        if key.target is not None:
            target = subject.catalog.tables[key.target]
            columns = re.sub(r"[^\w, ]", "_", ", ".join(key.columns))
            yield f'    {_name(str(target))} ||--o{{ {_name(str(table))} : "{columns}"'


def _name(table: str) -> str:
    return re.sub(r"\W", "_", table.replace(".", "__"))


def code(text: str) -> str:
    """Return a text as code: whatever it holds, nothing of it is markup.

    Examples
    --------
    >>> print(code("a<b>"), code("a`b"), code("a\\nb"))
    `a<b>` ``a`b`` `a\\nb`
    """
    line = one_line(text)
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{room}{line}{room}{fence}"


def words(text: str) -> str:
    """Return a text as words, without tags, links and code.

    Examples
    --------
    >>> print(words("text[]"), words("<img src=x>"), words("[a](b)"))
    text[] &lt;img src=x> [a]\\(b)
    """
    return one_line(text).replace("<", "&lt;").replace("`", "\\`").replace("](", "]\\(")


def _table(name: str, table: dict[str, Any]) -> Iterator[str]:
    yield f"## {code(name)}"
    yield ""
    rows = "number of rows unknown" if table["rows_about"] is None else f"about {table['rows_about']:,} rows"
    yield f"A {table['kind']} of {words(table['owner'])}, {rows}, about {table['bytes_about']:,} bytes."
    if table["grants"]:
        yield f"Grants: {words('; '.join(table['grants']))}."
    yield ""
    columns = (
        (code(column), words(facts["type"]), "NULL" if facts["null"] else "NOT NULL", _supplied(facts))
        for column, facts in table["columns"].items()
    )
    yield from _grid(("column", "type", "null?", "default / identity"), columns)
    for part in ("constraints", "indexes", "triggers"):
        if table[part]:
            yield ""
            states = ((code(n), code(f["definition"]), _state(f)) for n, f in sorted(table[part].items()))
            yield from _grid((part[:-1] if part != "indexes" else "index", "definition", "state"), states)


def _supplied(column: dict[str, Any]) -> str:
    if column["identity"]:
        return f"identity {column['identity']}"
    return "generated" if column["generated"] else code(column["default"]) if column["default"] else "—"


def _state(facts: dict[str, Any]) -> str:
    good = all(facts.get(name, True) for name in ("validated", "valid", "enabled"))
    return "" if good else "NOT VALID" if "validated" in facts else "invalid" if "valid" in facts else "disabled"


def _model(system: str, label: str, model: dict[str, Any]) -> Iterator[str]:
    yield f"### {system}: {code(label)} ({code(model['path'])})"
    yield ""
    rows = ((code(name), _kind(field), _facts(field)) for name, field in model["fields"].items())
    yield from _grid(("field", "kind", "only in Python"), rows)


def _kind(field: dict[str, Any]) -> str:
    return words(f"{field['kind']}({field['max_length']})" if field["max_length"] else str(field["kind"]))


def _facts(field: dict[str, Any]) -> str:
    parts = []
    if field["default"] is not None:
        parts.append(f"default {code(field['default'])}")
    if field["choices"]:
        parts.append(f"choices {words(', '.join(field['choices']))}")
    if field["relation"]:
        relation = field["relation"]
        parts.append(
            f"→ {words(relation['to'])}, {words(str(relation['on_delete']))},"
            f" related_name {code(str(relation['related_name']))}"
        )
    if field["upload_to"] is not None:
        parts.append(f"upload_to {words(str(field['upload_to']))}")
    parts += [name for name in ("auto_now", "auto_now_add", "blank") if field[name]]
    parts += [code(validator) for validator in field["validators"]]
    return "; ".join(parts) or "—"


def _grid(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    headings = list(headings)
    yield "| " + " | ".join(headings) + " |"
    yield "|" + "--|" * len(headings)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


def strategy(subject: Subject) -> str:
    """Return the mapping of the models, in the form of MODEL_REUSE_STRATEGY."""
    lines = ["# Model reuse strategy", "", "## Models Mapped"]
    for number, pair in enumerate((p for p in subject.pairs if subject.declared(p.table)), 1):
        declared = subject.declared(pair.table)
        name = pair.original.path.rpartition(".")[2]
        lines += ["", f"### {number}. {words(name)}"]
        lines += [f"- **Original:** {code(pair.original.path)}", f"- **Backend:** {code(pair.backend.path)}"]
        lines += [f"- **Table:** {code(str(pair.table))}", "", "**Critical Compatibility Points:**"]
        lines += [f"- {words(text)}" for _, text in points_of(pair, declared.new_fields if declared else ())]
        new = pair.backend.by_column().keys() - pair.original.by_column().keys()
        lines.append(
            "- no new fields: an exact mirror" if not new else f"- new fields: {words(', '.join(sorted(new)))}"
        )
        lines += ["", *_field_types(pair.original.fields)]
    lines += ["", "## Database Table Names", ""]
    named = [p for p in subject.pairs if subject.declared(p.table)]
    lines += _grid(
        ("Model", "Backend", "db_table"),
        ((words(p.original.label), code(p.backend.path), code(str(p.table))) for p in named),
    )
    lines += ["", "## ForeignKey Related Names", ""]
    relations = (
        (words(p.original.label), code(f.name), words(f.relation.to), code(str(f.relation.accessor)))
        for p in named
        for f in p.original.fields
        if f.relation
    )
    lines += _grid(("Model", "Field", "Related To", "related_name"), relations)
    return "\n".join([*lines, ""])


def _field_types(fields: Iterable[Any]) -> Iterator[str]:
    rows = (
        (code(f.name), words(f"{f.kind}({f.max_length})" if f.max_length else f.kind), "yes" if f.null else "no")
        for f in fields
    )
    yield from _grid(("Field", "Type", "nullable"), rows)
