"""Static files as production serves them: compressed, and under names that a change of the content changes.

``manage.py collectstatic`` writes them to ``STATIC_ROOT``. A browser keeps a file of such a name for ever, and asks for
no other.
"""

import filecmp
from datetime import UTC, datetime
from pathlib import Path

from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.exceptions import ImproperlyConfigured
from whitenoise.storage import CompressedManifestStaticFilesStorage

COMMAND = "Run `python manage.py collectstatic --noinput` with the same STATIC_ROOT, then start again."


class CollectedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # django-stubs leaves a part of it out
    """The storage of whitenoise; a script of ours imports others by their new names, too."""

    support_js_module_import_aggregation = True
    # Packages bring scripts that import what they do not bring.
    _js_module_import_aggregation_patterns = (
        "web/*.js",
        ManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]  # noqa: SLF001 - no public name
    )

    def get_modified_time(self, name: str) -> datetime:  # noqa: ARG002 - as Django calls it
        """Return a time before all: collectstatic leaves a newer copy, and an older version's may be newer."""
        return datetime.fromtimestamp(0, tz=UTC)


def require_collected(folder: str | None) -> None:
    """Refuse a folder that does not hold the files of this version. Raises ImproperlyConfigured."""
    if not folder:
        return
    for finder in get_finders():
        for name, storage in finder.list(None):
            copy = Path(folder, name)
            if not copy.is_file() or not filecmp.cmp(storage.path(name), copy, shallow=False):
                raise ImproperlyConfigured(
                    f"STATIC_ROOT is {folder!r}; {name} is not there as this version has it. {COMMAND}"
                )
