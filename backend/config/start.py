"""Why a process does not start, in plain words instead of a traceback."""

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from config.encrypted import fault_told


def why_not(error: BaseException) -> str | None:
    """Return what is wrong with the settings, or why the database was not reached; None if it is another fault."""
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if isinstance(error, OperationalError) and getattr(error.__cause__, "sqlstate", None) is None:
        said = " ".join(str(error).split()).rstrip(".?")
        return fault_told(error) or f"The database was not reached: {said}. Start it, or correct DATABASE_URL."
    return None
