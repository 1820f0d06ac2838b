"""What Elasticsearch answers when it refuses."""

from typing import Any


class RefusedError(Exception):
    """A request that is refused.

    ``kind`` is the type that clients see, as ``index_not_found_exception``.
    """

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason = status, kind, reason

    def cause(self) -> dict[str, Any]:
        """Return the error as it stands inside an answer."""
        return {"type": self.kind, "reason": self.reason}

    def answer(self) -> dict[str, Any]:
        """Return the whole answer."""
        return {"error": {"root_cause": [self.cause()], **self.cause()}, "status": self.status}


def no_index(name: str) -> RefusedError:
    """Return the refusal of an index that is not there."""
    return RefusedError(404, "index_not_found_exception", f"no such index [{name}]")


def unknown(what: str) -> RefusedError:
    """Return the refusal of a request that Elasticsearch, or this stand-in, does not understand."""
    return RefusedError(400, "parsing_exception", what)
