"""A row that names another user's file gives nothing, whichever system saved it and whatever became of the owner."""

import pytest

from tests.people import Browser, shell
from tests.theft import CONTENT, save, steal_through, upload_of

DELETE_USER = "from django.contrib.auth import get_user_model as U; U().objects.get(username='{}').delete()"


@pytest.mark.parametrize("system", ["original", "backend"])
@pytest.mark.thinned(to_one_in=2)
def test_row_that_names_anothers_file__saved_in_either__neither_serves_nor_deletes_it(
    systems, dancer: Browser, thief: Browser, system: str
):
    name, row = upload_of(systems, dancer)
    assert steal_through(system, thief, name) == []
    assert (systems.place.media / name).read_bytes() == CONTENT
    assert dancer.backend.get(f"/api/collections/{row}/video").content == CONTENT


@pytest.mark.parametrize("gone", ["row", "account"])
@pytest.mark.thinned(to_one_in=2)
def test_row_that_names_anothers_file__after_the_owner_left_through_the_original__gets_nothing(
    systems, dancer: Browser, thief: Browser, gone: str
):
    name, row = upload_of(systems, dancer)
    early = save(thief, "original", name)
    assert thief.backend.get(f"/api/collections/{early}/video").status_code == 404
    if gone == "row":
        deleted = dancer.post(dancer.original, f"/collections/{row}/delete/")
        assert deleted.status_code == 302
    else:
        shell(systems, "original", DELETE_USER.format(dancer.name))
    assert thief.backend.get(f"/api/collections/{early}/video").status_code == 404
    assert steal_through("original", thief, name) == []
    assert (systems.place.media / name).exists()
