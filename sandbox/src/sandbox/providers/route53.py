"""Route 53's interface of 2013-04-01: hosted zones, record sets, health checks; without traffic policies."""

import ipaddress
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Any

from sandbox.providers.api import Answered, ApiAnswer, ApiRefusedError, ApiRequest, FakeProvider

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
BASE = "/2013-04-01"
PAGE = 100
POLICIES = ("Weight", "Region", "GeoLocation", "Failover", "MultiValueAnswer", "CidrRoutingConfig")


class FakeRoute53(FakeProvider):
    """One hosted zone of one account that lets ``access_key`` in; signatures are not computed."""

    def __init__(self, zone: str, **more: Any) -> None:
        super().__init__(zone, **more)
        self.access_key = f"AKIA{secrets.token_hex(8).upper()}"
        self.zone_id = f"Z{secrets.token_hex(9).upper()}"
        self.health_checks: dict[str, dict[str, str]] = {}
        servers = [f"ns-{number}.awsdns-0{number}.test." for number in (1, 2, 3, 4)]
        self.add("", "NS", *servers, ttl=172_800)
        self.add("", "SOA", f"{servers[0]} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", ttl=900)

    def add(self, name: str, kind: str, *values: str, ttl: int = 300, **more: Any) -> dict[str, Any]:
        """Put a record set into the zone, as the console does; return it."""
        full = f"{name}.{self.zone}." if name else f"{self.zone}."
        made = {"Name": full.replace("*", "\\052"), "Type": kind, **more}
        if values:
            made |= {"TTL": str(ttl), "ResourceRecords": list(values)}
        self.records.append(made)
        return made

    def held(self, name: str, kind: str = "A") -> list[dict[str, Any]]:
        """Return the record sets of a name."""
        full = f"{name}.{self.zone}." if name else f"{self.zone}."
        return [one for one in self.records if (one["Name"], one["Type"]) == (full, kind)]

    def answers(self) -> list[Answered]:
        """Return what name servers answer: of several sets the first; nothing of an alias."""
        found: dict[tuple[str, str], Answered] = {}
        for one in self.records:
            if values := one.get("ResourceRecords"):
                place = one["Name"].replace("\\052", "*"), one["Type"]
                found.setdefault(place, (*place, int(one["TTL"]), tuple(values)))
        return list(found.values())

    def answer(self, request: ApiRequest) -> ApiAnswer:
        """Answer a request; see :meth:`FakeProvider.answer`."""
        self._check_key(request)
        path = request.path.rstrip("/")
        if request.method == "GET" and path == f"{BASE}/hostedzone":
            zone: dict[str, Any] = {
                "Id": f"/hostedzone/{self.zone_id}",
                "Name": f"{self.zone}.",
                "CallerReference": "made",
            }
            zone |= {"ResourceRecordSetCount": str(len(self.records)), "Config": {"PrivateZone": "false"}}
            return _answer("ListHostedZonesResponse", {"HostedZones": [("HostedZone", zone)], **_page(1)})
        if path == f"{BASE}/hostedzone/{self.zone_id}/rrset":
            return self._list(request) if request.method == "GET" else self._change(request)
        if path == f"{BASE}/healthcheck":
            return self._health_checks(request)
        if path.startswith(f"{BASE}/healthcheck/") and request.method == "DELETE":
            self.health_checks.pop(path.rpartition("/")[2])
            return _answer("DeleteHealthCheckResponse", {})
        if path.startswith(f"{BASE}/tags/"):
            return _answer("ChangeTagsForResourceResponse", {})
        said = f"No hosted zone found with ID: {path.rpartition('/')[2]}"
        raise ApiRefusedError(_error(404, "NoSuchHostedZone", said))

    def _check_key(self, request: ApiRequest) -> None:
        said = request.headers.get("authorization", "")
        if not said.startswith("AWS4-HMAC-SHA256 "):
            raise ApiRefusedError(_error(403, "MissingAuthenticationToken", "Missing Authentication Token"))
        if f"Credential={self.access_key}/" not in said:
            wrong = "The security token included in the request is invalid."
            raise ApiRefusedError(_error(403, "InvalidClientTokenId", wrong))

    def _list(self, request: ApiRequest) -> ApiAnswer:
        found = sorted(self.readable(), key=_place)
        start = _from_query(request)
        left = [one for one in found if _place(one) >= start]
        size = int(request.query.get("maxitems") or PAGE)
        part, rest = left[:size], left[size:]
        page = _page(size, truncated=bool(rest))
        if rest:
            page |= {"NextRecordName": rest[0]["Name"], "NextRecordType": rest[0]["Type"]}
            page |= {"NextRecordIdentifier": rest[0]["SetIdentifier"]} if "SetIdentifier" in rest[0] else {}
        return _answer(
            "ListResourceRecordSetsResponse", {"ResourceRecordSets": [_written(one) for one in part], **page}
        )

    def _change(self, request: ApiRequest) -> ApiAnswer:
        """Make all of a batch or none of it."""
        left = list(self.records)
        root = ET.fromstring(request.body)  # noqa: S314 - sent by our own client
        for change in root.iter(f"{{{NAMESPACE}}}Change"):
            action, sent = change.findtext(f"{{{NAMESPACE}}}Action"), _read(change)
            old = [one for one in left if _place(one) == _place(sent)]
            named = f"[name='{sent['Name']}', type='{sent['Type']}'{_identified(sent)}]"
            if action == "CREATE" and old:
                raise _invalid(f"Tried to create resource record set {named} but it already exists")
            if action == "DELETE" and not old:
                raise _invalid(f"Tried to delete resource record set {named} but it was not found")
            if action == "DELETE" and old != [sent]:
                raise _invalid(f"Tried to delete resource record set {named} but the values provided do not match")
            left = [one for one in left if one not in old]
            if action != "DELETE":
                _check(sent, left, self.zone)
                left.append(sent)
        self.records = left
        info = {"Id": f"/change/C{secrets.token_hex(9).upper()}", "Status": "PENDING"}
        return _answer(
            "ChangeResourceRecordSetsResponse", {"ChangeInfo": info | {"SubmittedAt": "2026-01-01T00:00:00Z"}}
        )

    def _health_checks(self, request: ApiRequest) -> ApiAnswer:
        if request.method == "GET":
            found = [("HealthCheck", _health_check(name, one)) for name, one in self.health_checks.items()]
            return _answer("ListHealthChecksResponse", {"HealthChecks": found, "Marker": "", **_page(PAGE)})
        root = ET.fromstring(request.body)  # noqa: S314 - sent by our own client
        made = {one.tag.removeprefix(f"{{{NAMESPACE}}}"): one.text or "" for one in root.iter() if not len(one)}
        name = secrets.token_hex(16)
        self.health_checks[name] = made
        answer = _answer("CreateHealthCheckResponse", {"HealthCheck": _health_check(name, made)})
        return ApiAnswer(201, answer.body, answer.kind)

    def throttled(self) -> ApiAnswer:
        """Return the answer to too many requests a second."""
        return _error(400, "Throttling", "Rate exceeded")

    def failed(self) -> ApiAnswer:
        """Return the answer when Route 53 itself fails."""
        return _error(500, "InternalFailure", "An internal error has occurred.")


