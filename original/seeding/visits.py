"""Sessions and the admin's log."""

import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.contrib.sessions.serializers import JSONSerializer
from django.core.signing import TimestampSigner, b62_encode

from seeding.source import Source
from users.models import User

SESSION_AGE = timedelta(days=14)


def write_sessions(source: Source, users: Sequence[User]) -> None:
    """Write a session for every third user, some of them expired. If untidy, one session cannot be read."""
    signer = _SignerAt(source.now, salt=SessionStore().key_salt)
    sessions = []
    for user in users[::3]:
        begun = source.ago(timedelta(), SESSION_AGE * 1.5)
        key = "".join(source.chance.choices(string.ascii_lowercase + string.digits, k=32))
        data = signer.sign_object(
            {
                "_auth_user_id": str(user.pk),
                "_auth_user_backend": settings.AUTHENTICATION_BACKENDS[0],
                "_auth_user_hash": user.get_session_auth_hash(),
            },
            serializer=JSONSerializer,
            compress=True,
        )
        sessions.append(Session(session_key=key, session_data=data, expire_date=begun + SESSION_AGE))
    if source.untidy:
        sessions[0].session_data = "written by another key"
        source.odd["sessions that cannot be read"] += 1
    source.write(sessions)


def write_admin_log(source: Source, users: Sequence[User]) -> None:
    """Write what the staff did to the users; one of these users is deleted."""
    kind = ContentType.objects.get_for_model(User)
    did = {ADDITION: '[{"added": {}}]', CHANGE: '[{"changed": {"fields": ["Display name"]}}]', DELETION: ""}
    entries = []
    for member in (user for user in users if user.is_staff):
        for action, message in did.items():
            to = source.chance.choice(users)
            gone = action == DELETION
            entries.append(
                LogEntry(
                    user=member,
                    content_type=kind,
                    object_id="987654321" if gone else str(to.pk),
                    object_repr="A user who left" if gone else str(to)[:200],
                    action_flag=action,
                    change_message=message,
                    action_time=source.ago(timedelta(), timedelta(days=365)),
                )
            )
    source.write(entries)


class _SignerAt(TimestampSigner):
    """Signs a session as of a given time, so that the same seed writes the same session."""

    def __init__(self, now: datetime, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.now = now

    def timestamp(self) -> str:
        return b62_encode(int(self.now.timestamp()))
