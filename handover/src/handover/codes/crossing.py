"""Rows that one system writes and the other reads, changes and deletes."""

from handover.codes.code import Source, page

page(
    "HO300",
    Source.PROVE,
    "rows across",
    """Both read the same type and value.

    What is wrong
    -------------
    One system wrote a value, and the other reads another type or value from the same row.

    Why it hurts
    ------------
    Code and templates of the second system show or compute something else.

    Example
    -------
    The original wrote `Decimal("12.50")`; the backend's field is a `FloatField` and reads `12.5`.

    Mend
    ----
    Make the two fields equal: their class, `from_db_value` and `to_python`; for times `USE_TZ`.

    ```python
    price = models.DecimalField(max_digits=10, decimal_places=2)
    ```
    """,
)
page(
    "HO301",
    Source.PROVE,
    "rows across",
    """Each sees every row of the other.

    What is wrong
    -------------
    Rows that one system made are not found through the default manager of the other.

    Why it hurts
    ------------
    After the switch the rows look lost. Before it, people see less on one system.

    Example
    -------
    The backend's manager filters `deleted_at IS NULL`; the original never hides a row.

    Mend
    ----
    Give the model a plain default manager, and hide rows where they are listed.

    ```python
    objects = models.Manager()
    visible = VisibleManager()
    ```
    """,
)
page(
    "HO302",
    Source.PROVE,
    "rows across",
    """The same question finds the same rows.

    What is wrong
    -------------
    A filter by an equal condition (`exact`, `in`, `date`, `contains` …) finds a row in one system only.

    Why it hurts
    ------------
    Searches, pages and jobs work on other rows after the switch.

    Example
    -------
    `filter(placed_at__date=day)` differs, because the two systems have other values of `TIME_ZONE`.

    Mend
    ----
    Make the field's look-ups and `TIME_ZONE` equal.

    ```python
    TIME_ZONE = "Europe/Madrid"
    USE_TZ = True
    ```
    """,
)
page(
    "HO303",
    Source.PROVE,
    "rows across",
    """Lists come in the same order.

    What is wrong
    -------------
    The same list, or a page of it, comes in another order.

    Why it hurts
    ------------
    People find things in another place. With pages, a row may be shown twice and another never.

    Example
    -------
    The original orders by `-created_at`, the backend by `id`.

    Mend
    ----
    Give both models the same `Meta.ordering`, one that leaves no tie.

    ```python
    class Meta:
        ordering = ["-created_at", "id"]
    ```
    """,
)
page(
    "HO304",
    Source.PROVE,
    "rows across",
    """Both count the same.

    What is wrong
    -------------
    `count()` of the same table differs between the systems.

    Why it hurts
    ------------
    Pages, quotas and dashboards show other numbers. Most often a default manager hides rows.

    Example
    -------
    The original counts 120 orders, the backend 118: its manager leaves two states out.

    Mend
    ----
    Compare the default managers, and make them find the same rows.

    ```python
    objects = models.Manager()
    ```
    """,
)
page(
    "HO305",
    Source.PROVE,
    "rows across",
    """Relations lead back by the same name.

    What is wrong
    -------------
    From the row at the other end, the relation is not reached by the same name in both systems.

    Why it hurts
    ------------
    Code and templates that use the name raise `AttributeError` or `FieldError`.

    Example
    -------
    `user.orders` in the original is `user.order_set` in the backend.

    Mend
    ----
    Give both foreign keys the same `related_name` and `related_query_name`.

    ```python
    user = models.ForeignKey(User, models.CASCADE, related_name="orders")
    ```
    """,
)
page(
    "HO306",
    Source.PROVE,
    "rows across",
    """The same value is stored as the same by both.

    What is wrong
    -------------
    Both systems were given the same value, and the stored rows differ.

    Why it hurts
    ------------
    The original reads a value that it would never have written.

    Example
    -------
    The backend's `save()` strips blanks from a title.

    Mend
    ----
    Look at `get_prep_value`, `pre_save`, `save()`, signals and triggers of the backend, and make them do what the
    original does.

    ```python
    def get_prep_value(self, value):
        return super().get_prep_value(value)
    ```
    """,
)
page(
    "HO307",
    Source.PROVE,
    "rows across",
    """Each writes what the other writes.

    What is wrong
    -------------
    A value that one system stores is refused by the other with an error.

    Why it hurts
    ------------
    An action that worked before the switch fails after it.

    Example
    -------
    The backend's field is `max_length=100`, the original stores 150 characters.

    Mend
    ----
    Let the field accept what the other system writes. Check what people type in forms instead.

    ```python
    title = models.CharField(max_length=150)
    ```
    """,
)
page(
    "HO308",
    Source.PROVE,
    "rows across",
    """A save of the whole object changes nothing else.

    What is wrong
    -------------
    One system read a row and saved it without a change. The row is different afterwards.

    Why it hurts
    ------------
    Each visit of a page that saves may damage what the other system stored.

    Example
    -------
    A `JSONField` with a custom encoder drops a key that it does not know.

    Mend
    ----
    Look at how that system reads and writes the field: conversions, `save()`, signals. Write only the columns that are
    meant.

    ```python
    order.save(update_fields=["status"])
    ```
    """,
)
page(
    "HO309",
    Source.PROVE,
    "rows across",
    """New columns survive the other's saves.

    What is wrong
    -------------
    A column that only one system knows is empty after the other system saved the row.

    Why it hurts
    ------------
    What the backend stored there is lost whenever the original touches the row.

    Example
    -------
    A trigger copies the whole row from a view that lacks `courier_reference`.

    Mend
    ----
    Find the code or the trigger that writes every column, and restrict it to the columns it knows.

    ```sql
    SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgrelid = 'shop_orders'::regclass AND NOT tgisinternal;
    ```
    """,
)
page(
    "HO310",
    Source.PROVE,
    "rows across",
    """Defaults are the same.

    What is wrong
    -------------
    Rows that give no value for a field get another value in each system.

    Why it hurts
    ------------
    New rows behave differently, depending on which system made them.

    Example
    -------
    `status` is `started` in rows of the original and `pending` in rows of the backend.

    Mend
    ----
    Give both fields the same default.

    ```python
    status = models.CharField(max_length=20, default="started")
    ```
    """,
)
page(
    "HO311",
    Source.PROVE,
    "rows across",
    """Each deletes what the other made.

    What is wrong
    -------------
    A row of one system cannot be deleted by the other.

    Why it hurts
    ------------
    A person who deletes an account or an order gets an error after the switch.

    Example
    -------
    The backend's table `playlists` points at `users` without ON DELETE; the original does not know it.

    Mend
    ----
    Give the foreign key an action in the database, or correct the `delete()` that raises.

    ```sql
    ALTER TABLE backend.playlists
        DROP CONSTRAINT playlists_user_id_fkey,
        ADD CONSTRAINT playlists_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE;
    ```
    """,
)
page(
    "HO312",
    Source.PROVE,
    "rows across",
    """Bulk writes come across.

    What is wrong
    -------------
    Rows of `bulk_create`, `bulk_update` or `update()` are not the same in the other system, although single saves are.

    Why it hurts
    ------------
    Imports and clean-up jobs store something else than pages do.

    Example
    -------
    The field's conversion happens in `save()`, which bulk methods do not call.

    Mend
    ----
    Move the conversion to the field (`get_prep_value`), so that every way of writing uses it.

    ```python
    class LowerField(models.CharField):
        def get_prep_value(self, value):
            return value and value.lower()
    ```
    """,
)
page(
    "HO313",
    Source.PROVE,
    "rows across",
    """Rows are seen exactly when they are committed.

    What is wrong
    -------------
    The other system sees a row before its transaction is committed, or does not see it afterwards.

    Why it hurts
    ------------
    Jobs start with rows that are rolled back, or do not find the rows they were started for.

    Example
    -------
    A read replica or a cache lies between the system and the database.

    Mend
    ----
    Compare `ATOMIC_REQUESTS`, the isolation level and the pooler of both systems.

    ```python
    DATABASES["default"]["ATOMIC_REQUESTS"] = True
    ```
    """,
)
page(
    "HO314",
    Source.PROVE,
    "rows across",
    """Many-to-many relations are the same from both ends.

    What is wrong
    -------------
    What one system added to a many-to-many relation is not what the other reads, from one end or the other.

    Why it hurts
    ------------
    Likes, members or tags are missing or doubled after the switch.

    Example
    -------
    The backend keeps the relation in a table of its own.

    Mend
    ----
    Give both fields the same `through` table and the same `related_name`.

    ```python
    likes = models.ManyToManyField(User, db_table="library_reading_lists_likes", related_name="liked")
    ```
    """,
)
page(
    "HO315",
    Source.PROVE,
    "rows across",
    """Existing rows are read the same by both.

    What is wrong
    -------------
    A row of production is read with another type or value by each system.

    Why it hurts
    ------------
    The proof by new rows may be green, and old rows still look different after the switch.

    Example
    -------
    An old row has a JSON text in a column that the backend reads as an object.

    Mend
    ----
    Make the fields' conversions equal, or correct the rows.

    ```sql
    SELECT jsonb_typeof(details), count(*) FROM library_reading_lists GROUP BY 1;
    ```
    """,
)
page(
    "HO316",
    Source.PROVE,
    "rows across",
    """Existing rows are seen by both.

    What is wrong
    -------------
    A row of production is found by one system's default manager and not by the other's.

    Why it hurts
    ------------
    The row looks lost after the switch.

    Example
    -------
    The backend's manager leaves out rows without a title.

    Mend
    ----
    Give the model a plain default manager.

    ```python
    objects = models.Manager()
    ```
    """,
)
page(
    "HO318",
    Source.PROVE,
    "rows across",
    """Times that are set by saves are set by both.

    What is wrong
    -------------
    A save sets a time anew in one system and not in the other.

    Why it hurts
    ------------
    "Last changed" is wrong for every change that the other system made. Jobs that select by it miss rows.

    Example
    -------
    `updated_at` has `auto_now=True` in the original only.

    Mend
    ----
    Give both fields the same option.

    ```python
    updated_at = models.DateTimeField(auto_now=True)
    ```
    """,
)
page(
    "HO319",
    Source.PROVE,
    "rows across",
    """Each reads every stored value.

    What is wrong
    -------------
    Reading a row that the other system wrote, or that was there before, raises an error.

    Why it hurts
    ------------
    One such row makes a whole list fail.

    Example
    -------
    A `UUIDField` of the backend meets the key `order seven`.

    Mend
    ----
    Let the field's `from_db_value` and `to_python` accept every stored value, or correct the rows.

    ```python
    order_id = models.CharField(max_length=36, primary_key=True)
    ```
    """,
)
