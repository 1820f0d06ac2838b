"""Google Cloud DNS's interface, version 1: managed zones, record sets and changes; without DNSSEC and operations."""

import ipaddress
import json
import re
import secrets
from pathlib import Path
from typing import Any

from sandbox.providers.api import Answered, ApiAnswer, ApiRefusedError, ApiRequest, FakeProvider

PROJECT, ZONE_NAME = "the-project", "the-zone"
PAGE = 100
BASE = f"/dns/v1/projects/{PROJECT}/managedZones"


class FakeGoogle(FakeProvider):
    """One managed zone of one project; it lets in whoever got a token from it."""

    def __init__(self, zone: str, **more: Any) -> None:
        super().__init__(zone, **more)
        self.tokens: set[str] = set()
        self.changes: dict[str, dict[str, Any]] = {}
        servers = [f"ns-cloud-a{number}.googledomains.com." for number in (1, 2, 3, 4)]
        self.add("", "NS", *servers, ttl=21_600)
        self.add("", "SOA", f"{servers[0]} cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300", ttl=21_600)

    def add(self, name: str, kind: str, *rrdatas: str, ttl: int = 300, **more: Any) -> dict[str, Any]:
        """Put a record set into the zone, as the console does; return it. ``routingPolicy`` is one of ``more``."""
        full = f"{name}.{self.zone}." if name else f"{self.zone}."
        made: dict[str, Any] = {
            "kind": "dns#resourceRecordSet",
            "name": full,
            "type": kind,
            "ttl": ttl,
            "signatureRrdatas": [],
        }
        made |= more if "routingPolicy" in more else {"rrdatas": list(rrdatas)}
        self.records.append(made)
        return made

    def held(self, name: str, kind: str = "A") -> dict[str, Any] | None:
        """Return the record set of a name."""
        full = f"{name}.{self.zone}." if name else f"{self.zone}."
        return self._set(full, kind)

    def write_credentials(self, path: Path) -> None:
        """Write the file of a service account whose tokens come from here; its key is made now."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - the client brings it
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        key = rsa.generate_private_key(65537, 2048).private_bytes(encoding, form, serialization.NoEncryption())
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": secrets.token_hex(20),
            "private_key": key.decode(),
            "client_email": f"dns@{PROJECT}.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{self.url}/token",
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(account))

    def answers(self) -> list[Answered]:
        """Return what name servers answer: of a routing policy its first item."""
        found = []
        for one in self.records:
            policy = one.get("routingPolicy") or {}
            by_policy = [value["items"][0]["rrdatas"] for name, value in policy.items() if name in ("geo", "wrr")]
            found.append((one["name"], one["type"], one["ttl"], tuple(one.get("rrdatas") or by_policy[0])))
        return found

    def answer(self, request: ApiRequest) -> ApiAnswer:
        """Answer a request; see :meth:`FakeProvider.answer`."""
        if request.path == "/token":
            token = secrets.token_urlsafe(30)
            self.tokens.add(token)
            return ApiAnswer.of({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise _refusal(401, "authError", "Request had invalid authentication credentials.")
        if request.method == "GET" and request.path == BASE:
            zone: dict[str, Any] = {"kind": "dns#managedZone", "name": ZONE_NAME, "dnsName": f"{self.zone}.", "id": "1"}
            zone |= {"nameServers": [], "visibility": "public", "creationTime": "2026-01-01T00:00:00.000Z"}
            return ApiAnswer.of({"kind": "dns#managedZonesListResponse", "managedZones": [zone]})
        if request.method == "GET" and request.path == f"{BASE}/{ZONE_NAME}/rrsets":
            return self._list(request)
        if request.method == "POST" and request.path == f"{BASE}/{ZONE_NAME}/changes":
            return self._change(request.json())
        found = re.fullmatch(f"{BASE}/{ZONE_NAME}/changes/(\\d+)", request.path)
        if request.method == "GET" and found and found[1] in self.changes:
            self.changes[found[1]]["status"] = "done"
            return ApiAnswer.of(self.changes[found[1]])
        raise _refusal(404, "notFound", f"The 'parameters.managedZone' resource named '{request.path}' does not exist.")

    def _list(self, request: ApiRequest) -> ApiAnswer:
        found = [one for one in self.readable() if request.query.get("name", one["name"]) == one["name"]]
        start = int(request.query.get("pageToken") or 0)
        size = int(request.query.get("maxResults") or PAGE)
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        part = found[start : start + size]
        return ApiAnswer.of({"kind": "dns#resourceRecordSetsListResponse", "rrsets": part, **more})

    def _change(self, sent: dict[str, Any]) -> ApiAnswer:
        """Make all of a change or none of it; what is deleted must be sent exactly as it is."""
        left = list(self.records)
        for number, one in enumerate(sent.get("deletions", [])):
            old = next((kept for kept in left if _same(kept, one)), None)
            if old is None:
                said = f"Precondition not met for 'entity.change.deletions[{number}]'"
                raise _refusal(412, "conditionNotMet", said)
            left.remove(old)
        for number, one in enumerate(sent.get("additions", [])):
            _check(one, left, number)
            made = {**one, "kind": "dns#resourceRecordSet", "ttl": int(one["ttl"]), "signatureRrdatas": []}
            left.append(made)
        self.records = left
        made = {**sent, "kind": "dns#change", "id": str(len(self.changes) + 1), "status": "pending"}
        self.changes[made["id"]] = made | {"startTime": "2026-01-01T00:00:00.000Z"}
        return ApiAnswer.of(self.changes[made["id"]])

    def _set(self, name: str, kind: str) -> dict[str, Any] | None:
        return next((one for one in self.records if (one["name"], one["type"]) == (name, kind)), None)

    def throttled(self) -> ApiAnswer:
        """Return Google's answer to more requests than a minute allows."""
        said = "Quota exceeded for quota metric 'Write requests' and limit 'Write limit for a minute per region'"
        return _refusal(429, "rateLimitExceeded", said).answer

    def failed(self) -> ApiAnswer:
        """Return Google's answer when its own backend fails."""
        return _refusal(503, "backendError", "Backend Error").answer


