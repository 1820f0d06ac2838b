"""Both systems search one index."""

from handover.codes.code import Source, page

page(
    "HO340",
    Source.PROVE,
    "search",
    """The search is described.

    What is wrong
    -------------
    `handover.toml` does not say how each system searches, or which index they share.

    Why it hurts
    ------------
    Nothing is known of the search after the switch.

    Example
    -------
    There is no `[search]` section.

    Mend
    ----
    Describe it, or accept that there is no search.

    ```console
    $ handover contract accept HO340 search --because "there is no search"
    ```
    """,
)
page(
    "HO341",
    Source.PROVE,
    "search",
    """The index can be read.

    What is wrong
    -------------
    The index that `handover.toml` names did not answer, or refused.

    Why it hurts
    ------------
    Its documents and its mapping were not looked at.

    Example
    -------
    The URL has no password, and the server answers 401.

    Mend
    ----
    Correct the URL and the name of the index, then ask it by hand.

    ```console
    $ curl -s "$ELASTICSEARCH_URL/books/_count"
    ```
    """,
)
page(
    "HO342",
    Source.PROVE,
    "search",
    """Each field is mapped as the contract says.

    What is wrong
    -------------
    The mapping of a field in the live index is not the one in the contract's file.

    Why it hurts
    ------------
    A query that both systems send means something else: a text is split into words, a vector has another distance. An
    index that quantises its vectors (`int8_hnsw`, `bbq_hnsw`; Elasticsearch 9 does so by default) gives other scores
    and misses neighbours.

    Example
    -------
    `style` is `text` in the index and `keyword` in the contract; `cover` has `index_options.type int8_hnsw` where the
    contract says `flat`.

    Mend
    ----
    Make the index anew with the contract's mapping, or review the contract's file. Of `index_options` only what the
    contract names is compared, since a server adds its own.

    ```console
    $ curl -s "$ELASTICSEARCH_URL/books/_mapping"
    ```
    """,
)
page(
    "HO343",
    Source.PROVE,
    "search",
    """Both systems answer a search.

    What is wrong
    -------------
    A system raised an error, or could not be asked.

    Why it hurts
    ------------
    What it would have found is not known.

    Example
    -------
    The backend's function takes another argument than `[search]` names.

    Mend
    ----
    Search there by hand, or correct `[search]` in `handover.toml`.

    ```toml
    [search.backend]
    call = "apps.shop.search.find"
    ```
    """,
)
page(
    "HO344",
    Source.PROVE,
    "search",
    """Both systems find the same ids.

    What is wrong
    -------------
    The same query finds documents in one system that it does not find in the other.

    Why it hurts
    ------------
    People find other results after the switch.

    Example
    -------
    The backend drops the filter on the level when fewer than five books are left; the original does not.

    Mend
    ----
    Compare the filters, the number of hits that each asks for, and when each drops a filter.

    ```python
    body = {"query": query, "size": 20}
    ```
    """,
)
page(
    "HO345",
    Source.PROVE,
    "search",
    """The same ids come in the same order.

    What is wrong
    -------------
    Both systems find the same documents in another order.

    Why it hurts
    ------------
    The first result decides what is shown or chosen.

    Example
    -------
    Two books have an equal score, and each system breaks the tie in its own way.

    Mend
    ----
    Compare how the two rank, and give a tie one order.

    ```python
    body["sort"] = [{"_score": "desc"}, {"book_id": "asc"}]
    ```
    """,
)
page(
    "HO346",
    Source.PROVE,
    "search",
    """Scores are equal.

    What is wrong
    -------------
    The scores of a document differ by more than 1e-6.

    Why it hurts
    ------------
    A threshold lets a result pass in one system only.

    Example
    -------
    The original rounds to four places, the backend does not.

    Mend
    ----
    Compare the weights, the formula, and where each rounds.

    ```python
    score = 0.7 * similarity + 0.3 * energy
    ```
    """,
)
page(
    "HO347",
    Source.PROVE,
    "search",
    """Both systems search this index.

    What is wrong
    -------------
    A system finds documents that the index does not have.

    Why it hurts
    ------------
    It searches another index: what is indexed on one system is not found on the other.

    Example
    -------
    The backend's environment names `books_test`.

    Mend
    ----
    Compare the system's settings with `[index]` of `handover.toml`.

    ```toml
    [index]
    name = "books"
    setting = "SEARCH_INDEX"
    ```
    """,
)
page(
    "HO348",
    Source.PROVE,
    "search",
    """Vectors have the length of the mapping.

    What is wrong
    -------------
    Documents have a vector with more or fewer numbers than the mapping says.

    Why it hurts
    ------------
    A query by vector fails, or ignores the document.

    Example
    -------
    A new language model gives 768 numbers, the mapping says 384.

    Mend
    ----
    Make the index anew from its source, with one model for all documents.

    ```console
    $ curl -s "$ELASTICSEARCH_URL/books/_mapping"
    ```
    """,
)
page(
    "HO349",
    Source.PROVE,
    "search",
    """Vectors are finite and not zero.

    What is wrong
    -------------
    Documents have a vector of zeros, NaN or infinity.

    Why it hurts
    ------------
    The distance to such a vector means nothing. The document is found always or never.

    Example
    -------
    The text of a book was empty, and its vector is zero.

    Mend
    ----
    Give the documents a text, then compute their vectors anew.

    ```python
    vector = model.encode(book.text or book.title)
    ```
    """,
)
page(
    "HO350",
    Source.PROVE,
    "search",
    """Vectors differ from each other.

    What is wrong
    -------------
    All documents have the same vector in a field.

    Why it hurts
    ------------
    A query by this vector finds everything or nothing.

    Example
    -------
    The vector of the first book was written into all of them by a loop.

    Mend
    ----
    Make the index anew from its source.

    ```python
    for book, vector in zip(books, model.encode([book.text for book in books]), strict=True):
        index(book, vector)
    ```
    """,
)
page(
    "HO351",
    Source.PROVE,
    "search",
    """Vectors mean something.

    What is wrong
    -------------
    No two documents are more alike than chance would make them.

    Why it hurts
    ------------
    A query by vector finds random documents.

    Example
    -------
    A test filled the index with random vectors.

    Mend
    ----
    Make the index anew from its source, with the model that queries use.

    ```python
    vector = model.encode(book.text)
    ```
    """,
)
page(
    "HO352",
    Source.PROVE,
    "search",
    """Every document has its file.

    What is wrong
    -------------
    Documents of the index name files that are not in the storage.

    Why it hurts
    ------------
    A page that shows such a document fails.

    Example
    -------
    Files were moved in the bucket, the index was not.

    Mend
    ----
    Restore the files, or delete the documents.

    ```console
    $ curl -s -X DELETE "$ELASTICSEARCH_URL/books/_doc/book-17"
    ```
    """,
    counts="only rows",
)
page(
    "HO353",
    Source.PROVE,
    "search",
    """Every file has its document.

    What is wrong
    -------------
    Files are in the storage, and no document names them.

    Why it hurts
    ------------
    No search finds them.

    Example
    -------
    Ten covers were uploaded, and the index was not updated.

    Mend
    ----
    Index them, or remove the files.

    ```console
    $ handover contract accept HO353 clips --because "drafts, indexed when they are released"
    ```
    """,
    counts="only rows",
)
page(
    "HO354",
    Source.PROVE,
    "search",
    """Both systems see the same files.

    What is wrong
    -------------
    The list of files that one system sees differs from the other's.

    Why it hurts
    ------------
    A document leads to a file in one system only.

    Example
    -------
    The prefixes are `Covers/` and `covers/`.

    Mend
    ----
    Give both systems the same bucket and prefix.

    ```toml
    [search.clips]
    setting = "COVERS_ROOT"
    prefix = "Covers/"
    field = "cover"
    ```
    """,
)
