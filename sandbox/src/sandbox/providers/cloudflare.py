"""Cloudflare's interface, version 4: zones and DNS records; without accounts, load balancers and batches."""

import ipaddress
import re
import secrets
from typing import Any

from sandbox.providers.api import Answered, ApiAnswer, ApiRefusedError, ApiRequest, FakeProvider

LEAST_TTL_S, MOST_TTL_S, AUTOMATIC, AUTOMATIC_TTL_S = 60, 86_400, 1, 300
EDGE = ("104.16.1.1", "104.17.1.1")
PROXIABLE = ("A", "AAAA", "CNAME")
KINDS = (
    *PROXIABLE,
    "CAA",
    "DS",
    "HTTPS",
    "LOC",
    "MX",
    "NAPTR",
    "NS",
    "OPENPGPKEY",
    "PTR",
    "SRV",
    "SSHFP",
    "TXT",
    "URI",
)
# A PUT gives these their defaults again when it leaves them out.
DEFAULTS: dict[str, Any] = {"proxied": False, "comment": None, "tags": [], "settings": {}, "ttl": AUTOMATIC}


class FakeCloudflare(FakeProvider):
    """One zone of one account that lets ``token`` in."""

    def __init__(self, zone: str, **more: Any) -> None:
        super().__init__(zone, **more)
        self.token = secrets.token_urlsafe(30)
        self.zone_id = secrets.token_hex(16)

    def add(self, name: str, kind: str, content: str, ttl: int = AUTOMATIC, **more: Any) -> dict[str, Any]:
        """Put a record into the zone, as its console does; return it."""
        return self._put({}, {"name": self._full(name), "type": kind, "content": content, "ttl": ttl, **more})

    def held(self, name: str, kind: str = "A") -> list[dict[str, Any]]:
        """Return the records of a name."""
        return [one for one in self.records if (one["name"], one["type"]) == (self._full(name), kind)]

    def answers(self) -> list[Answered]:
        """Return what name servers answer: for a proxied record the proxy's addresses."""
        found: list[Answered] = []
        for name, kind in sorted({(one["name"], one["type"]) for one in self.records}):
            ones = [one for one in self.records if (one["name"], one["type"]) == (name, kind)]
            ttl = AUTOMATIC_TTL_S if ones[0]["ttl"] == AUTOMATIC else ones[0]["ttl"]
            if ones[0]["proxied"]:
                found.append((f"{name}.", "A", ttl, EDGE))
                continue
            end = "." if kind == "CNAME" else ""
            found.append((f"{name}.", kind, ttl, tuple(f"{one['content']}{end}" for one in ones)))
        return found

    def answer(self, request: ApiRequest) -> ApiAnswer:
        """Answer a request; see :meth:`FakeProvider.answer`."""
        self._check_token(request)
        records = re.fullmatch(f"/client/v4/zones/{self.zone_id}/dns_records(?:/(\\w+))?", request.path)
        if records:
            return self._records(request, records[1])
        if request.method == "GET" and request.path == "/client/v4/zones":
            return _page(request, [{"id": self.zone_id, "name": self.zone, "status": "active", "type": "full"}])
        if request.method == "GET" and request.path == f"/client/v4/zones/{self.zone_id}/pagerules":
            return _result([])
        route = "Could not route to " + request.path + ", perhaps your object identifier is invalid?"
        raise ApiRefusedError(_errors(404, 7003, route))

    def _check_token(self, request: ApiRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer":
            chain = [{"code": 6111, "message": "Invalid format for Authorization header"}]
            raise ApiRefusedError(_errors(400, 6003, "Invalid request headers", chain))
        if token != self.token:
            raise ApiRefusedError(_errors(403, 9109, "Invalid access token"))

    def _records(self, request: ApiRequest, record_id: str | None) -> ApiAnswer:
        if request.method == "GET":
            wanted = [one for one in self.readable() if request.query.get("name", one["name"]) == one["name"]]
            return _page(request, wanted)
        if request.method == "POST" and record_id is None:
            return _result(self._put({}, request.json()))
        old = next((one for one in self.records if one["id"] == record_id), None)
        if old is None:
            raise ApiRefusedError(_errors(404, 81044, "Record does not exist."))
        if request.method == "PUT":
            return _result(self._put(old, request.json()))
        self.records.remove(old)
        return _result({"id": record_id})

    def _put(self, old: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
        """Make a record, or make an old one what was sent and nothing else."""
        new = {**DEFAULTS, **sent}
        kind = new["type"]
        if kind in ("CNAME", "MX", "NS", "PTR"):
            new["content"] = new["content"].rstrip(".")
        self._check(new, old)
        if new["proxied"]:
            new["ttl"] = AUTOMATIC
        new |= {"id": old.get("id") or secrets.token_hex(16), "zone_id": self.zone_id, "zone_name": self.zone}
        new |= {"proxiable": kind in PROXIABLE, "meta": {}, "created_on": "2026-01-01T00:00:00Z"}
        self.records = [one for one in self.records if one is not old]
        self.records.append(new)
        return new

    def _check(self, new: dict[str, Any], old: dict[str, Any]) -> None:
        kind, ttl, name = new["type"], new["ttl"], new["name"]
        if kind not in KINDS:
            raise _invalid(9004, "DNS record type is invalid.")
        if not (name == self.zone or name.endswith(f".{self.zone}")):
            raise _invalid(9000, "DNS name is invalid.")
        if ttl != AUTOMATIC and not LEAST_TTL_S <= ttl <= MOST_TTL_S:
            bounds = f"{LEAST_TTL_S} and {MOST_TTL_S} seconds, or 1 for Automatic"
            raise _invalid(9021, f"TTL must be between {bounds}.")
        if kind in ("A", "AAAA") and not _is_address(new["content"], kind):
            version = "IPv4" if kind == "A" else "IPv6"
            raise _invalid(9005, f"Content for {kind} record must be a valid {version} address.")
        if new["proxied"] and kind not in PROXIABLE:
            raise _invalid(9004, "This record type cannot be proxied.")
        beside = [one for one in self.records if one is not old and one["name"] == name]
        if any((one["type"], one["content"]) == (kind, new.get("content")) for one in beside if "content" in one):
            raise ApiRefusedError(_errors(400, 81058, "An identical record already exists."))
        if any("CNAME" in (kind, one["type"]) and {kind, one["type"]} <= set(PROXIABLE) for one in beside):
            said = "An A, AAAA, or CNAME record with that host already exists."
            raise ApiRefusedError(_errors(400, 81053, said))

    def _full(self, name: str) -> str:
        return f"{name}.{self.zone}" if name else self.zone

    def throttled(self) -> ApiAnswer:
        """Return Cloudflare's answer to more than 1,200 requests in five minutes."""
        said = "More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed"
        return _errors(429, 10100, said)

    def failed(self) -> ApiAnswer:
        """Return the page of a gateway."""
        return ApiAnswer(502, b"<html><head><title>502 Bad Gateway</title></head></html>", "text/html")


def _is_address(content: str, kind: str) -> bool:
    try:
        return ipaddress.ip_address(content).version == {"A": 4, "AAAA": 6}[kind]
    except ValueError:
        return False


def _page(request: ApiRequest, found: list[dict[str, Any]]) -> ApiAnswer:
    page, size = int(request.query.get("page", 1)), int(request.query.get("per_page", 100))
    part = found[(page - 1) * size : page * size]
    info = {"page": page, "per_page": size, "count": len(part), "total_count": len(found)}
    return ApiAnswer.of({"result": part, "success": True, "errors": [], "messages": [], "result_info": info})


def _result(result: Any) -> ApiAnswer:
    return ApiAnswer.of({"result": result, "success": True, "errors": [], "messages": []})


def _errors(status: int, code: int, message: str, chain: list[dict[str, Any]] | None = None) -> ApiAnswer:
    error = {"code": code, "message": message, **({"error_chain": chain} if chain else {})}
    return ApiAnswer.of({"result": None, "success": False, "errors": [error], "messages": []}, status)


def _invalid(code: int, message: str) -> ApiRefusedError:
    return ApiRefusedError(_errors(400, 1004, "DNS Validation Error", [{"code": code, "message": message}]))