def _same(kept: dict[str, Any], sent: dict[str, Any]) -> bool:
    names = ("name", "type", "routingPolicy")
    equal = all(kept.get(name) == sent.get(name) for name in names) and int(sent["ttl"]) == kept["ttl"]
    return equal and sorted(kept.get("rrdatas", [])) == sorted(sent.get("rrdatas", []))


def _check(one: dict[str, Any], left: list[dict[str, Any]], number: int) -> None:
    beside = [kept for kept in left if kept["name"] == one["name"]]
    if any(kept["type"] == one["type"] for kept in beside):
        said = f"The resource 'entity.change.additions[{number}]' named '{one['name']} ({one['type']})' already exists"
        raise _refusal(409, "alreadyExists", said)
    if beside and "CNAME" in (one["type"], *(kept["type"] for kept in beside)):
        said = f"The resource record set 'entity.change.additions[{number}]' is invalid because the DNS name"
        raise _refusal(400, "cnameResourceRecordSetConflict", f"{said} '{one['name']}' has a CNAME beside other types.")
    for place, value in enumerate(one["rrdatas"]):
        if one["type"] == "A" and not _is_ipv4(value):
            said = f"Invalid value for 'entity.change.additions[{number}].rrdata[{place}]': '{value}'"
            raise _refusal(400, "invalid", said)


def _is_ipv4(value: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(value))
    except ValueError:
        return False


def _refusal(status: int, reason: str, message: str) -> ApiRefusedError:
    details = [{"message": message, "domain": "global", "reason": reason}]
    return ApiRefusedError(ApiAnswer.of({"error": {"code": status, "message": message, "errors": details}}, status))
