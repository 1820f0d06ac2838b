"""Is this service able to work? Asked by load balancers, without a session."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from config.guard import NotAdoptedError
from config.problems import MEDIA_TYPE, problem


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, NotAdoptedError):
        body = problem(503, "The database does not answer or is not adopted; the log says which.", code="database")
        return JsonResponse(body, status=503, content_type=MEDIA_TYPE)
    return JsonResponse({"status": "healthy", "service": "backend"})
