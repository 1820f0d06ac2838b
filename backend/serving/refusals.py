"""What the server itself answers to a request that the application never gets: a problem document, as the API's are."""

import json
from http import HTTPStatus

HEADERS = {
    "Connection": "close",
    "Content-Type": "application/problem+json",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
DETAILS = {
    HTTPStatus.REQUEST_TIMEOUT: "The request did not come whole within its time. Send it again.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is longer than 4094 characters, the limit. Shorten it.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are larger than the limit: 100 of them, 8190 bytes each, "
    "64 KiB in all. Send smaller ones.",
    HTTPStatus.INSUFFICIENT_STORAGE: "There is no room left on the disk here; it was logged.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here; the log says what.",
}
NO_REQUEST = "This is no request that HTTP/1.1 allows. Correct its first line and its headers."


class Heard:
    """Stands in for a client, and hears the status that gunicorn would answer it with."""

    def __init__(self) -> None:
        self.said = b""

    def sendall(self, data: bytes) -> None:
        self.said += data

    def gettimeout(self) -> float:
        return 0.0  # gunicorn asks before it writes an error

    @property
    def status(self) -> HTTPStatus:
        words = self.said.split(b" ", 2)
        return HTTPStatus(int(words[1])) if len(words) > 1 else HTTPStatus.INTERNAL_SERVER_ERROR


def refusal(status: HTTPStatus) -> bytes:
    """Return the whole answer for a status, as it is sent."""
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": DETAILS.get(status, NO_REQUEST)}
    text = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in {**HEADERS, "Content-Length": str(len(text))}.items()]
    return "\r\n".join([*lines, "", ""]).encode() + text
