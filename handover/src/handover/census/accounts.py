"""E-mails of accounts, where people log in by them."""

from collections.abc import Iterator

from psycopg import sql

from handover.census.question import Condition, question
from handover.schema.models import Field, Model
from handover.schema.subject import Pair, Subject


def _emails(subject: Subject, pair: Pair) -> Iterator[tuple[Model, Field]]:
    """Yield the user model on a pair's table with its e-mail field: the first system's that has one."""
    for system, model in zip(subject.both or (), (pair.original, pair.backend), strict=False):
        settings = system.description.settings
        field = next((f for f in model.fields if f.name == (settings.login_fields or ("", ""))[-1]), None)
        if settings.user_table == model.table and field is not None:
            yield model, field
            return


@question("HO227")
def mixed_case_emails(subject: Subject, pair: Pair) -> Iterator[Condition]:
    """E-mails of accounts are in lower case.

    What is wrong
    -------------
    Rows of the user model hold an e-mail with capital letters.

    Why it hurts
    ------------
    PostgreSQL compares texts with their case. A system that lower-cases what a person typed does not find the account;
    the other system may find it.

    Example
    -------
    `library_readers.email` is `Ana@Example.org`; Ana types `ana@example.org`.

    Mend
    ----
    Compare by `lower()` in both systems (`email__iexact`), or store lower case. Look for duplicates first, see HO226.

    ```sql
    UPDATE library_readers SET email = lower(email) WHERE email <> lower(email);
    ```
    """
    for _, field in _emails(subject, pair):
        yield Condition(
            column=field.column,
            condition=sql.SQL("{0} <> lower({0})").format(sql.Identifier(field.column)),
            found="rows hold an e-mail in mixed case",
            expected="a log-in that lower-cases what was typed does not find them",
            todo="Compare e-mails by lower() in both systems, or write the rows in lower case.",
        )


@question("HO226")
def shared_emails(subject: Subject, pair: Pair) -> Iterator[Condition]:
    """No two accounts have the same e-mail, whatever the case.

    What is wrong
    -------------
    Two rows of the user model have e-mails that are equal, or differ in their case only.

    Why it hurts
    ------------
    A log-in by e-mail finds the wrong account, or fails because it finds two. A password reset goes to both.

    Example
    -------
    `library_readers.email` is `u1@example.org` in one row and `U1@example.org` in another.

    Mend
    ----
    Ask the owners which account to keep. Then forbid it, in both systems' models as well (see HO150).

    ```sql
    SELECT lower(email), count(*) FROM library_readers WHERE email <> '' GROUP BY 1 HAVING count(*) > 1;
    ```
    """
    for model, field in _emails(subject, pair):
        email, key = sql.Identifier(field.column), sql.Identifier(model.key[0])
        twice = "{0} <> '' AND EXISTS (SELECT FROM {1} AS o WHERE lower(o.{0}) = lower(t.{0}) AND o.{2} <> t.{2})"
        yield Condition(
            column=field.column,
            condition=sql.SQL(twice).format(email, sql.Identifier(*pair.table.key), key),
            found="rows share an e-mail, but for case",
            expected="a log-in by e-mail finds the wrong account, or none",
            todo="Ask the owners which account to keep.",
            alone=True,
        )
