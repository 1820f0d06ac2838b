"""The errors that services raise. They do not know HTTP; ``config.problems`` translates them."""

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
    """The input is invalid; ``errors`` names the fields."""

    code = "invalid"


class CredentialsError(DomainError):
    """The login or the password is wrong."""

    code = "wrong-credentials"


class ScopeError(DomainError):
    """The token lacks the scope. ``scope`` is the one it needs; None where no token is accepted."""

    code = "scope"

    def __init__(self, message: str, *, scope: str | None = None):
        super().__init__(message)
        self.scope = scope


class NotFoundError(DomainError):
    """It does not exist, or it belongs to another user, which must look the same."""

    code = "not-found"


class GoneError(NotFoundError):
    """It existed and will not come back."""

    code = "gone"


class ConflictError(DomainError):
    """It cannot be done in the present state."""

    code = "conflict"


class QuotaError(DomainError):
    """The user has as many, or as much, as one user may have, and has to remove some; ``limit`` says how much it is."""

    code = "quota"

    def __init__(self, message: str, *, code: str | None = None, limit: int):
        super().__init__(message, code=code)
        self.limit = limit


class QueueFullError(DomainError):
    """The user has as many waiting tasks as one user may have; soon there will be fewer."""

    code = "queue-full"

    def __init__(self, message: str, *, limit: int, retry_after_s: int):
        super().__init__(message)
        self.limit = limit
        self.retry_after_s = retry_after_s


class StaleError(DomainError):
    """It has changed since the client read it."""

    code = "stale"


class StreamsError(DomainError):
    """The user has as many open streams as one user may have; one that is closed makes room."""

    code = "streams"

    def __init__(self, message: str, *, limit: int, retry_after_s: int):
        super().__init__(message)
        self.limit = limit
        self.retry_after_s = retry_after_s


class TooLargeError(DomainError):
    """More bytes than allowed."""

    code = "too-large"


class LockedOutError(DomainError):
    """Too many failures; wait. ``first``: the attempts before this one were still answered."""

    code = "locked-out"

    def __init__(self, message: str, *, retry_after_s: int, first: bool = True):
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.first = first


class StorageError(OSError):
    """The storage of songs and videos could not be reached, or it refused; the same may work a moment later."""


class UnavailableError(DomainError):
    """Something that this service needs is missing at the moment; the client did nothing wrong."""

    code = "unavailable"
