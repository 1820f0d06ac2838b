"""Reads that the two running systems answer differently."""

from handover.codes.code import Source, page

page(
    "HO611",
    Source.SHADOW,
    "shadowed reads",
    """Both systems answer a read with the same status.

    What is wrong
    -------------
    The same GET request was answered with different statuses.

    Why it hurts
    ------------
    After the switch people meet an error, a redirect or a page that they did not have before; or an error becomes an
    answer.

    Example
    -------
    `/api/orders/` answers 200 on the original and 404 on the backend.

    Mend
    ----
    Mend the backend. If the path is no part of the handover, exclude it.

    ```toml
    [shadow]
    exclude = ["^/admin/"]
    ```
    """,
)
page(
    "HO612",
    Source.SHADOW,
    "shadowed reads",
    """Both systems answer a read with the same headers.

    What is wrong
    -------------
    A header that is compared differs: its value, or one system does not send it.

    Why it hurts
    ------------
    Browsers, caches and programs read headers: a missing `Cache-Control` or another `Content-Type` changes what they
    do.

    Example
    -------
    `/export.csv` has `text/csv` on the original and `application/octet-stream` on the backend.

    Mend
    ----
    Mend the backend, or compare fewer headers.

    ```toml
    [shadow]
    headers = ["content-type", "location"]
    ```
    """,
)
page(
    "HO613",
    Source.SHADOW,
    "shadowed reads",
    """Both systems answer a read with the same body.

    What is wrong
    -------------
    Status and headers are equal; the body is not. The finding names the places in the JSON or the lines that differ.

    Why it hurts
    ------------
    People see other data, or programs fail at a key that is missing.

    Example
    -------
    `/api/users/me` has `date_joined` with microseconds on one system only.

    Mend
    ----
    Mend the backend, or name what may differ.

    ```toml
    [shadow]
    ignore_json = ["served_at"]
    unordered = ["results"]
    ```
    """,
)
page(
    "HO614",
    Source.SHADOW,
    "shadowed reads",
    """Both systems answer a read.

    What is wrong
    -------------
    One system did not answer the request: refused, timed out or was cut off.

    Why it hurts
    ------------
    Nothing was compared. A system that does not answer cannot be called the same.

    Example
    -------
    The backend was restarted in the middle of the run.

    Mend
    ----
    See whether the system runs and is reachable under its `base_url`. Then shadow again.

    ```console
    $ curl -i http://127.0.0.1:8000/health
    ```
    """,
)
page(
    "HO615",
    Source.SHADOW,
    "shadowed reads",
    """No read fails on both systems.

    What is wrong
    -------------
    Both systems answer with a status of 500 or more.

    Why it hurts
    ------------
    Two equal failures compare nothing: what the page would show is not known.

    Example
    -------
    `/reports/` answers 500 on both, because a file of the template is missing.

    Mend
    ----
    Mend both systems, or exclude the path.

    ```toml
    [shadow]
    exclude = ["^/reports/"]
    ```
    """,
)
page(
    "HO616",
    Source.SHADOW,
    "shadowed reads",
    """The reader may see what is compared.

    What is wrong
    -------------
    Both systems refuse the read (401, 403) or send the reader to the log-in page.

    Why it hurts
    ------------
    Only the refusal was compared. The page behind it was not.

    Example
    -------
    `/orders/` redirects to `/login/` on both.

    Mend
    ----
    Give the session or the token of a reader, by the name of an environment variable.

    ```toml
    [shadow]
    cookie_env = "READER_COOKIE"
    ```
    """,
)
page(
    "HO617",
    Source.SHADOW,
    "shadowed reads",
    """Something is left to compare when noise is taken away.

    What is wrong
    -------------
    Two answers of the same system differ from each other in every place, or in their status. So no difference between
    the systems can be told from noise.

    Why it hurts
    ------------
    Nothing was compared.

    Example
    -------
    `/random/` shows another row each time.

    Mend
    ----
    Name what always differs, or exclude the path.

    ```toml
    [shadow]
    ignore_text = ["generated in [0-9.]+ s"]
    ```
    """,
)
page(
    "HO618",
    Source.SHADOW,
    "shadowed reads",
    """At least one request is compared.

    What is wrong
    -------------
    The log, the paths and the flows of `[shadow]` gave no request that could be sent and compared.

    Why it hurts
    ------------
    What was not looked at is not known to be the same.

    Example
    -------
    The log holds POST requests only. They are not repeated.

    Mend
    ----
    Name a log with reads, or paths.

    ```toml
    [shadow]
    paths = ["/", "/orders/"]
    ```
    """,
)
page(
    "HO619",
    Source.SHADOW,
    "shadowed reads",
    """Every line of the access log can be read.

    What is wrong
    -------------
    Lines of the access log have another format than `handover.toml` says. They were not sent.

    Why it hurts
    ------------
    Reads are missing in the comparison, perhaps all of one kind.

    Example
    -------
    The load balancer writes JSON, and `format` says `common`.

    Mend
    ----
    Correct the format.

    ```toml
    [shadow]
    format = "json"
    ```
    """,
)
