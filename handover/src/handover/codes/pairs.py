"""What a proof needs before it can begin."""

from handover.codes.code import Source, page

page(
    "HO420",
    Source.PROVE,
    "pair",
    """Every mapped model is there in both systems.

    What is wrong
    -------------
    `[[models]]` of `handover.toml` names a model that a system does not have.

    Why it hurts
    ------------
    Nothing can be proved for its table.

    Example
    -------
    `backend = "apps.shop.models.Orders"`, and the class is called `Order`.

    Mend
    ----
    Correct the import path.

    ```toml
    [[models]]
    table = "shop_orders"
    original = "shop.models.Order"
    backend = "apps.shop.models.Order"
    ```
    """,
)
page(
    "HO421",
    Source.PROVE,
    "pair",
    """The database can be copied.

    What is wrong
    -------------
    `handover prove` works on a throw-away copy, and the copy could not be made: `pg_dump` is missing or of an older
    major version, the role may not create databases, or other sessions hold the template.

    Why it hurts
    ------------
    No proof that writes can run. It must not run on the live database.

    Example
    -------
    The server is PostgreSQL 17, `pg_dump` on this machine is 15.

    Mend
    ----
    Install the client programs of the server's version, or allow the role to create databases.

    ```sql
    ALTER ROLE handover CREATEDB;
    ```
    """,
)
page(
    "HO422",
    Source.PROVE,
    "pair",
    """Proofs do not write to the pair's own database.

    What is wrong
    -------------
    `--database` names the database that the pair is configured with, for proofs that write rows.

    Why it hurts
    ------------
    The proofs make, change and delete rows. On the live database people would see them.

    Example
    -------
    `handover prove --database DATABASE_URL`, and that variable is the one that `handover.toml` names.

    Mend
    ----
    Leave the option out: then a copy is made and dropped again. Or name a variable that holds the URL of a staging
    database.

    ```console
    $ handover prove
    ```
    """,
)
page(
    "HO423",
    Source.PROVE,
    "pair",
    """A replayed file holds failures.

    What is wrong
    -------------
    The file that is to be replayed is not one that `handover prove` wrote, or it is about a table that `handover.toml`
    does not map.

    Why it hurts
    ------------
    Nothing can be repeated from it.

    Example
    -------
    The file is the report in HTML instead of the one with the failures.

    Mend
    ----
    Name `failures.jsonl` of the evidence folder of a failed run.

    ```console
    $ handover prove --replay .handover/evidence/prove-2026-01-15/failures.jsonl
    ```
    """,
)
page(
    "HO424",
    Source.PROVE,
    "pair",
    """Rows to point at can be made.

    What is wrong
    -------------
    A table has a foreign key that must have a value, and no row could be made in the table that it points at.

    Why it hurts
    ------------
    No row of the table itself can be made either. Nothing is known of it.

    Example
    -------
    `orders.customer_id` points at `customers`, and a trigger there refuses rows without a contract number.

    Mend
    ----
    Put one row of that table into the copy, or map its model, so that the proof can make one.

    ```toml
    [[models]]
    table = "customers"
    original = "shop.models.Customer"
    backend = "apps.shop.models.Customer"
    ```
    """,
)
page(
    "HO425",
    Source.PROVE,
    "pair",
    """Every column that must have a value is of a kind with known values.

    What is wrong
    -------------
    A required column has a type for which the proof knows no values, for example a type of an extension.

    Why it hurts
    ------------
    No row of the table can be made, so nothing is known of it.

    Example
    -------
    `places.outline` is NOT NULL and of type `geometry`.

    Mend
    ----
    Give the column a default in the database or in both models; or prove the table by hand and accept it in the
    contract.

    ```console
    $ handover contract accept HO425 places --because "drawn by hand on a copy, both systems show it"
    ```
    """,
)
