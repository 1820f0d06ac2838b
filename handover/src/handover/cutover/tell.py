#!/usr/bin/env python3
"""Tell the team: a hook for the points `notify` and `page`. Needs Python 3.9 and nothing else.

    notify = ["tell", "slack", "email"]
    page = ["tell", "pagerduty", "slack"]

| channel | variables |
|--|--|
| slack | TELL_SLACK_URL: an incoming webhook |
| teams | TELL_TEAMS_URL: a webhook of Workflows |
| pagerduty | TELL_PAGERDUTY_KEY: an integration key of Events API v2; TELL_PAGERDUTY_URL for another region |
| email | TELL_MAIL_SERVER, TELL_MAIL_FROM, TELL_MAIL_TO (with commas) |

The mail server is smtp://USER:PASSWORD@HOST:587 (with STARTTLS), smtps://USER:PASSWORD@HOST:465, or
smtp+plain://HOST:25 (not encrypted, for a server on the same machine).

Every channel is tried. It ends with 1 when one failed, and says which; no secret is printed.
"""

# ruff: noqa: T201 - what it prints is its answer

import json
import os
import smtplib
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

TIMEOUT_S = 20
PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
FAILURES = (OSError, ValueError, smtplib.SMTPException)
TITLES = {"page": "Look at it now", "notify": "Going back to the original"}


def main() -> int:
    """Tell every channel that the command line names."""
    channels = sys.argv[1:]
    unknown = [name for name in channels if name not in CHANNELS]
    if unknown or not channels:
        print("tell needs channels: " + ", ".join(CHANNELS) + (". Not known: " + ", ".join(unknown) if unknown else ""))
        return 1
    title, text = words(json.load(sys.stdin))
    failed = False
    for name in channels:
        try:
            CHANNELS[name](title, text)
            print("told " + name)
        except KeyError as error:
            failed = True
            print(f"{name} was not told: {error.args[0]} is not set")
        except FAILURES as error:
            failed = True
            print(f"{name} was not told: {reason(error)}")
    return 1 if failed else 0


def words(facts: dict[str, Any]) -> tuple[str, str]:
    """Return a title and what is known, in words."""
    point = facts.get("point", "")
    place = ".".join(str(facts[name]) for name in ("record", "zone") if facts.get(name)) or "the move"
    title = f"{place}: {TITLES.get(point, point)}"
    if facts.get("trial"):
        title = "[a trial, nothing is wrong] " + title
    said = facts.get("said") or facts.get("facts", {}).get("because") or "no reason was given"
    return title, f"{said}\nWhere we are: handover status"


def reason(error: Exception) -> str:
    """Return why a channel failed; never its address, which may hold a secret."""
    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {error.smtp_code}"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return type(error.reason).__name__
    return type(error).__name__


def slack(title: str, text: str) -> None:
    """Post to an incoming webhook of Slack; what Slack reads as marks is escaped."""
    safe = [part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for part in (title, text)]
    post(os.environ["TELL_SLACK_URL"], {"text": "*{}*\n{}".format(*safe)})


def teams(title: str, text: str) -> None:
    """Post an adaptive card to a webhook of Teams."""
    blocks = [
        {"type": "TextBlock", "text": title, "weight": "Bolder", "wrap": True},
        *({"type": "TextBlock", "text": line, "wrap": True} for line in text.splitlines()),
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    post(os.environ["TELL_TEAMS_URL"], {"type": "message", "attachments": [attachment]})


def pagerduty(title: str, text: str) -> None:
    """Trigger an incident; the same title stays one incident until it is resolved."""
    summary = f"{title}: {text.splitlines()[0]}"[:1024]
    event = {
        "routing_key": os.environ["TELL_PAGERDUTY_KEY"],
        "event_action": "trigger",
        "dedup_key": "handover " + title[:200],
        "payload": {"summary": summary, "source": "handover", "severity": "critical", "custom_details": {"said": text}},
    }
    post(os.environ.get("TELL_PAGERDUTY_URL") or PAGERDUTY, event)


def post(url: str, body: dict[str, Any]) -> None:
    """Post JSON; any answer of 400 or more raises."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("the address must begin with https://")
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the scheme is looked at above
        answer.read()


def email(title: str, text: str) -> None:
    """Send a message to everyone in TELL_MAIL_TO."""
    message = EmailMessage()
    message["Subject"] = title
    message.set_content(text)
    send(message)


def send(message: EmailMessage) -> None:
    """Send a message from TELL_MAIL_FROM to TELL_MAIL_TO, over TELL_MAIL_SERVER."""
    message["From"], message["To"] = os.environ["TELL_MAIL_FROM"], os.environ["TELL_MAIL_TO"]
    server = urllib.parse.urlsplit(os.environ["TELL_MAIL_SERVER"])
    if server.scheme not in ("smtp", "smtps", "smtp+plain") or not server.hostname:
        raise ValueError("the mail server must look like smtp://USER:PASSWORD@HOST:587")
    tls = ssl.create_default_context()
    session: smtplib.SMTP
    if server.scheme == "smtps":
        session = smtplib.SMTP_SSL(server.hostname, server.port or 465, timeout=TIMEOUT_S, context=tls)
    else:
        session = smtplib.SMTP(server.hostname, server.port or 587, timeout=TIMEOUT_S)
    with session:
        if server.scheme == "smtp":
            session.starttls(context=tls)
        if server.username:
            session.login(urllib.parse.unquote(server.username), urllib.parse.unquote(server.password or ""))
        session.send_message(message)


CHANNELS: dict[str, Callable[[str, str], None]] = {
    "slack": slack,
    "teams": teams,
    "pagerduty": pagerduty,
    "email": email,
}

if __name__ == "__main__":
    sys.exit(main())
