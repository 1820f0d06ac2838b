"""The zone where it is kept, through octoDNS: one record is read or written whole, all others stay.

octoDNS comes with the extra ``[dns]``, so it is imported where it is used: all other commands run without it.
"""

# ruff: noqa: PLC0415 - see above

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from handover.config.config import Config, Dns
from handover.cutover.dns_record import DnsRecord, ZoneState, dns_record, extras_lines
from handover.cutover.one_change import one_change, unkept, whole_record
from handover.cutover.provider_call import ProviderError, within
from handover.cutover.unread import doomed_checks, unkept_at
from handover.cutover.zone_read import ZoneRead, read_zone
from handover.errors import ConfigurationError, Refused
from handover.side import Side

READ_AGAIN_S = 0.2


class DiffersAtProviderError(ProviderError):
    """The provider took a change, and does not give it back as it was sent."""

    code = "HO578"


class OpenProvider(NamedTuple):
    """octoDNS's provider, without anything remembered of earlier requests, and the zone's processors."""

    handle: Any
    processors: tuple[Any, ...]


@dataclass(frozen=True)
class Provider:
    """One target of the zone; ``open`` makes octoDNS's provider anew."""

    name: str
    dns: Dns
    open: Callable[[], OpenProvider]

    def zone_state(self, name: str) -> ZoneState:
        """Return what it holds of the zone, seen from the record ``name``.

        Raises
        ------
        ProviderError
            It does not answer.
        Refused
            The name has several records.
        """
        return within(
            self.dns.timeout_s, self.name, "be read", lambda: read_zone(self.open().handle, self.dns, name).state
        )

    def check_whole(self, name: str, wanted: DnsRecord) -> ZoneState:
        """Return what it holds; raise unless the record can be made what is wanted with all that is kept with it.

        Raises
        ------
        Refused
            Something of the record would be lost, or octoDNS's configuration forbids the change.
        """
        return within(self.dns.timeout_s, self.name, "be read", lambda: self._check(name, wanted))

    def write(self, name: str, wanted: DnsRecord) -> Mapping[str, Any]:
        """Make the record what is wanted, touch nothing else, and see that the provider gives back the whole of it.

        Returns
        -------
        dict
            ``note``: what the provider said, where it answered an error although the change was made.

        Raises
        ------
        ProviderError
            It failed or did not answer; whether the change was made is to be asked of the name servers.
        DiffersAtProviderError
            The record is not what was sent.
        """
        found: list[ZoneState] = []
        try:
            within(self.dns.timeout_s, self.name, "be changed", lambda: self._write(name, wanted, found))
        except ProviderError as error:
            if error.is_silent or not found or not self._is_whole(self.zone_state(name), found[0], wanted):
                raise
            return {"note": f"{self.name} holds the record as it was wanted, although it answered an error: {error}"}
        self._read_back(name, found[0], wanted)
        return {}

    def _write(self, name: str, wanted: DnsRecord, found: list[ZoneState]) -> None:
        """Write, and put what was there before into ``found`` first."""
        opened = self.open()
        read = read_zone(opened.handle, self.dns, name)
        found.append(read.state)
        if plan := self._plan(opened, read, name, wanted):
            opened.handle.apply(plan)

    def _check(self, name: str, wanted: DnsRecord) -> ZoneState:
        opened = self.open()
        read = read_zone(opened.handle, self.dns, name)
        self._plan(opened, read, name, wanted)
        return read.state

    def _plan(self, opened: OpenProvider, read: ZoneRead, name: str, wanted: DnsRecord) -> Any | None:
        record = whole_record(read.zone, name, read.state.settable(wanted))
        old = read.zone.get_type(name, wanted.type)
        lost = [*unkept_at(read.raw or (), name), *doomed_checks(opened.handle, record)]
        lost += unkept(opened.handle, old, wanted) if old else ()
        if lost:
            message = f"{self.name}: {name or '@'} {wanted.type} has {'; and '.join(lost)}. octoDNS cannot keep that."
            todo = "Make it a plain record in the provider's console first, or switch in another way: [switch]"
            raise Refused(f"{message} Nothing was changed. {todo}", code="HO577")
        has = read.state.record
        if has is not None and has.type != wanted.type:
            message = f"{self.name}: {name or '@'} is {has}; [dns] type says {wanted.type}. Nothing was changed."
            raise Refused(
                f"{message} A switch changes values and leaves the type. Correct whichever is wrong.", code="HO573"
            )
        plan = one_change(opened.handle, read.zone, record, opened.processors)
        if plan is None and not read.state.holds(wanted):
            message = f"octoDNS would not send {wanted} to {self.name}, which holds {read.state.record}."
            raise Refused(f"{message} Nothing was changed. See what octodns-sync says of the record.", code="HO574")
        return plan

    def _is_whole(self, now: ZoneState, before: ZoneState, wanted: DnsRecord) -> bool:
        return now.holds(wanted) and (before.record is None or now.extras == before.extras)

    def _read_back(self, name: str, before: ZoneState, wanted: DnsRecord) -> None:
        """Wait until the provider gives back what was sent: some answer from an older copy for a while."""
        began = time.monotonic()
        while not self._is_whole(now := self.zone_state(name), before, wanted):
            if time.monotonic() - began > self.dns.verify_s:
                kept = ", ".join(extras_lines(before.extras)) or "nothing else"
                has = ", ".join(extras_lines(now.extras)) or "nothing else"
                message = f"{self.name} took the change, but holds {now.record} with {has}"
                sent = f"{before.settable(wanted)} with {kept} was sent"
                raise DiffersAtProviderError(f"{message}; {sent}. Look in its console, then: handover resume [--back]")
            time.sleep(READ_AGAIN_S)