def _place(one: dict[str, Any]) -> tuple[list[str], str, str]:
    labels = one["Name"].rstrip(".").lower().split(".")
    return labels[::-1], one["Type"], one.get("SetIdentifier", "")


def _from_query(request: ApiRequest) -> tuple[list[str], str, str]:
    if not (name := request.query.get("name")):
        return [], "", ""
    start = {"Name": name, "Type": request.query.get("type", "")}
    return _place(start | {"SetIdentifier": request.query.get("identifier", "")})


def _identified(sent: dict[str, Any]) -> str:
    return f", set-identifier='{sent['SetIdentifier']}'" if "SetIdentifier" in sent else ""


def _check(sent: dict[str, Any], left: list[dict[str, Any]], zone: str) -> None:
    name, kind = sent["Name"], sent["Type"]
    for value in sent.get("ResourceRecords", []):
        if kind == "A" and not _is_ipv4(value):
            what = "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
            raise _invalid(f"Invalid Resource Record: 'FATAL problem: {what} encountered with '{value}''")
    beside = [one for one in left if one["Name"] == name]
    same = [one for one in beside if one["Type"] == kind]
    about = f"RRSet with DNS name {name}, type {kind}{', SetIdentifier ' if 'SetIdentifier' in sent else ''}"
    about += sent.get("SetIdentifier", "")
    if same and "SetIdentifier" not in sent:
        raise _invalid(f"{about} cannot be created as other RRSets exist with the same name and type.")
    policy = next((one for one in POLICIES if one in sent), "")
    if any(policy not in one for one in same):
        raise _invalid(f"{about} cannot be created as a non-{policy.lower()} set exists with the same name and type.")
    if any("CNAME" in (kind, one["Type"]) and one["Type"] != kind for one in beside):
        said = "it conflicts with other records with the same DNS name in zone"
        raise _invalid(f"RRSet of type CNAME with DNS name {name} is not permitted as {said} {zone}.")


