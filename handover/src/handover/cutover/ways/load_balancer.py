"""A share of people, step by step, by a balancer; after each step we look whether it is true, and all is well."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from handover.config.config import Config
from handover.config.switch import ALL_PCT, SwitchSettings, WayName
from handover.cutover.context import RunContext
from handover.cutover.dns_record import digest
from handover.cutover.paging import UNDECLARED
from handover.cutover.plan import SHORT, CutoverPlan
from handover.cutover.position import Values
from handover.cutover.share_plan import SharePlan
from handover.cutover.ways.analysis import analyse
from handover.cutover.ways.balancer import Balancer, BalancerError, HeldShare
from handover.cutover.ways.haproxy import HaproxyBalancer
from handover.cutover.ways.hook import HookBalancer
from handover.cutover.ways.nginx import NginxBalancer
from handover.cutover.ways.sample import Sampled, misfit, take_sample
from handover.cutover.ways.url_map import UrlMapBalancer
from handover.cutover.ways.way import Actions, Previews, Reach, Way, WayRehearsal
from handover.errors import ConfigurationError, HandoverError, Refused
from handover.runs.command import Action, Evidence
from handover.side import Side
from handover.wording import counted, page_address

BALANCERS: Mapping[WayName, type[Balancer]] = {
    "haproxy": HaproxyBalancer,
    "nginx": NginxBalancer,
    "url-map": UrlMapBalancer,
    "hook": HookBalancer,
}
LOOK = "look at the balancers"
BACK, SEE_BACK, DRAIN_BACKEND = "send people back", "see that all are back", "drain the backend"
DRAIN = "drain the original"
BETWEEN_S = 0.2
# With so many expected answers, chance does not leave all of them out.
FEW = 10


class ShareError(HandoverError):
    """A balancer, or the requests that were sampled through it, show another share than the one that was set."""

    code = "HO622"


def send(backend_pct: int) -> str:
    """Return the name of the action that sends a share of people to the backend."""
    return f"send {backend_pct} % to the backend"


def share(backend_pct: float) -> Values:
    """Return what a balancer holds, as the journal and the status say it."""
    return (f"{backend_pct:.4g} % to the backend",)


class LoadBalancerWay(Way):
    """Moves people by a balancer, a share at a time."""

    name: ClassVar[str] = "load-balancer"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.balancer = BALANCERS[config.switch.way](config)

    @property
    def switch(self) -> SwitchSettings:
        """The section ``[switch]``."""
        return self.config.switch

    def reach(self) -> Reach:
        """Ask every balancer; see :meth:`Way.reach`. No request is sampled: a status is asked often."""
        found = self.balancer.held()
        known = {one.backend_pct for one in found}
        held = tuple(None if one.backend_pct is None else share(one.backend_pct) for one in found)
        lines = tuple(map(str, found))
        if None in known:
            return Reach("unknown: a balancer does not say", held, lines)
        if len(known) > 1:
            return Reach("the balancers do not agree", held, lines)
        (backend_pct,) = known
        assert backend_pct is not None  # noqa: S101 - looked at above
        ends: dict[float, str] = {0.0: Side.ORIGINAL, float(ALL_PCT): Side.BACKEND}
        people = ends.get(backend_pct, f"both: {backend_pct:.4g} % of them the backend")
        return Reach(people, held, lines, backend_pct)

    def values(self, side: Side) -> Values:
        """Return nobody's share, or everybody's; see :meth:`Way.values`."""
        return share(ALL_PCT if side is Side.BACKEND else 0)

    def plan(self) -> CutoverPlan:
        """Return the plan as the balancers are now; see :meth:`Way.plan`."""
        held = self._all_at(0)
        facts = SharePlan(
            **self._declared(),
            held=tuple(map(str, held)),
            rest=_rest(held),
            warnings=(*self.balancer.warnings(), *self._warnings()),
        )
        return CutoverPlan(facts=facts)

    def _declared(self) -> dict[str, Any]:
        """Return the facts of a plan that ``handover.toml`` alone decides."""
        settings = self.switch
        assert settings.told_by is not None  # noqa: S101 - `SwitchSettings` asks for it
        return {
            "way": settings.way,
            "balancers": self.balancer.names(),
            "steps": settings.all_steps,
            "url": self.balancer.url,
            "told_by": settings.told_by.model_dump_json(),
            "windows": settings.windows,
            "wait_s": settings.wait_s,
            "on_red": settings.on_red,
            "drain_s": settings.drain_s,
        }

    def differing(self, plan: CutoverPlan) -> list[str]:
        """Compare what is declared; see :meth:`Way.differing`."""
        facts = share_facts(plan)
        pairs = {name: (getattr(facts, name), now) for name, now in self._declared().items()}
        return [f"{name} is {was}, and now {now}" for name, (was, now) in pairs.items() if was != now]

    def _warnings(self) -> tuple[str, ...]:
        if self.config.read_only and len(self.switch.all_steps) > 1:
            who = "people whom the balancer sends to the original"
            return (f"from the first step to the last, {who} can only read: steps = [100] makes that short",)
        return ()

    def plan_lines(self, plan: CutoverPlan) -> list[str]:
        """Return a plan for people; see :meth:`Way.plan_lines`."""
        facts = share_facts(plan)
        steps = ", ".join(f"{one} %" for one in facts.steps)
        red = (
            "goes back by itself, unless the original is red"
            if facts.on_red == "back"
            else "stops there and pages a person"
            if "page" in self.config.hooks.at
            else f"stops there, and pages no person: {UNDECLARED}"
        )
        return [
            f"Plan {plan.checksum[:SHORT]}: move people to the backend, by {', '.join(facts.balancers)}",
            f"  steps: {steps} of people reach the backend",
            f"  after each: the balancer and {self.switch.samples} requests to {facts.url} must show it, and",
            f"    {facts.windows} windows of the watch must be green within {facts.wait_s:g} s; a red one {red}",
            f"  at the end: connections that the original still holds are followed for {facts.drain_s:g} s",
            *(f"  now: {line}" for line in facts.held),
            *(f"  beware: {line}" for line in facts.warnings),
            f"  back: handover rollback --apply, at once, within {self.config.rollback.budget_s / 60:g} minutes",
        ]

    def previews(self) -> Previews:
        """Return what each command would do; see :meth:`Way.previews`."""
        place = self.balancer.place
        return Previews(
            begin=f"see that both systems answer, and that {place} sends all people to the original",
            end=f"see that {place} sends all people to the original; there is nothing to undo",
            rollback=f"let {place} send all people to the original",
            rehearsal="send all of a second place, where no people are, to the backend and back",
        )

    def told(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the way and the balancers; see :meth:`Way.told`."""
        del facts
        return {"way": self.switch.way, "balancers": list(self.balancer.names())}

    def begin_preflight(self, _: RunContext) -> Evidence:
        """See that all reach the original, and answers tell who gave them; see :meth:`Way.begin_preflight`."""
        self._all_at(0)
        return {"sampled": str(self._seen(self.balancer, 0))}

    def begin(self) -> Actions:
        """Nothing has to be prepared; see :meth:`Way.begin`."""
        return (Action(LOOK, self._look),)

    def end(self) -> Actions:
        """Nothing is left to undo; see :meth:`Way.end`."""
        return (Action(LOOK, self._look),)

    def _look(self, _: RunContext) -> Evidence:
        return {"held": [str(one) for one in self._all_at(0)]}

    def preflight(self, context: RunContext) -> Evidence:
        """See that the balancers are as the plan says, or one step on; see :meth:`Way.preflight`."""
        held = self.balancer.held()
        facts = self._as_planned(context, held)
        expected = {0.0, float(facts.steps[0])} if context.position().run else {0.0}
        for one in held:
            if one.backend_pct not in expected:
                raise _void(context, f"{one} by now")
        return {"held": [str(one) for one in held]}

    def _as_planned(self, context: RunContext, held: list[HeldShare]) -> SharePlan:
        """Return the facts of the plan; raise when a balancer has changed since."""
        assert context.plan is not None  # noqa: S101 - the command takes a plan
        facts = share_facts(context.plan)
        if silent := [str(one) for one in held if one.backend_pct is None]:
            raise Refused(f"{'; '.join(silent)}. Nothing was changed. Mend that, then run again.", code="HO620")
        if facts.rest != _rest(held):
            raise _void(context, f"the balancers hold other systems by now: {'; '.join(one.rest for one in held)}")
        return facts

    def there(self) -> Actions:
        """Send share after share, and look after each; see :meth:`Way.there`."""
        actions: list[Action[RunContext]] = []
        for pct in self.switch.all_steps:
            actions.append(Action(send(pct), partial(self._step, pct), partial(self._change, pct)))
            actions.append(Action(f"see that {pct} % reach it", partial(self._see, pct)))
            if pct == ALL_PCT:
                actions.append(Action(DRAIN, partial(self._drain, Side.ORIGINAL)))
            actions.append(Action(f"analyse {pct} %", partial(self._analyse, pct)))
        return tuple(actions)

    def back(self) -> Actions:
        """Send all people to the original at once; see :meth:`Way.back`."""
        return (
            Action(BACK, partial(self._send, self.balancer, 0), partial(self._change, 0)),
            Action(SEE_BACK, partial(self._see, 0)),
            Action(DRAIN_BACKEND, partial(self._drain, Side.BACKEND)),
        )

    def _change(self, backend_pct: int, _: RunContext) -> Mapping[str, Any]:
        """Return what the journal says beforehand; of several balancers, the first that is not there yet."""
        wanted = float(backend_pct)
        known = [one.backend_pct for one in self.balancer.held() if one.backend_pct is not None]
        now = next((one for one in known if one != wanted), wanted)
        return {"record": {"name": self.balancer.place, "from": share(now), "to": share(backend_pct)}}

    def _step(self, backend_pct: int, context: RunContext) -> Evidence:
        self._as_planned(context, self.balancer.held())
        return self._send(self.balancer, backend_pct, context)

    def _send(self, balancer: Balancer, backend_pct: int, context: RunContext) -> Evidence:
        return {**balancer.send(backend_pct, context.at_point), "backend_pct": backend_pct}

    def _see(self, backend_pct: int, _: RunContext) -> Evidence:
        sampled = self._seen(self.balancer, backend_pct)
        return {"held": [str(one) for one in self.balancer.held()], "sampled": str(sampled)}

    def _seen(self, balancer: Balancer, backend_pct: int) -> Sampled:
        """Wait until the balancers hold a share, and real requests show it; return the sample.

        Raises
        ------
        ShareError
            They do not within the limit.
        """
        settings, began = self.switch, time.monotonic()
        assert settings.told_by is not None  # noqa: S101 - `SwitchSettings` asks for it
        few: Sampled | None = None
        while True:
            held = balancer.held()
            trouble = "; ".join(str(one) for one in held if one.backend_pct != backend_pct)
            if not trouble:
                took = take_sample(balancer.url, settings.told_by, settings.samples, timeout_s=settings.timeout_s)
                sampled = few + took if few else took
                trouble = misfit(sampled, backend_pct)
                if not trouble:
                    return sampled
                few = sampled if _may_be_chance(sampled, backend_pct) else None
            if time.monotonic() - began > settings.verify_s:
                message = f"after {time.monotonic() - began:.0f} s not {backend_pct} % reach the backend: {trouble}."
                raise ShareError(f"{message} Look again: handover status. Go on or back: handover resume [--back]")
            time.sleep(BETWEEN_S)

    def _drain(self, side: Side, context: RunContext) -> Evidence:
        """Follow the connections that a side still holds to their end, up to a limit; never fails."""
        began, settings = time.monotonic(), self.switch
        while True:
            try:
                left = self.balancer.open_at(side)
            except HandoverError as error:
                context.say(f"connections of the {side} cannot be counted: {error}")
                return {"left": "unknown", "trouble": str(error)}
            took = round(time.monotonic() - began, 3)
            if not left:
                return {"left": "unknown: the balancer does not count them" if left is None else 0, "took_s": took}
            if took >= settings.drain_s:
                break
            time.sleep(min(BETWEEN_S, settings.drain_s))
        closes = settings.at_drain_limit == "close"
        are, they = ("is", "it is") if left == 1 else ("are", "they are")
        what = f"{counted(left, 'connection')} of the {side} {are} still open after {took:.0f} s"
        context.say(f"{what}; {they} {'ended' if closes else 'left'}")
        return {"left": left, "took_s": took, **(self._close(side, context) if closes else {})}

    def _close(self, side: Side, context: RunContext) -> dict[str, str]:
        try:
            self.balancer.close_at(side)
        except BalancerError as error:
            context.say(str(error))
            return {"trouble": str(error)}
        return {"note": "they were ended"}

    def _analyse(self, backend_pct: int, context: RunContext) -> Evidence:
        return analyse(context, backend_pct, self.told(context.facts))

    def _all_at(self, backend_pct: int) -> list[HeldShare]:
        """Return what the balancers hold; refuse unless that is this share at each, and both systems are well there."""
        held = self.balancer.held()
        for one in held:
            if one.backend_pct != backend_pct:
                message = f"{one}; {share(backend_pct)[0]} is expected before the switch. Nothing was changed."
                raise Refused(f"{message} Correct the balancer or [switch], then run again.", code="HO620")
            if one.unwell:
                message = f"{one}: the {one.unwell[0]} does not answer it. Nothing was changed."
                raise Refused(f"{message} Find out why the balancer calls it down.", code="HO620")
        return held

    def rehearsed(self, _: RunContext) -> WayRehearsal:
        """Return the rehearsal on a second place; see :meth:`Way.rehearsed`."""
        second = self.balancer.rehearsed()
        if second is None:
            message = f"handover.toml: [switch] declares no second place of {self.switch.way} to rehearse on."
            todo = page_address("reference/handover-toml", "How people are moved")
            raise ConfigurationError(f"{message} Declare one where it has such keys: {todo}")
        back: dict[str, Callable[[RunContext], Evidence]] = {
            "people are sent back": partial(self._send, second, 0),
            "all are seen to be back": lambda _: {"sampled": str(self._seen(second, 0))},
        }
        return WayRehearsal(second.place, partial(self._bring, second), back)

    def _bring(self, second: Balancer, context: RunContext) -> None:
        for pct in (0, ALL_PCT):
            self._send(second, pct, context)
            self._seen(second, pct)


def share_facts(plan: CutoverPlan) -> SharePlan:
    """Return what a plan says of the shares.

    Raises
    ------
    Refused
        It was made for another way to move people.
    """
    if isinstance(plan.facts, SharePlan):
        return plan.facts
    message = f"plan {plan.checksum[:SHORT]} moves people by the DNS record; handover.toml names another way."
    raise Refused(f"{message} Nothing was applied. Run `handover cutover plan` and review again.", code="HO571")


def _rest(held: list[HeldShare]) -> str:
    return digest([[one.balancer, one.rest] for one in held])


def _may_be_chance(sampled: Sampled, backend_pct: int) -> bool:
    """Say whether a sample has no answer of a side only because it is small: so at 1 %; a larger one has some."""
    rarer = min(backend_pct, ALL_PCT - backend_pct) / ALL_PCT
    return 0 < rarer * sampled.requests < FEW and not min(sampled.answers.values()) and not sampled.troubles


def _void(context: RunContext, what: str) -> Refused:
    assert context.plan is not None  # noqa: S101 - the caller has a plan
    message = f"plan {context.plan.checksum[:SHORT]} was reviewed, but {what}. Nothing was applied."
    return Refused(f"{message} Run `handover cutover plan` and review again.", code="HO571")
