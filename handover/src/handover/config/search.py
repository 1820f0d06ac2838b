"""``[search]`` of ``handover.toml``: how each system is asked, and what must be in the index."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from handover.config.section import Section


class SearchCall(Section):
    """How one system is asked: by a callable, by a few lines of Python, or over HTTP; exactly one of the three.

    Attributes
    ----------
    call
        Import path of a callable in the project; called with ``arguments`` and ``options``, in which ``"{vectors}"``
        stands for the vectors by name (lists of numbers) and ``"{FILTER}"`` for a filter's value, None when not asked.
    code
        Python that defines ``search(vectors, filters)`` and returns (id, score) pairs, the best first.
    path, method, body
        A request to the system's ``base_url``; ``json`` in the file is ``body``, with the same names.
    headers
        For HTTP; ``${NAME}`` is taken from the environment.
    hits, id, score
        Paths to the list of hits in the answer (empty: the answer itself), and to id and score in a hit.
    """

    call: str | None = None
    code: str | None = None
    path: str | None = Field(default=None, pattern=r"^/")
    method: str = "POST"
    body: Any = Field(default=None, alias="json")
    headers: dict[str, str] = {}
    arguments: tuple[Any, ...] = ("{vectors}",)
    options: dict[str, Any] = {}
    hits: str = ""
    id: str = "0"
    score: str = "1"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.call, self.code, self.path)) != 1:
            raise ValueError("needs one of call, code and path: how is this system asked?")
        return self


class Clips(Section):
    """The files that documents describe.

    Attributes
    ----------
    setting
        Django setting of both systems that names the folder of the files.
    storage, prefix
        Or the storage that holds them (a name in ``STORAGES``), and the folder in it.
    field
        The document's field with the name, relative to that folder.
    suffix
        The end of such a file's name.
    """

    setting: str | None = None
    storage: str | None = None
    prefix: str = ""
    field: str
    suffix: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.setting is None) == (self.storage is None):
            raise ValueError("needs setting or storage: where do the files lie?")
        return self


class SharedSearch(Section):
    """The shared search.

    Attributes
    ----------
    original, backend
        How each system is asked.
    index, url_env
        Name of the index, and the environment variable with its server's address; of ``[index]`` when not given.
    vectors
        Names of the vectors of a query, and the field of a document that each is compared with.
    filters
        Names of the filters, which are fields of a document too, and the values to ask for.
    mapping
        File with the mapping that the index must have, relative to ``handover.toml``: what ``GET INDEX/_mapping``
        answers, or its ``properties``.
    clips
        The files that documents describe; None when they describe no files.
    """

    original: SearchCall
    backend: SearchCall
    index: str | None = None
    url_env: str | None = None
    vectors: dict[str, str] = Field(min_length=1)
    filters: dict[str, tuple[str, ...]] = {}
    mapping: Path = Path("handover/search-mapping.json")
    clips: Clips | None = None
