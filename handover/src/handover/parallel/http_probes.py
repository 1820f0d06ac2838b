"""Probes over HTTP: what a system answers, and how fast."""

import time
from collections.abc import Iterator

import httpx

from handover.config.parallel import Watch, WatchedPage
from handover.http_client import http_client
from handover.parallel.sample import Sample, measured, unmeasured
from handover.side import Side


class HttpProber:
    """Sends the declared probes to one system, one at a time; ``key`` marks them.

    Each round opens a connection of its own: a server may close one that is idle between two rounds.
    """

    def __init__(self, system: Side, base_url: str | None, watch: Watch, key: bytes | None = None) -> None:
        self.system, self._base_url, self._watch = system, base_url, watch
        self._key = key
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Close the connections of the round that goes on."""
        if self._client:
            self._client.close()

    def samples(self) -> Iterator[Sample]:
        """Send every probe once."""
        if self._base_url is None:
            yield unmeasured(self.system, "request_ms", f"handover.toml has no base_url of the {self.system}")
            return
        with http_client(timeout_s=self._watch.timeout_s, key=self._key) as self._client:
            for probe in self._watch.probes:
                sample = self._ask(self._client, f"{self._base_url.rstrip('/')}{probe.path}", probe)
                yield sample
                yield Sample(sample.at, sample.system, f"{probe.name}_ms", sample.value, sample.ok, sample.reason)

    def _ask(self, client: httpx.Client, url: str, probe: WatchedPage) -> Sample:
        began = time.monotonic()
        try:
            status, wrong = self._answer(client, url, probe, began + self._watch.timeout_s)
        except httpx.TimeoutException:
            took = (time.monotonic() - began) * 1000
            reason = f"{probe.name} did not answer within {self._watch.timeout_s:g} s"
            return measured(self.system, "request_ms", took, ok=False, reason=reason)
        except httpx.HTTPError as error:
            return unmeasured(self.system, "request_ms", f"{probe.name} did not answer: {error}")
        took = (time.monotonic() - began) * 1000
        reason = f"{probe.name} answered {status}, expected {probe.status}" if status != probe.status else wrong
        return measured(self.system, "request_ms", took, ok=not reason, reason=reason)

    def _answer(self, client: httpx.Client, url: str, probe: WatchedPage, deadline: float) -> tuple[int, str]:
        """Return the status and what is wrong with the body; a body that ends after the deadline is a time-out."""
        with client.stream("GET", url) as answer:
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the body took too long")
        if answer.status_code == probe.status and probe.contains and probe.contains.encode() not in body:
            return answer.status_code, f"{probe.name} does not contain {probe.contains!r}"
        return answer.status_code, ""
