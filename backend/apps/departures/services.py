"""Delete an account, as its owner asks."""

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest

from apps.authentication.models import User
from apps.authentication.passwords import require_password
from apps.choreography.models import ChoreographyTask
from apps.collections.services import remove_forgotten
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.generation.files import note_video
from apps.jobs import leases
from apps.media.folders import folder_of
from apps.media.models import FileOwner
from apps.media.storage import StoredFile, media
from apps.open_sessions.services import end_other_sessions
from apps.removals import notes
from config.errors import ConflictError


def delete_account(*, request: HttpRequest, user: User, password: str) -> None:
    """Delete the account, its choreographies, tasks, sessions, tokens and files. Raises as ``require_password``.

    Accounts of the staff are left to the staff: ConflictError. What others have stays: their choreographies, and the
    starter songs. Likes that the user gave are no longer counted.
    """
    row = require_password(request=request, user=user, password=password, field="password")
    if row.is_staff or row.is_superuser:
        raise ConflictError("An account of the staff is removed by an administrator, on the admin pages.")
    end_other_sessions(request=request, user=user)
    with transaction.atomic():
        for job in leases.live().filter(user_id=row.pk):
            note_video(job)  # a worker that does not know yet may still make it
        for file in _files_of(row):
            notes.note(file.name, version=file.version)
        # Tasks before the user, as the original locks them: a worker that saves at this moment waits or is waited for.
        ChoreographyTask.objects.filter(user=row).delete()
        record(AccountEvent.Kind.ACCOUNT_DELETED, request=request, user=row)
        row.delete()
        transaction.on_commit(remove_forgotten, robust=True)
    # As a log-out does, but for the event: there is no account any more that it could name.
    request.session.flush()
    request.user = AnonymousUser()


def _files_of(user: User) -> list[StoredFile]:
    """Return the files in the user's folder, and uploads of the original that are the user's."""
    owned = FileOwner.objects.filter(user=user).values_list("name", flat=True)
    found = {file.name: file for name in owned if (file := media().find(name))}
    return list((found | {file.name: file for file in media().files(folder_of(user.pk))}).values())
