"""The backend's own interpreter, working in the live database as the backend's role, with its search path."""

from contextlib import ExitStack
from functools import cached_property
from typing import Any

from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from handover.adoption.run import LOCK_TIMEOUT_MS, repair_advice
from handover.adoption.statements import Code
from handover.config.config import Config
from handover.errors import Refused
from handover.probe.client import Probe, probe
from handover.schema.deletes import deletable_names
from handover.schema.models import Description
from handover.wording import identifier

# Django's names for the parts of a URL. The owner logs in, and each session changes to the role at once: adoption does
# not know the password of a role that was there before.
PLACE = {"NAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}


class BackendAgent:
    """Runs migrations that cannot be SQL, and reports what the backend sees.

    Its interpreter starts when it is first needed and ends with ``stack``.

    Parameters
    ----------
    url
        Database, as the owner of the shared tables.
    config, description
        The pair, and the backend's answer to ``describe``.
    shared
        Names of the shared tables.
    stack
        Ends the interpreter.
    """

    def __init__(
        self, url: str, config: Config, description: Description, shared: tuple[str, ...], stack: ExitStack
    ) -> None:
        self._url, self._config, self._description, self._stack = url, config, description, stack
        self._shared = shared

    @cached_property
    def _started(self) -> tuple[Probe, int]:
        found = conninfo_to_dict(self._url)
        place = {ours: str(found[theirs]) for ours, theirs in PLACE.items() if found.get(theirs)}
        backend = self._config.backend
        agent = self._stack.enter_context(probe("the backend", backend, self._config.root, act_on=place))
        agent.load("adopt")
        path = f"{identifier(backend.schema_name)}, public"
        role, pid = agent.ask("stand_as", role=backend.role, path=path, lock_timeout=f"{LOCK_TIMEOUT_MS}ms")
        if role != backend.role:
            message = f"the backend's interpreter is connected as {role}; {backend.role} was expected."
            raise Refused(
                f"{message} A connection pool may ignore options; connect to the server itself.", code="HO043"
            )
        return agent, pid

    @property
    def pid(self) -> int:
        """The process id of its session in the database."""
        return self._started[1]

    def migrate(self, code: Code) -> None:
        """Run the chosen operations of one migration and record it, in one transaction if the migration allows it.

        Raises
        ------
        Refused
            It failed. Nothing of it stays, unless the migration is not atomic.
        psycopg.errors.LockNotAvailable
            It did not get a lock.
        """
        known = {"shared": self._shared, "deletable": deletable_names(self._description, self._shared)}
        told = self._started[0].ask("migrate", key=code.key, operations=code.operations, **known)
        if told.get("locked"):
            raise errors.LockNotAvailable
        if told:
            which = ", ".join(name for name, _ in told["at"]) or "one of its operations"
            message = f"migration {code.name} ({code.file}) failed at {which}: {told['said']}."
            raise Refused(f"{message}\n       {repair_advice(code.name, refused=told['refused'])}", code="HO042")

    def report(self) -> dict[str, Any]:
        """Return where the backend finds each table, whether it can read it, and which migrations are left."""
        return self._started[0].ask("look")  # type: ignore[no-any-return]
