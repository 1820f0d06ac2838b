"""Accounts, sessions and passwords of both systems."""

from handover.codes.code import Source, page

page(
    "HO380",
    Source.PROVE,
    "accounts",
    """A person who registers on one system logs in on the other by username.

    What is wrong
    -------------
    An account was made by one system, and the other does not accept its username and password.

    Why it hurts
    ------------
    New accounts cannot log in after the switch, or after the way back.

    Example
    -------
    The backend hashes with Argon2, and the original's environment has no `argon2-cffi`.

    Mend
    ----
    Give both systems the same hashers, and their packages.

    ```python
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ```
    """,
)
page(
    "HO381",
    Source.PROVE,
    "accounts",
    """A person who registers on one system logs in on the other by e-mail.

    What is wrong
    -------------
    An account was made by one system, and the other does not accept its e-mail and password.

    Why it hurts
    ------------
    People who type their e-mail cannot log in after the switch.

    Example
    -------
    The original lower-cases the e-mail, the backend compares it as it is.

    Mend
    ----
    Give both systems the same authentication backend.

    ```python
    AUTHENTICATION_BACKENDS = ["users.auth.EmailOrUsernameBackend"]
    ```
    """,
)
page(
    "HO382",
    Source.PROVE,
    "accounts",
    """A wrong password opens nothing.

    What is wrong
    -------------
    A system accepted a log-in with a wrong password.

    Why it hurts
    ------------
    Every account is open.

    Example
    -------
    An authentication backend for tests is still in the settings.

    Mend
    ----
    Remove that backend, and look at who logged in since.

    ```python
    AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    ```
    """,
)
page(
    "HO383",
    Source.PROVE,
    "accounts",
    """A session of one system is valid in the other.

    What is wrong
    -------------
    A person is logged in on one system and anonymous on the other, with the same cookie.

    Why it hurts
    ------------
    Everybody is logged out at the switch.

    Example
    -------
    The original keeps sessions in the database, the backend in the memory of a process.

    Mend
    ----
    Share the engine, the cookie's name, the key and the table.

    ```python
    SESSION_ENGINE = "django.contrib.sessions.backends.db"
    SESSION_COOKIE_NAME = "sessionid"
    ```
    """,
)
page(
    "HO384",
    Source.PROVE,
    "accounts",
    """Log-ins by turns leave the stored password alone.

    What is wrong
    -------------
    A log-in on one system stored the password's hash anew, in its own form.

    Why it hurts
    ------------
    Each such log-in ends the user's other sessions, because a session holds a hash of the stored password.

    Example
    -------
    The preferred hasher has 600000 iterations in one system and 1000000 in the other.

    Mend
    ----
    Give both systems the same first hasher, with the same parameters: the same version of Django, or a hasher of your
    own.

    ```python
    class Hasher(PBKDF2PasswordHasher):
        iterations = 600_000
    ```
    """,
)
page(
    "HO385",
    Source.PROVE,
    "accounts",
    """The authentication backend that a session names is in both systems.

    What is wrong
    -------------
    A session holds the import path of the backend that made it, and the other system does not have that path.

    Why it hurts
    ------------
    The bearer is anonymous there.

    Example
    -------
    `users.auth.EmailBackend` in the original is `apps.authentication.EmailBackend` in the backend.

    Mend
    ----
    Keep the path: a module of that name in the backend that imports the class is enough.

    ```python
    AUTHENTICATION_BACKENDS = ["users.auth.EmailBackend"]
    ```
    """,
)
page(
    "HO386",
    Source.PROVE,
    "accounts",
    """A session survives log-ins on the other system.

    What is wrong
    -------------
    A session ended when the same person logged in on the other system.

    Why it hurts
    ------------
    People are logged out again and again while both systems run.

    Example
    -------
    The log-in stored the hash anew, see HO384.

    Mend
    ----
    Stop the hashers from storing a new hash.

    ```python
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ```
    """,
)
page(
    "HO387",
    Source.PROVE,
    "accounts",
    """Sessions are signed with one key.

    What is wrong
    -------------
    The hash in a session is not valid in the other system.

    Why it hurts
    ------------
    The bearer is anonymous there, although the session is found.

    Example
    -------
    The two systems have different values of `SECRET_KEY`.

    Mend
    ----
    Give both systems the same key.

    ```python
    SECRET_KEY = os.environ["SECRET_KEY"]
    ```
    """,
)
page(
    "HO388",
    Source.PROVE,
    "accounts",
    """Permissions carry over.

    What is wrong
    -------------
    A permission that was granted on one system does not hold on the other.

    Why it hurts
    ------------
    Staff see less after the switch, or may do what they should not.

    Example
    -------
    The backend's app has another label, so its permissions are other rows.

    Mend
    ----
    Give the models the original's app label and name.

    ```python
    class UsersConfig(AppConfig):
        name = "apps.authentication"
        label = "users"
    ```
    """,
)
page(
    "HO389",
    Source.PROVE,
    "accounts",
    """Every stored password can be checked by both.

    What is wrong
    -------------
    Rows hold hashes of an algorithm that a system does not have.

    Why it hurts
    ------------
    The people with these passwords cannot log in there.

    Example
    -------
    Old accounts have `bcrypt_sha256$…`, and the backend lacks that hasher.

    Mend
    ----
    Add the hasher, and its package, to the end of the list.

    ```python
    PASSWORD_HASHERS += ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]
    ```
    """,
)
page(
    "HO390",
    Source.PROVE,
    "rows across",
    """A row of one system's own tables does not keep the other from deleting.

    What is wrong
    -------------
    A row of a table that only one system knows points at a shared row, and the other system cannot delete that row.

    Why it hurts
    ------------
    People cannot delete their account, or an old order cannot be purged.

    Example
    -------
    `backend.playlists` points at `users`; the original's delete of the user fails.

    Mend
    ----
    Give the foreign key an action in the database.

    ```sql
    ALTER TABLE backend.playlists
        DROP CONSTRAINT playlists_user_id_fkey,
        ADD CONSTRAINT playlists_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE;
    ```
    """,
)
page(
    "HO391",
    Source.PROVE,
    "rows across",
    """A row that points at a shared row can be made.

    What is wrong
    -------------
    No row could be made in a table that only one system knows and that points at a shared table. So the delete of the
    shared row was not tried.

    Why it hurts
    ------------
    HO390 could be true and not be seen.

    Example
    -------
    The table has a column of a type for which no values are known.

    Mend
    ----
    Make such a row on a copy by hand, and delete the shared row with the other system.

    ```sql
    INSERT INTO backend.playlists (user_id, outline) VALUES (1, 'POINT(0 0)');
    ```
    """,
)
