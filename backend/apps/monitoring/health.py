"""Is this instance alive, and does it reach its database? Asked by load balancers, without a session."""

import logging

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from config.guard import NotAdoptedError
from config.problems import problem_response, safe_only

log = logging.getLogger(__name__)


@safe_only
def alive(_request: HttpRequest) -> JsonResponse:
    """Answer, whatever is wrong elsewhere: an instance that does not is started again, which mends no database."""
    return JsonResponse({"status": "alive", "service": "backend"})


@safe_only
def health(_request: HttpRequest) -> JsonResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, NotAdoptedError) as error:
        log.warning("the database does not answer or is not adopted: %s", error)
        detail = "The database does not answer or is not adopted; the log says which."
        return problem_response(503, detail, code="database")
    return JsonResponse({"status": "healthy", "service": "backend"})
