"""The zone where it is kept, through octoDNS: one record is read or written, all others stay.

octoDNS comes with the extra ``[dns]``, so it is imported where it is used: all other commands run without it.
"""

# ruff: noqa: PLC0415 - see above

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from handover.config.config import Config, Dns
from handover.cutover.dns_record import DnsRecord, ZoneState, digest, dns_record
from handover.errors import ConfigurationError, HandoverError, Refused
from handover.side import Side

T = TypeVar("T")


class ProviderError(HandoverError):
    """The DNS provider failed, or did not answer in time."""

    code = "HO572"


@dataclass(frozen=True)
class Provider:
    """One target of the zone. ``handle`` is octoDNS's provider, ``aside`` the names that a switch ignores."""

    name: str
    zone: str
    timeout_s: float
    handle: Any
    aside: frozenset[str] = frozenset()

    def zone_state(self, name: str) -> ZoneState:
        """Return what it holds of the zone, seen from the record ``name``.

        Raises
        ------
        ProviderError
            It does not answer.
        """
        zone = self._call("be read", self._zone)
        ours = [r for r in zone.records if r.name == name and r._type in ("A", "AAAA", "CNAME")]  # noqa: SLF001
        rest = sorted(_facts(r) for r in zone.records if r not in ours and r.name not in self.aside)
        if len(ours) > 1:
            kinds = ", ".join(sorted(r._type for r in ours))  # noqa: SLF001
            message = f"{name}.{self.zone} has several records ({kinds}); the switch moves one."
            raise Refused(f"{message} Leave the one that [dns] type names.", code="HO573")
        found = _record(ours[0]) if ours else None
        return ZoneState(self.name, found, len(zone.records), digest(rest))

    def write(self, name: str, wanted: DnsRecord) -> None:
        """Make the record what is wanted, and touch nothing else.

        Raises
        ------
        ProviderError
            It failed or did not answer; whether the change was made is to be asked of the name servers.
        """
        self._call("be changed", lambda: self._write(name, wanted))

    def _zone(self) -> Any:
        from octodns.zone import Zone  # type: ignore[import-untyped]

        zone = Zone(self.zone, set())
        self.handle.populate(zone, lenient=True)
        return zone

    def _write(self, name: str, wanted: DnsRecord) -> None:
        import octodns.record  # type: ignore[import-untyped]

        existing = self._zone()
        desired = existing.copy()
        for old in [r for r in desired.records if r.name == name and r._type in ("A", "AAAA", "CNAME")]:  # noqa: SLF001
            desired.remove_record(old)
        values: dict[str, Any] = {"value": wanted.values[0]} if wanted.type == "CNAME" else {"values": wanted.values}
        data = {"type": wanted.type, "ttl": wanted.ttl_s, **values}
        desired.add_record(octodns.record.Record.new(desired, name, data), lenient=True)
        plan = self.handle.plan(desired)
        if plan is None:
            return
        others = sorted({c.record.fqdn for c in plan.changes if c.record.name != name})
        if plan.exists and others:  # a provider that writes whole files says that nothing exists
            message = f"{self.name} would change {', '.join(others)} as well; nothing was applied."
            raise Refused(f"{message} See what octodns-sync would do, and settle that first.", code="HO574")
        plan.raise_if_unsafe()
        if self.handle.apply_disabled:
            message = f"{self.name} has apply_disabled in octoDNS's configuration; nothing was applied."
            raise Refused(message, code="HO574")
        self.handle.apply(plan)

    def _call(self, what: str, work: Callable[[], T]) -> T:
        """Run in a thread: a provider that hangs must not hold up the switch."""
        results: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()

        def run() -> None:
            try:
                results.put((work(), None))
            except BaseException as error:  # noqa: BLE001 - it is raised again below
                results.put((None, error))

        threading.Thread(target=run, name=f"provider {self.name}", daemon=True).start()
        try:
            value, error = results.get(timeout=self.timeout_s)
        except queue.Empty:
            message = f"the provider {self.name} could not {what} within {self.timeout_s:g} s."
            todo = "Whether it did something is asked of the name servers: handover status"
            raise ProviderError(f"{message} {todo}") from None
        if isinstance(error, HandoverError):
            raise error
        if isinstance(error, Exception):
            message = f"the provider {self.name} could not {what}: {type(error).__name__}: {error}"
            raise ProviderError(f"{message}. See what holds now: handover status") from error
        if error is not None:
            raise error
        return value  # type: ignore[return-value]


def providers(config: Config) -> tuple[Provider, ...]:
    """Return the targets of the zone.

    Raises
    ------
    ConfigurationError
        ``handover.toml`` or octoDNS's configuration does not say what is needed.
    """
    dns = require(config)
    manager = _manager(config)
    zone = f"{dns.zone.rstrip('.')}."
    handles = [(name, manager.providers[name]) for name in manager.config["zones"][zone]["targets"]]
    second = dns.rehearsal_record
    aside = frozenset([second] if second and second != dns.record else [])
    return tuple(Provider(name, zone, dns.timeout_s, handle, aside) for name, handle in handles)


def _manager(config: Config) -> Any:
    from octodns.manager import Manager  # type: ignore[import-untyped]

    dns = require(config)
    assert dns.octodns_config is not None  # noqa: S101 - required above
    path = config.root / dns.octodns_config
    zone = f"{dns.zone.rstrip('.')}."
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


def _record(found: Any) -> DnsRecord:
    values = found.values if hasattr(found, "values") else [found.value]
    return dns_record(found._type, found.ttl, map(str, values))  # noqa: SLF001


def _facts(found: Any) -> list[str]:
    data = found.data
    return [found.name, found._type, str(found.ttl), digest(data)]  # noqa: SLF001


def contradicting(config: Config, wanted_: DnsRecord) -> list[str]:
    """Return the sources of the zone that say something else than ``wanted_``: a later octodns-sync would undo it."""
    dns = require(config)
    manager = _manager(config)
    zone = f"{dns.zone.rstrip('.')}."
    settings = manager.config["zones"][zone]
    found = []
    for name in settings.get("sources") or []:
        if name in settings["targets"]:
            continue
        source = Provider(name, zone, dns.timeout_s, manager.providers[name]).zone_state(dns.record)
        if source.record is not None and source.record != wanted_:
            says = f"octoDNS's source {name} says {source.record}"
            found.append(f"{says}; the next octodns-sync would put that back. Change it with the switch.")
    return found