def _is_ipv4(value: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(value))
    except ValueError:
        return False


def _read(change: ET.Element) -> dict[str, Any]:
    """Return a record set as it was sent."""
    element = change.find(f"{{{NAMESPACE}}}ResourceRecordSet")
    assert element is not None  # noqa: S101 - the client's own model demands it
    read: dict[str, Any] = {}
    for one in element:
        name = one.tag.removeprefix(f"{{{NAMESPACE}}}")
        if name == "ResourceRecords":
            read[name] = [value.text or "" for value in one.iter(f"{{{NAMESPACE}}}Value")]
        else:
            inner = {part.tag.removeprefix(f"{{{NAMESPACE}}}"): part.text or "" for part in one}
            read[name] = inner or one.text or ""
    read["Name"] = read["Name"].replace("*", "\\052")
    return read


def _written(one: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = [("ResourceRecord", {"Value": value}) for value in one.get("ResourceRecords", [])]
    return "ResourceRecordSet", {**one, **({"ResourceRecords": values} if values else {})}


def _health_check(name: str, made: dict[str, str]) -> dict[str, Any]:
    config = {part: value for part, value in made.items() if part != "CallerReference"}
    reference = made["CallerReference"]
    return {"Id": name, "CallerReference": reference, "HealthCheckConfig": config, "HealthCheckVersion": "1"}


def _page(size: int, *, truncated: bool = False) -> dict[str, str]:
    return {"IsTruncated": str(truncated).lower(), "MaxItems": str(size)}


def _answer(name: str, values: dict[str, Any], status: int = 200) -> ApiAnswer:
    root = ET.Element(name, xmlns=NAMESPACE)
    _fill(root, values.items())
    return ApiAnswer(status, b'<?xml version="1.0"?>' + ET.tostring(root), "text/xml")


def _fill(element: ET.Element, values: Iterable[tuple[str, Any]]) -> None:
    for name, value in values:
        inner = ET.SubElement(element, name)
        if isinstance(value, dict):
            _fill(inner, value.items())
        elif isinstance(value, list):
            _fill(inner, value)
        else:
            inner.text = str(value)


def _error(status: int, code: str, message: str) -> ApiAnswer:
    error = {"Type": "Sender" if status < 500 else "Receiver", "Code": code, "Message": message}  # noqa: PLR2004
    return _answer("ErrorResponse", {"Error": error, "RequestId": secrets.token_hex(16)}, status)


def _invalid(message: str) -> ApiRefusedError:
    return ApiRefusedError(_error(400, "InvalidChangeBatch", f"[{message}]"))
