"""The incoming system at work in the live database: its own interpreter, as its role, on its search path."""

from contextlib import ExitStack
from functools import cached_property
from typing import Any

from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from handover.adoption.run import LOCK_TIMEOUT_MS, ways
from handover.adoption.statements import Code
from handover.config.config import Config
from handover.errors import Refused
from handover.probe.client import Probe, probe
from handover.schema.deletes import deletable_names
from handover.schema.models import Description

# How Django's settings call what a URL says. The owner logs in, and every session is the role's from its first moment:
# a role that was there before has a password that adoption does not know.
PLACE = {"NAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}


class Insider:
    """Runs what is no SQL, and looks; its interpreter starts when it is first needed and ends with ``stack``."""

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
        path = f'"{backend.schema_name}", public'
        role, pid = agent.ask("stand_as", role=backend.role, path=path, lock_timeout=f"{LOCK_TIMEOUT_MS}ms")
        if role != backend.role:
            message = f"the backend's interpreter is {role} in the database, and {backend.role} was expected."
            raise Refused(f"{message} A pool before the database may ignore options; connect past it.", code="HO043")
        return agent, pid

    @property
    def pid(self) -> int:
        """Its session's, in the database."""
        return self._started[1]

    def migrate(self, code: Code) -> None:
        """Run what adoption chose of one migration, and write it down, in one transaction if the migration allows.

        Raises
        ------
        Refused
            It failed; nothing of it stays, unless it is not atomic.
        psycopg.errors.LockNotAvailable
            A lock was not to be had.
        """
        known = {"shared": self._shared, "deletable": deletable_names(self._description, self._shared)}
        told = self._started[0].ask("migrate", key=code.key, operations=code.operations, **known)
        if told.get("locked"):
            raise errors.LockNotAvailable
        if told:
            which = ", ".join(name for name, _ in told["at"]) or "one of its operations"
            message = f"migration {code.name} ({code.file}) failed at {which}: {told['said']}."
            raise Refused(f"{message}\n       {ways(code.name, refused=told['refused'])}", code="HO042")

    def look(self) -> dict[str, Any]:
        """Return where the system finds each of its tables, whether it can read them, and what it would still run."""
        return self._started[0].ask("look")  # type: ignore[no-any-return]
