"""Agents that read rows in each system's interpreter; an agent that ended is started again."""

import time
from contextlib import ExitStack
from typing import Any

from handover.config.config import Config
from handover.errors import HandoverError, ProbeError, RaisedError
from handover.probe.client import Probe, probe
from handover.proof.target import ProofTarget
from handover.schema.models import Description, Model
from handover.side import Side

AGAIN_AFTER_S = 15.0
WITHIN_S = 30.0


class ReadingAgent:
    """The agent of one system.

    Attributes
    ----------
    described
        The system's description of its models; None while no agent runs.
    """

    def __init__(self, config: Config, side: Side, url: str) -> None:
        self._config, self._side = config, side
        self._place = ProofTarget(config, url, throwaway=False, size="small", seed=0, say=_nothing).database
        self._stack = ExitStack()
        self._probe: Probe | None = None
        self.described: Description | None = None
        self._tried, self._why = float("-inf"), ""

    def ask(self, do: str, **arguments: object) -> Any:
        """Return the answer of the agent; if no agent runs, it is started first.

        Raises
        ------
        ProbeError
            The system did not answer, or its interpreter does not start. After a failed start the next one waits.
        """
        if self._probe is None:
            self._start()
        assert self._probe  # noqa: S101 - started, or raised
        try:
            return self._probe.ask(do, **arguments)
        except RaisedError:
            raise
        except ProbeError:
            self.end()
            raise

    def model(self, path: str) -> Model:
        """Return the system's description of a model.

        Raises
        ------
        ProbeError
            The system does not start, or has no such model.
        """
        if self._probe is None:
            self._start()
        found = self.described.concrete() if self.described else ()
        for model in found:
            if model.path == path:
                return model
        raise ProbeError(f"the {self._side} has no model {path}")

    def _start(self) -> None:
        if time.monotonic() - self._tried < AGAIN_AFTER_S:
            raise ProbeError(self._why)
        self._tried = time.monotonic()
        system = self._config.system(self._side)
        try:
            self._probe = self._stack.enter_context(
                probe(f"the {self._side}", system, self._config.root, within_s=WITHIN_S, act_on=self._place)
            )
            self._probe.load("reading")
            self.described = Description.of(f"the {self._side}", self._probe.ask("describe", key="", names=[]))
        except HandoverError as error:
            self._why = f"the {self._side} does not start: {str(error).strip().splitlines()[-1]}"
            self.end()
            raise ProbeError(self._why) from error

    def end(self) -> None:
        """End the agent; the next request starts a new one."""
        self._probe = self.described = None
        self._stack.close()


def _nothing(_: str) -> None:
    """Report no progress."""
