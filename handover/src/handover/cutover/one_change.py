"""octoDNS's own plan, of one record: the whole record is taken over, and nothing but its TTL and values changes."""

# ruff: noqa: PLC0415, SLF001 - octoDNS comes with the extra [dns]; a record's type is `_type` there

from collections.abc import Sequence
from typing import Any

from handover.cutover.dns_record import DnsRecord
from handover.cutover.unread import applies_only_changes
from handover.errors import Refused

# Cloudflare shows its automatic TTL to octoDNS as this one.
AUTOMATIC_TTL_S = 300


def whole_record(zone: Any, name: str, wanted: DnsRecord) -> Any:
    """Return octoDNS's record of the name with other values and another TTL, and all else as it is.

    Parameters
    ----------
    zone, name
        The zone as octoDNS reads it, and the record's name in it.
    wanted
        The values and the TTL.
    """
    from octodns.record import Record  # type: ignore[import-untyped]

    old = zone.get_type(name, wanted.type)
    data = {part: value for part, value in (old.data if old else {}).items() if part not in ("value", "values")}
    values: dict[str, Any] = {"value": wanted.values[0]} if wanted.type == "CNAME" else {"values": list(wanted.values)}
    return Record.new(zone, name, {**data, "type": wanted.type, "ttl": wanted.ttl_s, **values}, lenient=True)


def one_change(handle: Any, zone: Any, record: Any, processors: Sequence[Any]) -> Any | None:
    """Return octoDNS's plan that changes ``record`` alone, or None when the provider sees no difference.

    Parameters
    ----------
    handle, zone
        octoDNS's provider, and the zone as it holds it.
    record
        The record as it shall be.
    processors
        Those of the zone in octoDNS's configuration: they may forbid a change.

    Raises
    ------
    Refused
        octoDNS's configuration leaves the record out or makes something else of it, or more would be changed.
    """
    desired = zone.copy()
    desired.add_record(record, replace=True, lenient=True)
    _check_processors(handle, desired, record, processors)
    plan = handle.plan(desired)
    if plan is None:
        return None
    ours = [change for change in plan.changes if _is_same(change.record, record)]
    if plan.exists:  # a provider that writes whole files says that nothing exists
        others = sorted({change.record.fqdn for change in plan.changes if change not in ours})
        if others and not applies_only_changes(handle):
            message = f"{handle.id} would change {', '.join(others)} as well; nothing was applied."
            raise Refused(f"{message} See what octodns-sync would do, and settle that first.", code="HO574")
        plan = type(plan)(
            plan.existing,
            plan.desired,
            ours,
            plan.exists,
            update_pcent_threshold=plan.update_pcent_threshold,
            delete_pcent_threshold=plan.delete_pcent_threshold,
        )
    if not ours:
        return None
    plan.raise_if_unsafe()
    if handle.apply_disabled:
        message = f"{handle.id} has apply_disabled in octoDNS's configuration; nothing was applied."
        raise Refused(message, code="HO574")
    return plan


def _check_processors(handle: Any, desired: Any, record: Any, processors: Sequence[Any]) -> None:
    """Raise unless the team's own processors would let the change through as it is."""
    if not processors:
        return
    names = ", ".join(str(getattr(one, "id", getattr(one, "name", one))) for one in processors)
    zone = _apart(desired)
    try:
        for processor in processors:
            zone = processor.process_source_zone(zone, sources=[], lenient=True)
        plan = handle.plan(zone, processors=processors, lenient=True)
        for processor in processors:
            plan = processor.process_plan(plan, sources=[], target=handle, lenient=True)
    except Exception as error:
        message = f"octoDNS's processors ({names}) forbid the change of {record.fqdn}: {type(error).__name__}: {error}."
        raise Refused(f"{message} Nothing was changed. Correct octoDNS's configuration.", code="HO574") from error
    made = next((one for one in zone.records if _is_same(one, record)), None)
    if made is None:
        message = f"octoDNS's processors ({names}) leave {record.fqdn} out; nothing was changed."
        raise Refused(f"{message} Let them have it, or switch in another way.", code="HO574")
    if made.data != record.data:
        message = f"octoDNS's processors ({names}) make {made} of {record}; nothing was changed."
        raise Refused(f"{message} Correct [dns] or octoDNS's configuration.", code="HO574")
    existing = handle.plan(desired)
    wanted = bool(existing) and any(_is_same(change.record, record) for change in existing.changes)
    if wanted and not (plan and any(_is_same(change.record, record) for change in plan.changes)):
        message = f"octoDNS's processors ({names}) keep {record.fqdn} as it is; nothing was changed."
        raise Refused(f"{message} Correct octoDNS's configuration.", code="HO574")


def _apart(zone: Any) -> Any:
    """Return a zone with records of its own: some processors change a record in its place."""
    made = type(zone)(zone.name, zone.sub_zones)
    for record in zone.records:
        made.add_record(record.copy(zone=made), lenient=True)
    return made


def _is_same(one: Any, other: Any) -> bool:
    return (one.name, one._type) == (other.name, other._type)


def unkept(handle: Any, record: Any, wanted: DnsRecord) -> list[str]:
    """Return what a record has that a change would lose, or that cannot be had with it, in words.

    Parameters
    ----------
    handle, record
        octoDNS's provider, and its record.
    wanted
        What the record shall be.
    """
    found = []
    for part in ("dynamic", "geo"):
        if value := getattr(record, part, None):
            data = value._data() if hasattr(value, "_data") else sorted(value)
            found.append(f"{part} answers ({data}), which decide what people get instead of its values")
    extras = record.octodns.get("cloudflare", {})
    automatic = extras.get("auto-ttl") and not extras.get("proxied")
    if automatic and wanted.ttl_s != AUTOMATIC_TTL_S:
        found.append(
            f"Cloudflare's automatic TTL, which a TTL of {wanted.ttl_s} s would take away: "
            f"set [dns] ttl_s = {AUTOMATIC_TTL_S}, or give the record a TTL of its own"
        )
    least = getattr(handle, "min_ttl", None)
    if least and not automatic and not extras.get("proxied") and wanted.ttl_s < least:
        found.append(
            f"no TTL below {least} s (min_ttl in octoDNS's configuration): {wanted.ttl_s} s would become {least} s"
        )
    return found
