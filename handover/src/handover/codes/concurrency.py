"""Both systems write to the same rows at the same time."""

from handover.codes.code import Source, page

page(
    "HO320",
    Source.PROVE,
    "concurrent writes",
    """A write keeps what it does not mean.

    What is wrong
    -------------
    A writer saved an object that it had held for some time, and so took back what others had written meanwhile (a
    stale save).

    Why it hurts
    ------------
    Changes of the other system are lost without an error.

    Example
    -------
    The original's thread saves the whole order; the status that the backend wrote a second before is gone.

    Mend
    ----
    Write the named columns, or lock the row first. What a frozen original does by design can be accepted.

    ```python
    Order.objects.filter(pk=pk).update(quantity=F("quantity") + 1)
    ```
    """,
)
page(
    "HO321",
    Source.PROVE,
    "concurrent writes",
    """Nothing is seen that was never committed.

    What is wrong
    -------------
    A reader saw a version of a row whose transaction was rolled back.

    Why it hurts
    ------------
    It acts on something that never happened. PostgreSQL does not allow that; a cache or a second connection does.

    Example
    -------
    A value is put into a cache before the transaction ends.

    Mend
    ----
    Publish after the commit.

    ```python
    transaction.on_commit(lambda: cache.set(key, value))
    ```
    """,
)
page(
    "HO322",
    Source.PROVE,
    "concurrent writes",
    """A transaction is seen whole or not at all.

    What is wrong
    -------------
    Others saw the middle of a transaction, or one half of it was committed.

    Why it hurts
    ------------
    Two rows that belong together contradict each other.

    Example
    -------
    The second write goes through another connection alias, outside the transaction.

    Mend
    ----
    Put both writes into one `atomic` block on one connection.

    ```python
    with transaction.atomic(using="default"):
        order.save(update_fields=["status"])
        invoice.save(update_fields=["paid"])
    ```
    """,
)
page(
    "HO323",
    Source.PROVE,
    "concurrent writes",
    """A deleted row stays away until it is created.

    What is wrong
    -------------
    A save of an object that another process had deleted inserted the row again.

    Why it hurts
    ------------
    Things that people deleted come back.

    Example
    -------
    The original saves an order that the backend deleted while it ran.

    Mend
    ----
    Demand that the row is still there.

    ```python
    order.save(force_update=True)
    ```
    """,
)
page(
    "HO324",
    Source.PROVE,
    "concurrent writes",
    """Reads go forward.

    What is wrong
    -------------
    A reader saw an older version of a row than it had read or written before, or two versions in one transaction that
    must see one.

    Why it hurts
    ------------
    Counters and states jump back for that reader, and it may write the old value.

    Example
    -------
    Reads go to a replica that is behind.

    Mend
    ----
    Look for caches, replicas and routers. Read from the primary where a write follows.

    ```python
    Order.objects.using("default").get(pk=pk)
    ```
    """,
)
page(
    "HO325",
    Source.PROVE,
    "concurrent writes",
    """Each row follows from the one before.

    What is wrong
    -------------
    No order of the reported operations explains the rows that are there.

    Why it hurts
    ------------
    Something writes that does not report it: a trigger, a signal, another process.

    Example
    -------
    A trigger resets the status after each update.

    Mend
    ----
    Look at transactions, connection aliases, triggers and overrides of `save()`.

    ```sql
    SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgrelid = 'shop_orders'::regclass AND NOT tgisinternal;
    ```
    """,
)
page(
    "HO326",
    Source.PROVE,
    "concurrent writes",
    """What PostgreSQL ended because of a deadlock is tried again.

    What is wrong
    -------------
    PostgreSQL ended a transaction because two sessions waited for each other, and the writer gave up.

    Why it hurts
    ------------
    The work of that request or job is lost although nothing was wrong with it.

    Example
    -------
    The original's purge deletes many rows in one statement and does not repeat it.

    Mend
    ----
    Repeat the transaction, or lock rows in one order.

    ```python
    rows = Order.objects.select_for_update().order_by("pk").filter(status="old")
    ```
    """,
)
page(
    "HO327",
    Source.PROVE,
    "concurrent writes",
    """What was reported as written is there.

    What is wrong
    -------------
    A writer reported success, and its transaction was not committed.

    Why it hurts
    ------------
    A person or a job believes that something is stored, and it is not.

    Example
    -------
    The connection was cut at the commit, and the code caught the error.

    Mend
    ----
    Do not catch errors around a commit. Report only after `atomic` has ended.

    ```python
    with transaction.atomic():
        order.save(update_fields=["status"])
    report(order)
    ```
    """,
)
page(
    "HO328",
    Source.PROVE,
    "concurrent writes",
    """What was reported as failed leaves nothing.

    What is wrong
    -------------
    A writer reported an error, and its write is in the database.

    Why it hurts
    ------------
    It will be repeated, and then it has happened twice.

    Example
    -------
    An order is created, then a signal outside of the transaction raises.

    Mend
    ----
    Put the write and what must happen with it into one transaction.

    ```python
    with transaction.atomic():
        order = Order.objects.create(user=user)
        Event.objects.create(order=order)
    ```
    """,
)
page(
    "HO329",
    Source.PROVE,
    "concurrent writes",
    """A repeated operation happens once.

    What is wrong
    -------------
    One operation was written twice.

    Why it hurts
    ------------
    A credit is counted twice, a message is sent twice.

    Example
    -------
    The commit succeeded, the answer was lost, and the client repeated it.

    Mend
    ----
    Repeat only what failed for certain, and give each operation a key that must be unique.

    ```python
    models.UniqueConstraint(fields=["operation_id"], name="once")
    ```
    """,
)
page(
    "HO330",
    Source.PROVE,
    "concurrent writes",
    """One of two rivals wins.

    What is wrong
    -------------
    A writer wrote although its condition, or its lock, did not hold any more.

    Why it hurts
    ------------
    Two workers pack the same order.

    Example
    -------
    The code reads the status, then saves, instead of updating under the condition.

    Mend
    ----
    Let the database decide, and look at the number of changed rows.

    ```python
    taken = Order.objects.filter(pk=pk, status="paid").update(status="packing")
    ```
    """,
)
page(
    "HO331",
    Source.PROVE,
    "concurrent writes",
    """Numbers that are counted up only grow.

    What is wrong
    -------------
    A number that every operation increases went down.

    Why it hurts
    ------------
    Quantities, versions or balances are wrong.

    Example
    -------
    `order.count += 1; order.save()` in two processes at once.

    Mend
    ----
    Count in the database.

    ```python
    Order.objects.filter(pk=pk).update(count=F("count") + 1)
    ```
    """,
)
page(
    "HO332",
    Source.PROVE,
    "concurrent writes",
    """Columns that a write does not mean stay as they are.

    What is wrong
    -------------
    A write changed other columns than those it named.

    Why it hurts
    ------------
    What the other system keeps in these columns is lost.

    Example
    -------
    An override of `save()` drops `update_fields`.

    Mend
    ----
    Pass `update_fields` on, or use `update()`.

    ```python
    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
    ```
    """,
)
page(
    "HO333",
    Source.PROVE,
    "concurrent writes",
    """Each system leaves the other's work alone.

    What is wrong
    -------------
    Housekeeping of one system changed or deleted rows that the other was working on.

    Why it hurts
    ------------
    An order that is being packed is cancelled or forgotten, and its parcel has no row.

    Example
    -------
    The original cancels every order that is older than five minutes; one of the backend takes six.

    Mend
    ----
    Let each system clean up its own rows, or accept it where the other system recovers.

    ```python
    Order.objects.filter(owner="backend", started_at__lt=limit).update(status="cancelled")
    ```
    """,
)
page(
    "HO334",
    Source.PROVE,
    "concurrent writes",
    """Enough writes meet each other.

    What is wrong
    -------------
    Fewer than 30 % of the operations met an operation of another process on their row.

    Why it hurts
    ------------
    Two systems that never meet prove nothing about meeting.

    Example
    -------
    The machine was so slow that the processes took turns.

    Mend
    ----
    Run it again with more time or on fewer rows.

    ```console
    $ handover prove --group concurrent-writes --full
    ```
    """,
)
page(
    "HO335",
    Source.PROVE,
    "concurrent writes",
    """The control is seen in every round.

    What is wrong
    -------------
    In each round each side writes an object that it held over what the other wrote since. That planted fault was not
    found in a round.

    Why it hurts
    ------------
    A proof that does not see a planted fault would not see a real one.

    Example
    -------
    The rounds were so short that the planted write came before the other side's.

    Mend
    ----
    Run it again. If it stays, report it with the journal of the run.

    ```console
    $ handover prove --group concurrent-writes --full
    ```
    """,
)
page(
    "HO336",
    Source.PROVE,
    "concurrent writes",
    """Every fault is tried and meets an operation.

    What is wrong
    -------------
    A fault (a killed process, a cut connection, a restart of PostgreSQL, a full disk) was not tried, met no operation,
    or could not be caused.

    Why it hurts
    ------------
    Nothing is known of how the systems behave under it.

    Example
    -------
    `handover.toml` does not say how PostgreSQL is restarted.

    Mend
    ----
    Say how it is done; without a throw-away copy, accept that it was not tried.

    ```toml
    [prove]
    restart = ["pg_ctl", "-D", "/srv/pgdata", "-m", "immediate", "-w", "restart"]
    ```
    """,
)
page(
    "HO337",
    Source.PROVE,
    "concurrent writes",
    """A table fits the proof of concurrent writes.

    What is wrong
    -------------
    No mapped table has the columns that the proof needs (a text, a number, a status that may be written freely), or
    the original refuses rows of each that has.

    Why it hurts
    ------------
    Nothing is known of concurrent writes.

    Example
    -------
    Every table has a unique text column only.

    Mend
    ----
    Name table and columns, or accept it if no table is written by both at once.

    ```toml
    [prove.concurrent]
    table = "shop_orders"
    text = "note"
    number = "quantity"
    status = "status"
    ```
    """,
)
page(
    "HO338",
    Source.PROVE,
    "concurrent writes",
    """Both systems go on after the last fault.

    What is wrong
    -------------
    A system committed nothing after the last fault ended.

    Why it hurts
    ------------
    After an incident of the database that system would have to be restarted by hand.

    Example
    -------
    Its connection stays broken because `CONN_MAX_AGE` keeps it and nothing checks it.

    Mend
    ----
    Let Django check connections before it uses them.

    ```python
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    ```
    """,
)