def providers(config: Config) -> tuple[Provider, ...]:
    """Return the targets of the zone.

    Raises
    ------
    ConfigurationError
        ``handover.toml`` or octoDNS's configuration does not say what is needed.
    """
    dns = require(config)
    manager = _manager(config)
    names = manager.config["zones"][_zone_name(dns)]["targets"]
    return tuple(Provider(name, dns, _opener(config, name, manager)) for name in names)


def _opener(config: Config, name: str, first: Any) -> Callable[[], OpenProvider]:
    """Return what opens a provider; ``first`` is octoDNS's manager as it was just made."""
    unused = [first]

    def open_provider() -> OpenProvider:
        manager = unused.pop() if unused else _manager(config)
        settings = manager.config["zones"][_zone_name(require(config))]
        named = (*manager.global_processors, *(settings.get("processors") or ()), *manager.global_post_processors)
        return OpenProvider(manager.providers[name], tuple(manager.processors[one] for one in named))

    return open_provider


def _zone_name(dns: Dns) -> str:
    return f"{dns.zone.rstrip('.')}."


def _manager(config: Config) -> Any:
    from octodns.manager import Manager  # type: ignore[import-untyped]

    dns = require(config)
    assert dns.octodns_config is not None  # noqa: S101 - required above
    path = config.root / dns.octodns_config
    zone = _zone_name(dns)
    try:
        manager = Manager(str(path))
        names = manager.config["zones"][zone]["targets"]
        missing = [name for name in names if name not in manager.providers]
    except Exception as error:
        message = f"{path} does not give a provider for {zone}: {type(error).__name__}: {error}."
        raise ConfigurationError(f"{message} It is octoDNS's own configuration; octodns-validate says more.") from error
    if missing or not names:
        raise ConfigurationError(f"{path}: the targets of {zone} are {names}; {missing or 'none'} is no provider.")
    return manager


def require(config: Config) -> Dns:
    """Return ``[dns]`` with all that a switch needs.

    Raises
    ------
    ConfigurationError
        Something is missing.
    """
    if config.dns is None:
        raise ConfigurationError("handover.toml has no [dns]; a switch needs zone, record, original, backend.")
    missing = [name for name in ("original", "backend", "octodns_config") if not getattr(config.dns, name)]
    if missing:
        raise ConfigurationError(f"handover.toml: [dns] lacks {', '.join(missing)}; a switch needs them. Add them.")
    if set(config.dns.original) == set(config.dns.backend):
        raise ConfigurationError("handover.toml: [dns] original and backend are the same; nothing would be switched.")
    return config.dns


def wanted(dns: Dns, side: Side) -> DnsRecord:
    """Return the record that sends people to a side."""
    return dns_record(dns.type, dns.ttl_s, side.of(dns))


def proxied_at(states: Iterable[ZoneState]) -> str:
    """Return why name servers cannot show which system people reach, or nothing.

    Raises
    ------
    Refused
        The record is proxied at one provider and not at another.
    """
    known = {state.provider: state.is_proxied for state in states}
    proxied = ", ".join(name for name, is_ in known.items() if is_)
    if not proxied:
        return ""
    if plain := ", ".join(name for name, is_ in known.items() if not is_):
        message = f"the record is proxied at {proxied} and not at {plain}: name servers cannot"
        raise Refused(f"{message} show whether all people follow. Make it the same at each of them.", code="HO570")
    return f"the record is proxied at {proxied}: name servers answer the proxy's addresses, before and after"


def contradicting(config: Config, wanted_: DnsRecord) -> list[str]:
    """Return the sources of the zone that say something else than ``wanted_``: a later octodns-sync would undo it."""
    dns = require(config)
    manager = _manager(config)
    settings = manager.config["zones"][_zone_name(dns)]
    found = []
    for name in settings.get("sources") or []:
        if name in settings["targets"]:
            continue
        source = Provider(name, dns, _opener(config, name, manager)).zone_state(dns.record)
        if source.record is not None and not source.holds(wanted_):
            says = f"octoDNS's source {name} says {source.record}"
            found.append(f"{says}; the next octodns-sync would put that back. Change it with the switch.")
    return found
