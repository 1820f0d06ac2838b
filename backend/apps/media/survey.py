"""Every upload that rows name, whose it is or would be, and which ones several users name."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from apps.media.folders import UPLOADS
from apps.media.namings import Naming, namings
from apps.media.owners import Claim, claims, recorded
from apps.media.storage import StoredFile, media


@dataclass(frozen=True)
class Survey:
    """What was found. ``new`` is not recorded yet."""

    owners: dict[str, int | None]
    new: dict[str, Claim]
    contested: dict[str, set[int]]  # the users whose rows name the file


def survey() -> Survey:
    """Read every row and list the folders of uploads. Nothing is written.

    Files in users' own folders are left out: the folder says whose they are.
    """
    files = {file.name: file for folder in UPLOADS for file in media().files(folder)}
    rows = [row for row in namings() if media().canonical(row.name) in files]
    users = _users_by_file(rows)
    known = recorded(users)
    new = claims(_without(files, known, named=users), rows)
    owners = known | {name: claim.user_id for name, claim in new.items()}
    return Survey(owners, new, {name: who for name, who in users.items() if len(who) > 1})


def _users_by_file(rows: Iterable[Naming]) -> dict[str, set[int]]:
    users: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        users[media().canonical(row.name) or ""].add(row.user_id)
    return users


def _without(
    files: dict[str, StoredFile], known: dict[str, int | None], *, named: Iterable[str]
) -> dict[str, StoredFile]:
    return {name: files[name] for name in named if name not in known}
