"""Whole journeys of a person through the running systems."""

from handover.codes.code import Source, page

page(
    "HO400",
    Source.PROVE,
    "flows",
    """A flow is described.

    What is wrong
    -------------
    `handover.toml` describes no journey of a person through the running systems.

    Why it hurts
    ------------
    Nothing is known of pages, redirects and forms.

    Example
    -------
    There is no `[[flows]]` section.

    Mend
    ----
    Describe the most important journeys, or accept that there are no pages.

    ```console
    $ handover contract accept HO400 flows --because "no pages"
    ```
    """,
)
page(
    "HO401",
    Source.PROVE,
    "flows",
    """Both systems answer at their addresses.

    What is wrong
    -------------
    A system has no `base_url`, or does not answer there.

    Why it hurts
    ------------
    No flow was made.

    Example
    -------
    The backend was not started.

    Mend
    ----
    Start it on this database, and name its address.

    ```toml
    [backend]
    base_url = "http://127.0.0.1:8000"
    ```
    """,
)
page(
    "HO402",
    Source.PROVE,
    "flows",
    """The running systems are on this database.

    What is wrong
    -------------
    A flow wrote through the running systems, and no row in this database shows it. Or no step writes `{run}`, so it
    cannot be known.

    Why it hurts
    ------------
    The systems work on another database. What was proved elsewhere says nothing about them.

    Example
    -------
    The servers were started with the URL of the staging database.

    Mend
    ----
    Start them on this database, or prove on theirs. Let a step write `{run}` into a row.

    ```toml
    [[flows.steps]]
    method = "POST"
    path = "/books/"
    form = { title = "proof {run}" }
    ```
    """,
)
page(
    "HO403",
    Source.PROVE,
    "flows",
    """A step is answered with the status it expects.

    What is wrong
    -------------
    A step of a flow got another status.

    Why it hurts
    ------------
    A person would meet an error at that step.

    Example
    -------
    `POST /orders/` answers 403, because the CSRF cookie has another name.

    Mend
    ----
    Make the same request by hand, after the steps before it.

    ```console
    $ curl -i -b cookies.txt http://127.0.0.1:8000/orders/
    ```
    """,
)
page(
    "HO404",
    Source.PROVE,
    "flows",
    """What a step waits for comes.

    What is wrong
    -------------
    A step repeats a request until something is there, and it did not come in time.

    Why it hurts
    ------------
    A job does not run, or its result is not seen by the other system.

    Example
    -------
    No worker is running, so the order stays `paid`.

    Mend
    ----
    Start the worker, or give the step more time.

    ```toml
    [[flows.steps]]
    path = "/orders/{order}/"
    until = { status = "packed" }
    within_s = 60
    ```
    """,
)
page(
    "HO405",
    Source.PROVE,
    "flows",
    """Headers and body are what a step expects.

    What is wrong
    -------------
    The status is right; a header or a text that the step names is not there.

    Why it hurts
    ------------
    The page shows something else, or a download has another type.

    Example
    -------
    The page does not contain the title that the step before stored.

    Mend
    ----
    Fetch the page by hand, after the steps before it.

    ```console
    $ curl -i -b cookies.txt http://127.0.0.1:8000/collections/
    ```
    """,
)
page(
    "HO406",
    Source.PROVE,
    "flows",
    """Every step is answered.

    What is wrong
    -------------
    A step got no answer: the connection was refused, cut off or timed out.

    Why it hurts
    ------------
    A person would see an error of the browser.

    Example
    -------
    A worker process is killed by a memory limit at this request.

    Mend
    ----
    See the system's log at the time of the step, and make the request by hand.

    ```console
    $ curl -i --max-time 30 http://127.0.0.1:8000/orders/
    ```
    """,
)
