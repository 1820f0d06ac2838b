"""A row that names another user's file gives nothing, whichever system saved it and whatever became of the owner."""

from pathlib import Path

import pytest

from sandbox.systems import Systems
from tests.people import Browser, shell
from tests.theft import save, steal_through, upload_of

DELETE_USER = "from django.contrib.auth import get_user_model as U; U().objects.get(username='{}').delete()"


def row_of(systems: Systems, owner: Browser) -> str:
    with systems.database.server.connect(systems.database.name) as session:
        row = session.execute(
            "SELECT s.id::text FROM public.saved_choreographies s JOIN public.users u ON u.id = s.user_id"
            " WHERE u.username = %s",
            [owner.name],
        ).fetchone()
    assert row
    return row[0]


def video_of(systems: Systems, name: str) -> Path:
    return systems.place.media / name


@pytest.mark.parametrize("system", ["original", "backend"])
def test_row_that_names_anothers_file__saved_in_either__neither_serves_nor_deletes_it(
    systems, dancer: Browser, thief: Browser, system: str
):
    name = upload_of(systems, dancer)
    assert steal_through(system, thief, name) == []
    assert video_of(systems, name).read_bytes() == b"moving pictures"
    address = f"/api/collections/{row_of(systems, dancer)}/video"
    assert dancer.backend.get(address).content == b"moving pictures"


@pytest.mark.parametrize("gone", ["row", "account"])
def test_row_that_names_anothers_file__after_the_owner_left_through_the_original__gets_nothing(
    systems, dancer: Browser, thief: Browser, gone: str
):
    name = upload_of(systems, dancer)
    early = save(thief, "original", name)
    assert thief.backend.get(f"/api/collections/{early}/video").status_code == 404
    if gone == "row":
        deleted = dancer.post(dancer.original, f"/collections/{row_of(systems, dancer)}/delete/")
        assert deleted.status_code == 302
    else:
        shell(systems, "original", DELETE_USER.format(dancer.name))
    assert thief.backend.get(f"/api/collections/{early}/video").status_code == 404
    assert steal_through("original", thief, name) == []
    assert video_of(systems, name).exists()
