"""Take the pictures in docs/images from the running page."""

import tempfile
from pathlib import Path

from handover_testing import browser
from sandbox import house
from sandbox.fixtures import server_for_this_run
from sandbox.ports import free_port
from sandbox.postgres import Database
from sandbox.systems import Place, running
from tests import studio

IMAGES = house.ROOT / "docs" / "images"
SONG = "Noche de demo"


def main() -> None:
    """Walk through the page once, with a picture of each stop."""
    with tempfile.TemporaryDirectory() as folder, server_for_this_run() as server:
        house.build_original(server, "original")
        house.build_adopted(server, "compas", "original")
        place = Place(Path(folder), house.moves_library())
        house.demo_song(place.media / "songs" / f"{SONG}.mp3", seconds=75)
        database = Database("compas", server)
        with running(database, place, port=free_port(), original_port=free_port()) as systems, browser.page() as page:
            studio.register(page, systems.backend_url, "lola")
            browser.picture(page, IMAGES / "studio.png")
            studio.make_choreography(page, SONG)
            studio.play(page, from_s=24.6)
            browser.picture(page, IMAGES / "choreography.png")
            page.goto(f"{systems.backend_url}/collection")
            page.wait_for_load_state("networkidle")
            browser.picture(page, IMAGES / "collection.png")
            page.goto(f"{systems.original_url}/collections/")
            browser.picture(page, IMAGES / "original.png")


if __name__ == "__main__":
    main()
