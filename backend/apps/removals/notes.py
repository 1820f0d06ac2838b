"""Note a removal, and carry the noted ones out."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from apps.media.sidecars import sidecar_names
from apps.media.storage import media
from apps.removals.models import Removal

log = logging.getLogger(__name__)


def note(versions: Mapping[str, str]) -> None:
    """Note files that are to be removed, by name; called in the transaction that takes the last row from them."""
    Removal.objects.bulk_create(
        [Removal(name=name, version=version) for name, version in sorted(versions.items())],
        update_conflicts=True,
        update_fields=["version"],
        unique_fields=["name"],
    )


def noted(*, at_most: int) -> list[Removal]:
    """Return removals that were not carried out yet, the oldest first."""
    return list(Removal.objects.all()[:at_most])


def carry_out(removal: Removal, *, unless: Callable[[str], bool]) -> None:
    """Remove the file and its sidecars ``unless`` it is needed again.

    If the storage refuses, the note stays for the next time.
    """
    try:
        needed = unless(removal.name)
        file = media().find(removal.name)
        if not needed and (file is None or removal.version in {"", file.version}):
            # Without the file its sidecars may still be there: the process that removed it was killed then.
            for name in (*([file.name] if file else []), *sidecar_names(removal.name)):
                media().delete(name)
    except OSError:
        log.exception("%s belongs to nothing any more and could not be removed; it is tried again", removal.name)
        return
    done = Removal.objects.filter(pk=removal.pk)
    if not removal.version and not needed:
        # A worker that does not know yet that its lease is gone may still give the file its name.
        done = done.filter(noted_at__lt=Now() - timedelta(seconds=settings.JOB_LEASE_S))
    done.delete()
