"""Delete an account, as its owner asks."""

from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.http import HttpRequest

from apps.authentication.models import User
from apps.authentication.passwords import require_password
from apps.collections.services import remove_forgotten
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.generation.files import note_video
from apps.jobs import leases
from apps.media.folders import folder_of
from apps.media.models import FileOwner
from apps.media.storage import StoredFile, media
from apps.open_sessions.services import end_all_sessions
from apps.removals import notes
from config.errors import ConflictError

# As the original deletes a user. The rows of the backend's own tables go with these, by the database.
_DELETE_TASKS = "DELETE FROM choreography_tasks WHERE user_id = %s"
_DELETE_THE_REST = """
    WITH g AS (DELETE FROM users_groups WHERE user_id = %(user)s),
        p AS (DELETE FROM users_user_permissions WHERE user_id = %(user)s),
        l AS (DELETE FROM django_admin_log WHERE user_id = %(user)s),
        c AS (DELETE FROM saved_choreographies WHERE user_id = %(user)s)
    DELETE FROM users WHERE id = %(user)s
"""


def delete_account(*, request: HttpRequest, user: User, password: str) -> None:
    """Delete the account, its choreographies, tasks, sessions, tokens and files. Raises as ``require_password``.

    Accounts of the staff are left to the staff: ConflictError. What others have stays: their choreographies, and the
    starter songs. Likes that the user gave are no longer counted.
    """
    require_password(request=request, user=user, password=password, field="password")
    if user.is_staff or user.is_superuser:
        raise ConflictError("An account of the staff is removed by an administrator, on the admin pages.")
    with transaction.atomic():
        for job in leases.live().filter(user_id=user.pk):
            note_video(job)  # a worker that does not know yet may still make it
        files = {file.name: file.version for file in _files_of(user)}
        notes.note(files)
        end_all_sessions(user)
        record(AccountEvent.Kind.ACCOUNT_DELETED, request=request, user=user)
        with connection.cursor() as cursor:
            # Tasks before the user, as the original locks them: a worker that saves at this moment waits or is waited
            # for.
            cursor.execute(_DELETE_TASKS, [user.pk])
            cursor.execute(_DELETE_THE_REST, {"user": user.pk})
        if files:
            transaction.on_commit(remove_forgotten, robust=True)
    # As a log-out does, but for the event: there is no account any more that it could name.
    request.session.flush()
    request.user = AnonymousUser()


def _files_of(user: User) -> list[StoredFile]:
    """Return the files in the user's folder, and uploads of the original that are the user's."""
    owned = FileOwner.objects.filter(user=user).values_list("name", flat=True)
    found = {file.name: file for name in owned if (file := media().find(name))}
    return list((found | {file.name: file for file in media().files(folder_of(user.pk))}).values())
