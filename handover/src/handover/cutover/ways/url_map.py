"""Google Cloud's application load balancer: weighted backend services in a URL map, by its REST interface."""

import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from handover.config.switch import ALL_PCT, UrlMapSettings
from handover.cutover.dns_record import digest
from handover.cutover.ways.balancer import Balancer, BalancerError, HeldShare
from handover.http_client import http_client
from handover.secret_words import remember_secret
from handover.side import Side

# The interface takes weights from 0 to 1000.
PER_PCT = 10
BETWEEN_S = 1.0
Values = Mapping[str, Any]


class UrlMapBalancer(Balancer):
    """The URL map that ``[switch.url_map]`` names."""

    @property
    def settings(self) -> UrlMapSettings:
        """The section ``[switch.url_map]``."""
        assert self.config.switch.url_map is not None  # noqa: S101 - `SwitchSettings` asks for it
        return self.config.switch.url_map

    def names(self) -> tuple[str, ...]:
        """See :meth:`Balancer.names`."""
        matcher = f", path matcher {self.settings.matcher}" if self.settings.matcher else ""
        return (f"the URL map {self.settings.name} of {self.settings.project}{matcher}",)

    def warnings(self) -> tuple[str, ...]:
        """See :meth:`Balancer.warnings`."""
        slow = "Google Cloud spreads a change over its sites; that may take minutes, also on the way back"
        try:
            place = self._place(self._read())
        except BalancerError as error:
            return (slow, str(error))
        rules = len(place.get("pathRules", ())) + len(place.get("routeRules", ()))
        return (
            (slow, f"{rules} rules of the path matcher have routes of their own, which do not move")
            if rules
            else (slow,)
        )

    def held(self) -> list[HeldShare]:
        """See :meth:`Balancer.held`."""
        (name,) = self.names()
        try:
            found = self._read()
            weights = self._weights(self._place(found))
        except BalancerError as error:
            return [HeldShare(name, None, f"it does not say: {error}")]
        said = ", ".join(f"{service} {weight:g}" for service, weight in weights.items())
        rest = digest(self._rest(found))
        ours = {side: weights.get(side.of(self.settings), 0) for side in Side}
        total = sum(ours.values())
        if not total or sum(weights.values()) != total:
            return [HeldShare(name, None, f"weights {said}: other services get people, or none does", rest)]
        return [HeldShare(name, ALL_PCT * ours[Side.BACKEND] / total, f"weights {said}", rest)]

    def send(self, backend_pct: int, at_point: Callable[[str], None]) -> Mapping[str, Any]:
        """See :meth:`Balancer.send`."""
        found = self._read()
        place = self._place(found)
        weights = {Side.ORIGINAL: PER_PCT * (ALL_PCT - backend_pct), Side.BACKEND: PER_PCT * backend_pct}
        weighted = [{"backendService": self._service(side), "weight": weight} for side, weight in weights.items()]
        # A map may not have a default service beside weighted ones.
        route = {**place.get("defaultRouteAction", {}), "weightedBackendServices": weighted}
        wanted: dict[str, Any] = {"defaultRouteAction": route, "defaultService": None}
        if self.settings.matcher:
            matchers = [_changed(one, wanted) if one is place else one for one in found["pathMatchers"]]
            wanted = {"pathMatchers": matchers}
        operation = self._ask(
            "PATCH", self._path("urlMaps", self.settings.name), {**wanted, "fingerprint": found["fingerprint"]}
        )
        at_point("in the middle of the balancers")
        self._wait(operation)
        return {"operation": operation.get("name"), "weights": {str(side): weight for side, weight in weights.items()}}

    def _weights(self, place: Values) -> dict[str, float]:
        weighted = place.get("defaultRouteAction", {}).get("weightedBackendServices")
        if weighted:
            return {_last(one["backendService"]): float(one.get("weight", 0)) for one in weighted}
        if "defaultService" in place:
            return {_last(place["defaultService"]): 1.0}
        raise BalancerError(f"{self.place} has no default service and no weighted ones")

    def _place(self, found: Values) -> dict[str, Any]:
        """Return the part of the map that decides: the map itself, or one path matcher."""
        wanted = self.settings.matcher
        if wanted is None:
            return dict(found)
        matchers = found.get("pathMatchers", ())
        place = next((one for one in matchers if one.get("name") == wanted), None)
        if place is None:
            named = ", ".join(str(one.get("name")) for one in matchers) or "none"
            raise BalancerError(f"the URL map {self.settings.name} has no path matcher {wanted}; it has {named}")
        return place  # type: ignore[no-any-return]

    def _rest(self, found: Values) -> Values:
        """Return all that a plan depends on: everything but the weights and what changes with every write."""
        changing = ("fingerprint", "defaultRouteAction", "defaultService", "pathMatchers")
        matchers = [
            {
                key: value
                for key, value in one.items()
                if one.get("name") != self.settings.matcher or key not in changing
            }
            for one in found.get("pathMatchers", ())
        ]
        own = () if self.settings.matcher is None else ("defaultRouteAction", "defaultService")
        return {key: value for key, value in found.items() if key not in changing or key in own} | {
            "matchers": matchers
        }

    def _service(self, side: Side) -> str:
        return f"{self.settings.api}/{self._path('backendServices', side.of(self.settings))}"

    def _path(self, kind: str, name: str) -> str:
        where = f"regions/{self.settings.region}" if self.settings.region else "global"
        return f"projects/{self.settings.project}/{where}/{kind}/{name}"

    def _read(self) -> Values:
        return self._ask("GET", self._path("urlMaps", self.settings.name))

    def _wait(self, operation: Values) -> None:
        """Wait until Google Cloud has taken the change."""
        began = time.monotonic()
        while operation.get("status") != "DONE":
            if time.monotonic() - began > self.config.switch.verify_s:
                raise BalancerError(f"{self.place}: the change is not done after {self.config.switch.verify_s:g} s")
            time.sleep(min(BETWEEN_S, self.config.switch.verify_s))
            operation = self._ask("GET", self._path("operations", str(operation["name"])))
        if errors := operation.get("error", {}).get("errors"):
            raise BalancerError(f"{self.place}: {'; '.join(str(one.get('message')) for one in errors)}")

    def _ask(self, method: str, path: str, values: Values | None = None) -> Values:
        headers = {"Authorization": f"Bearer {self._token()}"}
        url = f"{self.settings.api}/{path}"
        try:
            with http_client(timeout_s=self.config.switch.timeout_s, headers=headers) as client:
                answer = client.request(method, url, json=values)
                found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise BalancerError(f"{method} {url}: {type(error).__name__}: {error}") from error
        if answer.is_error:
            said = found.get("error", {}).get("message", answer.text[:500]) if isinstance(found, dict) else answer.text
            changed = " Someone changed it meanwhile: look, then handover resume." if answer.status_code == 412 else ""  # noqa: PLR2004
            raise BalancerError(f"{method} {url} answers {answer.status_code}: {said}{changed}")
        return dict(found)

    def _token(self) -> str:
        command = self.settings.token
        try:
            ended = subprocess.run(
                command,
                cwd=self.config.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self.config.switch.timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BalancerError(
                f"`{' '.join(command)}` could not be run: {error}. See [switch.url_map] token"
            ) from error
        token = ended.stdout.strip()
        if ended.returncode or not token:
            raise BalancerError(f"`{' '.join(command)}` printed no token: {ended.stderr.strip()[-500:]}")
        remember_secret("the access token of Google Cloud", token)
        return token


def _last(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def _changed(matcher: Values, wanted: Values) -> dict[str, Any]:
    return {key: value for key, value in {**matcher, **wanted}.items() if value is not None}
