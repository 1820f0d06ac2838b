"""A hook of the team as the way: it says which share of people reaches the backend, and changes it.

It gets ``{"point": "switch", "do": "look"}`` or ``{"do": "send", "backend_pct": 10, …}`` as every hook does, and prints
one JSON object on its last line: ``{"backend_pct": 10}``, with ``"open": {"original": 3}`` where it can count that.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from handover.config.switch import ALL_PCT
from handover.cutover import hooks
from handover.cutover.ways.balancer import Balancer, BalancerError, HeldShare
from handover.errors import HandoverError
from handover.side import Side

POINT = "switch"


class HookBalancer(Balancer):
    """The program that ``[switch.hook]`` names."""

    def names(self) -> tuple[str, ...]:
        """See :meth:`Balancer.names`."""
        return (f"the hook {self._command()[0]}",)

    def _command(self) -> tuple[str, ...]:
        assert self.config.switch.hook is not None  # noqa: S101 - `SwitchSettings` asks for it
        return self.config.switch.hook.command

    def held(self) -> list[HeldShare]:
        """See :meth:`Balancer.held`."""
        (name,) = self.names()
        try:
            said = self._ask({"do": "look"})
            backend_pct = float(said["backend_pct"])
        except (HandoverError, KeyError, TypeError, ValueError) as error:
            return [HeldShare(name, None, f"it does not say how many percent reach the backend: {error}")]
        if not 0 <= backend_pct <= ALL_PCT:
            return [HeldShare(name, None, f"it says {backend_pct:g} %, which is no share")]
        return [HeldShare(name, backend_pct, f"{backend_pct:g} % to the backend")]

    def send(self, backend_pct: int, at_point: Callable[[str], None]) -> Mapping[str, Any]:
        """See :meth:`Balancer.send`."""
        said = self._ask({"do": "send", "backend_pct": backend_pct})
        at_point("in the middle of the balancers")
        return {"said": dict(said)}

    def open_at(self, side: Side) -> int | None:
        """See :meth:`Balancer.open_at`."""
        counted = self._ask({"do": "look"}).get("open")
        if not isinstance(counted, Mapping) or side not in counted:
            return None
        return int(counted[side])

    def _ask(self, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        facts = {**wanted, "rehearsal": self.rehearsal}
        ran = hooks.execute(self.config, POINT, self._command(), facts)
        try:
            said = json.loads(ran.output.splitlines()[-1])
        except (ValueError, IndexError):
            said = None
        if not isinstance(said, Mapping):
            message = (
                f"the hook {self._command()[0]} printed {ran.output[-200:]!r}; its last line must be a JSON object"
            )
            raise BalancerError(f'{message} such as {{"backend_pct": 10}}.')
        return said
