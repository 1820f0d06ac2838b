"""What Elasticsearch answers when it refuses."""

from collections.abc import Mapping
from typing import Any

PARSED = "x_content_parse_exception"
# Of these Elasticsearch shows the innermost as the root cause.
OF_ELASTICSEARCH = {"parsing_exception", "mapper_parsing_exception"}


class RefusedError(Exception):
    """A request that is refused.

    ``kind`` is the type that clients see, as ``index_not_found_exception``; ``more`` are further members of the error.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        reason: str,
        *,
        more: Mapping[str, Any] | None = None,
        caused_by: "RefusedError | None" = None,
    ) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason = status, kind, reason
        self.more, self.caused_by = dict(more or {}), caused_by

    def head(self) -> dict[str, Any]:
        """Return the error without its cause."""
        return {"type": self.kind, "reason": self.reason, **self.more}

    def cause(self) -> dict[str, Any]:
        """Return the error as it stands inside an answer."""
        return self.head() | ({"caused_by": self.caused_by.cause()} if self.caused_by else {})

    def root(self) -> "RefusedError":
        """Return the cause that is shown first."""
        inner = self.caused_by
        if inner and (inner.kind in OF_ELASTICSEARCH or self.kind == inner.kind == PARSED):
            return inner.root()
        return self

    def answer(self) -> dict[str, Any]:
        """Return the whole answer."""
        return {"error": {"root_cause": [self.root().head()], **self.cause()}, "status": self.status}


class NotServedError(RefusedError):
    """An address, or a method of one, that is not served."""

    def answer(self) -> dict[str, Any]:
        """Return the whole answer."""
        return {"error": self.reason} | ({"status": self.status} if self.status == 405 else {})  # noqa: PLR2004


class ShardError(RefusedError):
    """A request that was understood and then failed in the index: ``error`` happened in a ``phase``."""

    def __init__(self, index: str, uuid: str, phase: str, error: RefusedError) -> None:
        super().__init__(400, "search_phase_execution_exception", "all shards failed")
        self.index, self.phase, self.error = index, phase, error
        if isinstance(error, CreationError):
            of_index = {"index_uuid": uuid, "index": index}
            reason = f"failed to create query: {error.reason}"
            self.error = RefusedError(400, "query_shard_exception", reason, more=of_index, caused_by=error)

    def answer(self) -> dict[str, Any]:
        """Return the whole answer."""
        shard = {"shard": 0, "index": self.index, "node": "stand-in", "reason": self.error.cause()}
        error = {
            "root_cause": [self.error.head()],
            **self.head(),
            "phase": self.phase,
            "grouped": True,
            "failed_shards": [shard],
        }
        if not isinstance(self.error.caused_by, CreationError):
            error["caused_by"] = {**self.error.cause(), "caused_by": self.error.cause()}
        return {"error": error, "status": self.status}


class CreationError(RefusedError):
    """A query that was understood, but does not fit the fields of the index."""

    def __init__(self, reason: str, kind: str = "illegal_argument_exception") -> None:
        super().__init__(400, kind, reason)


def no_index(name: str) -> RefusedError:
    """Return the refusal of an index that is not there."""
    more = {"resource.type": "index_or_alias", "resource.id": name, "index_uuid": "_na_", "index": name}
    return RefusedError(404, "index_not_found_exception", f"no such index [{name}]", more=more)


def illegal(reason: str) -> RefusedError:
    """Return the refusal of a value."""
    return RefusedError(400, "illegal_argument_exception", reason)


def unknown(what: str) -> RefusedError:
    """Return the refusal of a request that Elasticsearch, or this stand-in, does not understand."""
    return RefusedError(400, "parsing_exception", what, more={"line": 1, "col": 1})


def unknown_query(kind: str) -> RefusedError:
    """Return the refusal of a query of a kind that does not exist."""
    error = unknown(f"unknown query [{kind}]")
    error.caused_by = RefusedError(400, "named_object_not_found_exception", f"[1:1] unknown field [{kind}]")
    return error


def not_parsed(what: str, caused_by: RefusedError | None = None) -> RefusedError:
    """Return the refusal of a part of a request."""
    return RefusedError(400, PARSED, f"[1:1] {what}", caused_by=caused_by)


def invalid(what: str) -> RefusedError:
    """Return the refusal of a request as a whole."""
    return RefusedError(400, "action_request_validation_exception", f"Validation Failed: 1: {what};")
