"""Names of files in rows; whether the files exist is asked in :mod:`handover.census.files`."""

from collections.abc import Iterator

from psycopg import sql

from handover.census.question import SURVIVE, Condition, SharedColumn, question, shared_columns
from handover.schema.subject import Pair

ABSOLUTE = r"^([/\\]|[A-Za-z]:)"


def _of_files(pair: Pair) -> Iterator[SharedColumn]:
    return (c for c in shared_columns(pair) if any(field.upload_to is not None for _, field in c.sides()))


@question("HO225")
def absolute_paths(pair: Pair) -> Iterator[Condition]:
    """Rows name files below the media root.

    What is wrong
    -------------
    A file field holds an absolute path, such as `/home/old/there.mp3` or `C:\\recordings\\there.mp3`.

    Why it hurts
    ------------
    Django's storages refuse a path outside the media root (`SuspiciousFileOperation`), and a bucket takes it for a
    strange name. The file is not found although it may exist.

    Example
    -------
    `library_recordings.path` is `/home/old/there.mp3`, from the machine that ran before.

    Mend
    ----
    Store the name below the media root.

    ```sql
    UPDATE library_recordings SET path = regexp_replace(path, '^/home/old/', 'recordings/')
    WHERE path LIKE '/home/old/%';
    ```
    """
    for column in _of_files(pair):
        yield Condition(
            column=column.name,
            condition=sql.SQL("{} ~ {}").format(column.sql, sql.Literal(ABSOLUTE)),
            found="rows hold an absolute path",
            expected="storages refuse or misplace it",
            todo="Store the name below the media root.",
        )


@question("HO223")
def empty_paths(pair: Pair) -> Iterator[Condition]:
    """Rows hold the name of a file where the model expects one.

    What is wrong
    -------------
    A file field that is neither `blank=True` nor `null=True` in both models is empty in some rows.

    Why it hurts
    ------------
    Opening the file, or asking for its address, raises `ValueError`. A page that shows the row fails.

    Example
    -------
    `library_recordings.path` is empty in rows whose upload was broken off.

    Mend
    ----
    Restore the name, delete the rows, or show that both systems handle a row without a file.

    ```sql
    SELECT id FROM library_recordings WHERE path = '';
    ```
    """
    for column in _of_files(pair):
        if not all(field.blank or field.null for _, field in column.sides()):
            yield Condition(
                column=column.name,
                condition=sql.SQL("{} = ''").format(column.sql),
                found="rows hold no path",
                expected="there is no file to open",
                todo=SURVIVE,
            )
