"""The schema and the models as people read them."""

import pytest

from handover.document.markdown import _table


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "A table of owner, number of rows unknown, about 8,192 bytes."),
        (1200, "A table of owner, about 1,200 rows, about 8,192 bytes."),
    ],
)
def test_table__rows_known_or_not__is_said_in_plain_words(rows, said):
    facts = {"kind": "table", "owner": "owner", "rows_about": rows, "bytes_about": 8192, "grants": []}
    empty = {part: {} for part in ("columns", "constraints", "indexes", "triggers")}
    assert said in list(_table("tasks", facts | empty))
