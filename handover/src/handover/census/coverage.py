"""How much of a table the census looked at, and what it could not look at."""

from collections.abc import Iterator
from dataclasses import dataclass

from handover.codes.code import Source, finds
from handover.finding import Observation

MORE_TIME = "Give the census more time (--census-seconds), or accept the sample in the contract."


@dataclass(frozen=True)
class TableCoverage:
    """How much of a table was looked at: ``rows`` of about ``of``, by so many questions."""

    table: str
    rows: int
    of: int
    questions: int
    sampled: bool


@finds("HO240", Source.CENSUS, "rows", counts="rows among words")
def without_rows(table: str) -> Iterator[Observation]:
    """Every mapped table has rows to look at.

    What is wrong
    -------------
    A table of `handover.toml` is empty in the database that was checked.

    Why it hurts
    ------------
    0 rows compared say nothing about the rows of production. The check cannot see values that would surprise a system,
    so it does not call the table clean.

    Example
    -------
    `shop_orders` has 0 rows in the empty database of a developer.

    Mend
    ----
    Check a copy of production, or accept it where the table is empty in production too.

    ```console
    $ handover contract accept HO240 shop_orders --because "no shop was opened yet"
    ```
    """
    yield Observation(
        where=table,
        found="is empty",
        expected="0 rows compared say nothing about the rows of production",
        todo="Check a database that holds rows, or accept it in the contract.",
        severity="unseen",
        hurts="both",
    )


@finds("HO241", Source.CENSUS, "rows", counts="rows among words")
def sampled(where: str, found: str, expected: str) -> Iterator[Observation]:
    """Every row is looked at.

    What is wrong
    -------------
    The table, or the number of files that its rows name, is too large for the time of the census. Only a sample was
    looked at.

    Why it hurts
    ------------
    A value that is rare may be outside the sample.

    Example
    -------
    `measures` has about 40,000,000 rows, of which 50,000 were looked at.

    Mend
    ----
    Give the census more time, or accept the sample.

    ```console
    $ handover check --census-seconds 600
    ```
    """
    yield Observation(where=where, found=found, expected=expected, todo=MORE_TIME, severity="unseen", hurts="both")


@finds("HO129", Source.CENSUS, "rows")
def not_askable(where: str, found: str) -> Iterator[Observation]:
    """Every question about the rows can be asked.

    What is wrong
    -------------
    PostgreSQL refuses a question of the census, because it does not fit the type of the column. The finding shows what
    PostgreSQL said.

    Why it hurts
    ------------
    Nothing is known of these rows, so the check does not call them clean.

    Example
    -------
    The column has a domain or an enum type of the database's own, and the question compares it with a text.

    Mend
    ----
    Look at the rows by hand, then accept it.

    ```sql
    SELECT status, count(*) FROM shop_orders GROUP BY status;
    ```
    """
    yield Observation(
        where=where,
        found=found,
        expected="nothing is known of them",
        todo="Look at the rows by hand, and accept it in the contract.",
        severity="unseen",
        hurts="both",
    )
