"""What stops an adoption, or its way back."""

from handover.codes.code import Source, page

page(
    "HO020",
    Source.ADOPT,
    "adoption",
    """The administrator may do what an adoption does.

    What is wrong
    -------------
    The role that `handover adopt` connects as lacks a right: to create roles or schemas, or it does not own a shared
    table or a sequence on which rights are granted.

    Why it hurts
    ------------
    The adoption would fail half-way. It is refused before it begins.

    Example
    -------
    `shop_orders` belongs to `owner`; the administrator is no member of `owner`.

    Mend
    ----
    Give the administrator the right, or connect as the owner. On Cloud SQL and RDS the administrator is no superuser,
    so it needs the membership.

    ```sql
    ALTER ROLE admin CREATEROLE;
    GRANT CREATE ON DATABASE live TO admin;
    GRANT owner TO admin;
    ```
    """,
)
page(
    "HO021",
    Source.ADOPT,
    "adoption",
    """The backend's schema is free, or an adoption made it.

    What is wrong
    -------------
    The schema that `handover.toml` names for the backend exists, and no adoption is recorded in it.

    Why it hurts
    ------------
    What is in it is not known. An adoption could overwrite it, and `--undo` would drop it.

    Example
    -------
    The schema `backend` holds tables of an earlier experiment.

    Mend
    ----
    Choose another name, or remove the schema after you looked at it.

    ```toml
    [backend]
    schema = "backend_2"
    ```
    """,
)
page(
    "HO022",
    Source.ADOPT,
    "adoption",
    """The live tables are not older than the backend's Django.

    What is wrong
    -------------
    A migration of an app that both systems share (`auth`, `sessions`, …) is on disk in the backend and is not applied
    in the live database.

    Why it hurts
    ------------
    The backend's code expects columns that the shared table does not have.

    Example
    -------
    The backend installs a newer `taggit`, whose migration `taggit.0006` is not applied.

    Mend
    ----
    Run the migration with the original's code first, or use the original's version of Django in the backend.

    ```console
    $ python manage.py migrate taggit
    ```
    """,
)
page(
    "HO023",
    Source.ADOPT,
    "adoption",
    """The live tables are not newer than the backend's Django.

    What is wrong
    -------------
    A migration of an app that both systems share is applied in the live database, and the backend's Django does not
    have it.

    Why it hurts
    ------------
    The table has columns or constraints that the backend does not know, so its inserts may fail.

    Example
    -------
    The original was upgraded to Django 5.2; the backend is still at 4.2.

    Mend
    ----
    Upgrade Django in the backend to the original's version.

    ```console
    $ pip install "django~=5.2"
    ```
    """,
)
page(
    "HO024",
    Source.ADOPT,
    "adoption",
    """No migration renames a live table.

    What is wrong
    -------------
    A migration of the backend gives a shared table another name.

    Why it hurts
    ------------
    The original would no longer find its table.

    Example
    -------
    `shop.0004_rename` moves `shop_orders` to `orders`.

    Mend
    ----
    Keep `db_table` until the original is gone, or let the backend have a table of its own under the new name.

    ```python
    class Meta:
        db_table = "shop_orders"
    ```
    """,
)
page(
    "HO026",
    Source.ADOPT,
    "adoption",
    """The backend's role can add rows and not alter shared tables.

    What is wrong
    -------------
    The role that `handover.toml` names for the backend is a superuser, bypasses row security, owns shared tables, or
    is a member of their owner.

    Why it hurts
    ------------
    A stray `migrate` of the backend could alter or drop a table that the original uses.

    Example
    -------
    `backend_app` is a member of `owner`, who owns `users`.

    Mend
    ----
    Name a role of its own, or take the membership away.

    ```sql
    REVOKE owner FROM backend_app;
    ALTER ROLE backend_app NOSUPERUSER NOBYPASSRLS;
    ```
    """,
)
page(
    "HO027",
    Source.ADOPT,
    "adoption",
    """The backend is not connected while its adoption is undone.

    What is wrong
    -------------
    Sessions of the backend's role are open while `handover adopt --undo` is to remove its tables.

    Why it hurts
    ------------
    The backend would fail in the middle of its work. What it is writing would be lost.

    Example
    -------
    A worker of the backend still runs on another machine.

    Mend
    ----
    Stop the backend and its workers, then undo again.

    ```sql
    SELECT pid, client_addr, application_name FROM pg_stat_activity WHERE usename = 'backend_app';
    ```
    """,
)
page(
    "HO036",
    Source.ADOPT,
    "adoption",
    """The original is not connected while its leftovers are archived.

    What is wrong
    -------------
    Sessions of the original's role are open while `handover adopt --finish` is to retire its tables.

    Why it hurts
    ------------
    The original is still at work. It would lose the tables it uses.

    Example
    -------
    A cron job on the old machine connects as `original_app`.

    Mend
    ----
    Find the client, and stop it for good. Then run the command again.

    ```sql
    SELECT pid, client_addr, application_name FROM pg_stat_activity WHERE usename = 'original_app';
    ```
    """,
)
page(
    "HO039",
    Source.ADOPT,
    "adoption",
    """Every model of the backend has a migration.

    What is wrong
    -------------
    A managed model of the backend has no table, and no migration makes one.

    Why it hurts
    ------------
    After the adoption the table would still be missing, and every query of the model would fail.

    Example
    -------
    The model `Playlist` was written, and `makemigrations` was forgotten.

    Mend
    ----
    Make the migration, then adopt.

    ```console
    $ python manage.py makemigrations collections
    ```
    """,
)
page(
    "HO040",
    Source.ADOPT,
    "adoption",
    """Code in a migration about shared tables is decided on.

    What is wrong
    -------------
    A migration of an app whose tables are all shared runs code or SQL (`RunPython`, `RunSQL`), and the live history
    does not say that it ran.

    Why it hurts
    ------------
    Handover cannot know whether its work is already true of the live rows. Running it twice may damage them.

    Example
    -------
    `users.0003_fill_names` fills a column that production has filled long ago.

    Mend
    ----
    Decide, and write it into `handover.toml`: it is already true, or it may run after the adoption as the backend's
    role.

    ```toml
    [backend]
    already_true = ["users.0003_fill_names"]
    migrate_later = ["users.0004_clean_up"]
    ```
    """,
)
page(
    "HO041",
    Source.ADOPT,
    "adoption",
    """The migrations that handover.toml names exist and can wait.

    What is wrong
    -------------
    `already_true` or `migrate_later` names a migration that the backend does not have, or one that would change a
    shared table.

    Why it hurts
    ------------
    The adoption would record or postpone the wrong thing.

    Example
    -------
    `migrate_later = ["user.0003_fill_names"]`: the app's label is `users`.

    Mend
    ----
    Correct the name: app label, dot, file name without `.py`. Move an operation about a shared table to a migration of
    its own.

    ```toml
    [backend]
    migrate_later = ["users.0003_fill_names"]
    ```
    """,
)
page(
    "HO044",
    Source.ADOPT,
    "adoption",
    """The backend reads every table after the adoption.

    What is wrong
    -------------
    At the end of the adoption the backend's own role reads each model once. One of them failed, or was found in
    another schema. Everything was taken back. Or the OPTIONS of the backend set a search path, which beats that of its
    role, and leads past its schema or past the shared tables; then nothing was changed.

    Why it hurts
    ------------
    The backend would fail at its first query, or would write to a table that the original does not read. Its migrate
    would read and write the original's history.

    Example
    -------
    The model has a column that no migration adds.

    Mend
    ----
    Compare the model with its migrations, or remove the table that stands in the way; or take the search path out of
    the OPTIONS. Then adopt again.

    ```console
    $ python manage.py makemigrations --check
    ```
    """,
)
page(
    "HO045",
    Source.ADOPT,
    "adoption",
    """After the adoption nothing is left to migrate.

    What is wrong
    -------------
    At the end of the adoption `manage.py migrate` of the backend would still run a migration. Everything was taken
    back.

    Why it hurts
    ------------
    The next deployment of the backend would run it against shared tables, without a review.

    Example
    -------
    A migration was added on disk while the plan was reviewed.

    Mend
    ----
    Make the plan again and adopt. If the migration stays, postpone it.

    ```toml
    [backend]
    migrate_later = ["collections.0005_add_cover"]
    ```
    """,
)
page(
    "HO046",
    Source.ADOPT,
    "adoption",
    """The backend's role can be dropped.

    What is wrong
    -------------
    Another role granted a right to the backend's role. The administrator is no member of that role, so it cannot take
    the right back.

    Why it hurts
    ------------
    PostgreSQL does not drop a role that holds rights. Nothing was changed.

    Example
    -------
    `reports` granted SELECT on a table of its own to `backend_app`.

    Mend
    ----
    Take the right back as the role that granted it, then undo again.

    ```sql
    SET ROLE reports;
    REVOKE SELECT ON TABLE public.sales FROM backend_app;
    ```
    """,
)
page(
    "HO047",
    Source.ADOPT,
    "adoption",
    """The original can delete its rows after the adoption.

    What is wrong
    -------------
    A table of the backend points at a shared table, and the foreign key has no ON DELETE action that succeeds.
    Everything was taken back.

    Why it hurts
    ------------
    Django 5.2 writes no ON DELETE into the database. The original does not know the table, so its deletes would fail.

    Example
    -------
    `backend.collections_playlist.user_id` points at `users` without ON DELETE.

    Mend
    ----
    Give the key an action in its migration.

    ```python
    migrations.RunSQL(
        "ALTER TABLE collections_playlist DROP CONSTRAINT collections_playlist_user_id_fkey, "
        "ADD CONSTRAINT collections_playlist_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) "
        "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
    )
    ```
    """,
)
