"""Relations: the names that lead back, what a delete does, and where they point."""

from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.comparison import compared_pairs, differs
from handover.rules.foreign_keys import DELETING, FITTING
from handover.rules.registry import rule
from handover.schema.models import Field
from handover.schema.subject import Subject


@rule("HO113")
def related_names(subject: Subject) -> Iterator[Observation]:
    """Related names are equal.

    What is wrong
    -------------
    The name that leads back along a relation, or the name used in queries, differs.

    Why it hurts
    ------------
    Code and templates that use the name fail with `AttributeError` or `FieldError`.

    Example
    -------
    `related_name="orders"` in the original; the backend has none, so it is `order_set`.

    Mend
    ----
    Write the same names.

    ```python
    user = models.ForeignKey(User, models.CASCADE, related_name="orders", related_query_name="order")
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            names = [(f.relation.accessor, f.relation.query_name) for f in (one, other) if f.relation]
            if names[0] != names[1] and not all(query.endswith("+") for _, query in names):
                yield differs(where, _names(*names[0]), _names(*names[1]))
        backends = {field.table: field for field in pair.backend.many_to_many}
        for field in pair.original.many_to_many:
            twin = backends.get(field.table)
            if not twin or (field.query_name.endswith("+") and twin.query_name.endswith("+")):
                continue  # no name leads back, whatever it is called
            if (field.accessor, field.query_name) != (twin.accessor, twin.query_name):
                yield differs(
                    f"{pair.table}.{field.name}",
                    _names(field.accessor, field.query_name),
                    _names(twin.accessor, twin.query_name),
                )


def _names(accessor: str | None, query_name: str) -> str:
    return f"reverse name {accessor or 'none'} (in queries {query_name})"


@rule("HO114")
def deletes(subject: Subject) -> Iterator[Observation]:
    """Deletes do the same.

    What is wrong
    -------------
    `on_delete`, or the value of `SET(…)`, differs, and the database does not decide it for both.

    Why it hurts
    ------------
    A delete on one system takes rows along, and on the other it empties a column or is refused.

    Example
    -------
    `CASCADE` in the original, `PROTECT` in the backend: accounts can no longer be deleted.

    Mend
    ----
    Write the same `on_delete`.

    ```python
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    ```
    """
    for pair in compared_pairs(subject):
        actions = {key.columns: key.on_delete for key in pair.table.foreign_keys()}
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            if not one.relation.sets.same_as(other.relation.sets):
                yield differs(where, f"SET({one.relation.sets})", f"SET({other.relation.sets})")
            if one.relation.on_delete == other.relation.on_delete:
                continue
            both = {one.relation.on_delete, other.relation.on_delete}
            action = actions.get((one.column,), "")
            if action not in DELETING or not both <= set(FITTING[action]):
                yield differs(where, f"on_delete {one.relation.on_delete}", f"on_delete {other.relation.on_delete}")


@rule("HO122")
def targets(subject: Subject) -> Iterator[Observation]:
    """Relations point at the same table.

    What is wrong
    -------------
    A foreign key points at another table or column in each system, or is the link to a parent model in one only.

    Why it hurts
    ------------
    Following the relation finds other rows, or none.

    Example
    -------
    `customer` points at `shop_customers` in one and at `users` in the other.

    Mend
    ----
    Let both point at the same model.

    ```python
    customer = models.ForeignKey("shop.Customer", models.PROTECT)
    ```
    """
    for pair in compared_pairs(subject):
        for one, other, where in pair.fields():
            if not one.relation or not other.relation:
                continue
            if one.relation.to_table != other.relation.to_table:
                yield differs(where, f"a key to {one.relation.to_table}", f"a key to {other.relation.to_table}")
            elif one.references and other.references and one.references[1] != other.references[1]:
                shown = f"a key to {'.'.join(one.references)}", f"a key to {'.'.join(other.references)}"
                yield differs(where, *shown)
            elif one.relation.parent_link != other.relation.parent_link:
                yield differs(where, _link(one), _link(other))


def _link(field: Field) -> str:
    return "the link to its parent model" if field.relation and field.relation.parent_link else "an ordinary relation"
