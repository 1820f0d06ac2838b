"""Can this service do all of its work? Asked before traffic is sent here; ``health`` is asked of each instance."""

import logging
from collections.abc import Callable
from functools import partial

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.jobs import calls, cloud_run
from apps.media.directory import DirectoryStorage
from apps.media.storage import media
from apps.monitoring.looks import Look, Looks
from apps.moves.search import with_index
from apps.moves.selectors import library
from bachateo import BachateoError
from bachateo.moves.index import MoveIndex
from config.encrypted import fault_told
from config.errors import UnavailableError
from config.guard import NotAdoptedError
from config.problems import problem_response, safe_only

log = logging.getLogger(__name__)

OK = "ok"
_looks = Looks()
# A balancer asks every few seconds. What takes longer than this would not make a choreography in time either. Only the
# library is read whole, once after each change.
LIMITS_S = {"database": 3.0, "media": 3.0, "library": 15.0, "search": 3.0, "queue": 3.0, "workers": 3.0}
SEARCH_BUDGET_S = 2.0
RUN_TIMEOUT_S = 2.0
_QUEUE = "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s::text[]) AS name"


@safe_only
def ready(_request: HttpRequest) -> HttpResponse:
    outcomes = check()
    failed = [f"{name} ({outcome})" for name, outcome in outcomes.items() if outcome != OK]
    if failed:
        log.warning("not ready: %s", ", ".join(failed))
        return problem_response(503, f"Not ready: {', '.join(failed)}.", code="not-ready", checks=outcomes)
    return JsonResponse({"status": "ready", "service": "backend", "checks": outcomes})


def check() -> dict[str, str]:
    """Return for each check "ok" or what is wrong, without addresses or paths."""
    asks = {
        "database": _database,
        "media": _media,
        "library": _library,
        "search": _search,
        "queue": _queue,
        "workers": _workers,
    }
    outcomes = _looks.answers({name: Look(partial(_outcome, ask), LIMITS_S[name]) for name, ask in asks.items()})
    if outcomes["database"] != OK:
        outcomes |= dict.fromkeys(("queue", "workers"), "needs the database")
    return outcomes


def _outcome(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except (DatabaseError, NotAdoptedError, OSError, UnavailableError, BachateoError) as error:
        log.warning("%s: %s", ask.__name__.strip("_"), fault_told(error) or error)
        return "failed; the log says why"
    finally:
        connection.close()  # of this thread


def _database() -> str:
    # The guard looks at every new connection, also for a table that has lost the shape of this phase meanwhile.
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        (reads_only,) = cursor.fetchone()
    return OK if reads_only == "off" else "it takes no writes"


def _media() -> str:
    # Drafts need the folder too, where the media lie in a bucket.
    for needed in (DirectoryStorage(), media()):
        needed.check()
    return OK


def _library() -> str:
    library()
    return OK


def _search() -> str:
    """Ask the index that generations search: of the library, or of the server that is configured."""
    return with_index(_found, budget_s=SEARCH_BUDGET_S)


def _found(index: MoveIndex) -> str:
    if not index.count():
        return "its index has no moves"
    return OK if index.finds() else "its index has moves, and none is found: it is mapped otherwise"


def _queue() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, [list(calls.TABLES)])
        (complete,) = cursor.fetchone()
    return OK if complete else "its tables are missing"


def _workers() -> str:
    if cloud_run.is_used():
        cloud_run.check(timeout_s=RUN_TIMEOUT_S)
        return OK
    return OK if calls.live_workers() else f"none has reported within {calls.stalled_after_s():.0f} s"
