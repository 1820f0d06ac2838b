"""Where events are delivered: a file of lines, and a webhook that is signed as Standard Webhooks says."""

import base64
import binascii
import hashlib
import hmac
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from handover.config.config import Config, from_environment
from handover.errors import ConfigurationError, HandoverError
from handover.http_client import http_client
from handover.journal.event import line_of
from handover.private_files import open_private

SECRET_PREFIX = "whsec_"  # noqa: S105 - how Standard Webhooks marks a secret
SHORTEST_SECRET = 16


class DeliveryError(HandoverError):
    """An event was not delivered; it waits."""

    code = "HO690"


class Sink(ABC):
    """Somewhere events go. ``name`` tells it apart from the others in the folder of the toolkit."""

    name: str

    @abstractmethod
    def deliver(self, event: dict[str, Any]) -> None:
        """Deliver one event.

        Raises
        ------
        DeliveryError
            It was not taken.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of what it holds."""


class LineSink(Sink):
    """A file with one line of JSON for each event; a file that was rotated away is made anew."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, event: dict[str, Any]) -> None:
        """Add a line; it is on disk when this returns."""
        try:
            with open_private(self._path, "a") as file:
                file.write(line_of(event) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = f"{self._path} took no event: {error.strerror}."
            raise DeliveryError(f"{message} Make room or mend the rights; the event waits.") from error

    def close(self) -> None:
        """Do nothing: the file is open only while a line is added."""


class WebhookSink(Sink):
    """An address that gets each event as a POST of JSON.

    Parameters
    ----------
    url
        The address; it may hold a secret, so no message shows it.
    secret
        Key of the signature.
    timeout_s
        How long it may take for one answer.
    """

    name = "webhook"

    def __init__(self, url: str, secret: bytes, timeout_s: float) -> None:
        self._url, self._secret = url, secret
        self._client = http_client(timeout_s=timeout_s)

    def deliver(self, event: dict[str, Any]) -> None:
        """Post it; any answer of 200 to 299 takes it."""
        body = line_of(event).encode()
        headers = signed(self._secret, event["id"], int(time.time()), body)
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            message = f"the webhook did not answer: {type(error).__name__}."
            raise DeliveryError(f"{message} The event waits, and is sent again.") from error
        if not answer.is_success:
            message = f"the webhook answered {answer.status_code}, expected 200 to 299."
            raise DeliveryError(f"{message} The event waits, and is sent again.")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def signed(secret: bytes, id_: str, at_s: int, body: bytes) -> dict[str, str]:
    """Return the headers of a webhook, signed as Standard Webhooks says.

    Parameters
    ----------
    secret
        The key.
    id_, at_s
        Identity of the event, and the time in seconds since 1970.
    body
        What is sent.
    """
    said = f"{id_}.{at_s}.".encode() + body
    digest = base64.b64encode(hmac.new(secret, said, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{digest}",
    }


def sinks(config: Config) -> Iterator[Sink]:
    """Yield every sink that ``[events]`` declares.

    Raises
    ------
    ConfigurationError
        A variable is not set, or holds no address or no secret.
    """
    events = config.events
    if events.file is not None:
        yield LineSink(config.root / events.file)
    if events.webhook_env is not None:
        url = from_environment(events.webhook_env, "the address that events are posted to")
        if not url.startswith(("https://", "http://")):
            message = f"{events.webhook_env} holds no address; it must begin with https://."
            raise ConfigurationError(f"{message} Correct it and run again.")
        yield WebhookSink(url, _secret(events.secret_env), events.timeout_s)


def _secret(variable: str) -> bytes:
    text = from_environment(variable, "the secret that signs events, in base64")
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) < SHORTEST_SECRET:
        message = f"{variable} holds no base64 of {SHORTEST_SECRET} bytes or more."
        raise ConfigurationError(f"{message} Make one: openssl rand -base64 24")
    return secret
