"""The original's own code, in its own process, on a test's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from sandbox.shell import SystemShell, shell_of

# While a table has both shapes the original finds its own there; PostgreSQL skips a schema that is not there.
PATH = {"options": "-c search_path=phase1,public"}


@dataclass(frozen=True)
class Original:
    """The running shell."""

    shell: SystemShell

    def run(self, database, code: str) -> object:
        """Run ``code`` there as the role the original has; return what it calls ``answer``."""
        return self.shell.run(database.url("original_app"), code, media=settings.MEDIA_ROOT)


@contextmanager
def original_shell() -> Iterator[Original]:
    with shell_of("original", media=settings.MEDIA_ROOT, options=PATH) as shell:
        yield Original(shell)


FAIL_STUCK = "from choreography.housekeeping import fail_stuck_tasks; fail_stuck_tasks()"
FORGET_OLD = "from choreography.housekeeping import forget_old_tasks; forget_old_tasks()"
CANCEL_ALL = (
    "from choreography.models import ChoreographyTask; [task.delete() for task in ChoreographyTask.objects.all()]"
)
