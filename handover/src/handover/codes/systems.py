"""What stops a check before it can compare anything."""

from handover.codes.code import Source, page

page(
    "HO104",
    Source.CHECK,
    "systems",
    """Each system starts.

    What is wrong
    -------------
    A system's own code raised an error before it could describe its models: a missing variable of the environment, a
    package that is not installed, an error in a module. The finding shows the last lines of the traceback.

    Why it hurts
    ------------
    Nothing of that system was compared, so nothing is known of the pair.

    Example
    -------
    `config.settings` raises `KeyError: 'SECRET_KEY'`, because `handover.toml` does not pass that variable.

    Mend
    ----
    Make this command succeed in the system's own folder, with the interpreter and the environment that `handover.toml`
    names.

    ```console
    $ python -c "import django; django.setup()"
    ```
    """,
)
page(
    "HO242",
    Source.CENSUS,
    "rows",
    """The check may read every table and sequence.

    What is wrong
    -------------
    The role that `handover check` connects as may not read a table or a sequence.

    Why it hurts
    ------------
    What it holds was not looked at. The check does not call it clean.

    Example
    -------
    `django_migrations` in the schema `backend` may not be read by `handover_reader`.

    Mend
    ----
    Grant the right. The finding names the role and the table.

    ```sql
    GRANT USAGE ON SCHEMA backend TO handover_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA backend TO handover_reader;
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA backend TO handover_reader;
    ```
    """,
    counts="rows among words",
)
