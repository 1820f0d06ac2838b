"""The gate of the certificate: the new address proves the public name before the switch."""

import socket
import ssl
from datetime import UTC, datetime

from handover.config.cutover import Gate
from handover.cutover.gate_context import GateContext, GateResult
from handover.cutover.provider import require

ANSWER_WITHIN_S = 10.0
DAY_S = 86400


def certificate_gate(context: GateContext, gate: Gate) -> GateResult:
    """Shake hands with every new address under the public name."""
    config = context.config
    dns = require(config)
    url = config.backend.base_url or ""
    if url.startswith("http://"):
        if config.backend.insecure_http:
            return GateResult(
                ok=True, found="plain HTTP is declared ([backend] insecure_http), so there is no certificate to check"
            )
        todo = "Give the backend HTTPS, or declare [backend] insecure_http = true for a rehearsal on this machine."
        return GateResult(ok=False, found="the backend's base_url is plain HTTP", todo=todo)
    name = ".".join(part for part in (dns.record, dns.zone.rstrip(".")) if part)
    days = []
    for address in (gate.host,) if gate.host else dns.backend:
        try:
            days.append(days_left(address, gate.port, name, context.now))
        except (OSError, ssl.SSLError) as error:
            found = f"{address}:{gate.port} cannot prove that it is {name}: {error}"
            return GateResult(ok=False, found=found, todo="Install a certificate for that name before the switch.")
    if min(days) < gate.min_days:
        found = f"the certificate for {name} is valid for {min(days):.0f} more days; at least {gate.min_days} expected"
        return GateResult(ok=False, found=found, todo="Renew it before the switch.")
    return GateResult(ok=True, found=f"the certificate for {name} is valid for {min(days):.0f} more days")


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
