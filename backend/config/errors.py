"""What services raise. They know nothing of HTTP; ``config.problems`` translates, in one place."""

from collections.abc import Mapping, Sequence


class DomainError(Exception):
    """The request cannot be fulfilled.

    ``code`` is stable and for programs; the message is for people.
    """

    code = "refused"

    def __init__(self, message: str, *, code: str | None = None, errors: Mapping[str, Sequence[str]] | None = None):
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.errors = errors


class InvalidError(DomainError):
    """What was sent is not right; ``errors`` names the fields."""

    code = "invalid"


class CredentialsError(DomainError):
    """Login and password do not belong together."""

    code = "wrong-credentials"


class ScopeError(DomainError):
    """A token does not reach this far. ``scope`` is the one that would; None where no token does."""

    code = "scope"

    def __init__(self, message: str, *, scope: str | None = None):
        super().__init__(message)
        self.scope = scope


class NotFoundError(DomainError):
    """There is no such thing, or it is somebody else's, which must look the same."""

    code = "not-found"


class GoneError(NotFoundError):
    """It was there and will not come back."""

    code = "gone"


class ConflictError(DomainError):
    """It cannot be done in the present state."""

    code = "conflict"


class TooLargeError(DomainError):
    """More bytes than allowed."""

    code = "too-large"


class LockedOutError(DomainError):
    """Too many failures; wait."""

    code = "locked-out"

    def __init__(self, message: str, *, retry_after_s: int):
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnavailableError(DomainError):
    """Something that this service needs is not there at the moment; not the client's fault."""

    code = "unavailable"
