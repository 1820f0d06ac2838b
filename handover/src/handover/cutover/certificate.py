"""The gate of the certificate: the new address proves the public name before the switch."""

import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from handover.config.config import Config
from handover.config.cutover import Gate
from handover.cutover.gate_context import GateContext, GateResult
from handover.cutover.plan import DNS
from handover.cutover.provider import require

ANSWER_WITHIN_S = 10.0
DAY_S = 86400


def certificate_gate(context: GateContext, gate: Gate) -> GateResult:
    """Shake hands with every new address under the public name."""
    config = context.config
    # A balancer ends TLS for both systems; by DNS people reach the backend's own address.
    url = (config.switch.url if config.switch.way != DNS else config.backend.base_url) or ""
    if url.startswith("http://"):
        if config.backend.insecure_http:
            return GateResult(
                ok=True, found="plain HTTP is declared ([backend] insecure_http), so there is no certificate to check"
            )
        todo = "Give the backend HTTPS, or declare [backend] insecure_http = true for a rehearsal on this machine."
        return GateResult(ok=False, found=f"{url} is plain HTTP", todo=todo)
    name, addresses, port = _reached(config, url)
    port = port if gate.host is None else gate.port
    days = []
    for address in (gate.host,) if gate.host else addresses:
        try:
            days.append(days_left(address, port or gate.port, name, context.now))
        except (OSError, ssl.SSLError) as error:
            found = f"{address}:{port or gate.port} cannot prove that it is {name}: {error}"
            return GateResult(ok=False, found=found, todo="Install a certificate for that name before the switch.")
    if min(days) < gate.min_days:
        found = f"the certificate for {name} is valid for {min(days):.0f} more days; at least {gate.min_days} expected"
        return GateResult(ok=False, found=found, todo="Renew it before the switch.")
    return GateResult(ok=True, found=f"the certificate for {name} is valid for {min(days):.0f} more days")


def _reached(config: Config, url: str) -> tuple[str, tuple[str, ...], int | None]:
    """Return the public name, the addresses that must prove it, and their port where the way says one."""
    if config.switch.way != DNS:
        parts = urlsplit(url)
        name = str(parts.hostname)
        return name, (name,), parts.port
    dns = require(config)
    return ".".join(part for part in (dns.record, dns.zone.rstrip(".")) if part), dns.backend, None


def days_left(address: str, port: int, name: str, now: datetime) -> float:
    """Return for how many days an address can prove that it is ``name``.

    Parameters
    ----------
    address, port
        Where it answers.
    name
        The public name.
    now
        The time by which the certificate is judged.

    Raises
    ------
    ssl.SSLError, OSError
        It cannot prove that, or does not answer.
    """
    context = ssl.create_default_context()
    with (
        socket.create_connection((address, port), timeout=ANSWER_WITHIN_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        facts = secured.getpeercert()
    assert facts is not None  # noqa: S101 - verified just now
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(facts["notAfter"])), UTC)
    return (ends - now).total_seconds() / DAY_S
