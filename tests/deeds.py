"""What a dancer does on the pages: each thing up to the moment at which a request is sent, and how it must end.

A deed is a generator. It prepares the page, yields what sends the request, and goes on after it was sent with success.
"""

import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.journeys import SONG, Guest
from tests.people import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


@dataclass(frozen=True)
class Sending:
    """A request that is about to be sent: the field or button that it begins at, how, and what it lies folded in."""

    at: "Locator"
    send: Callable[[], None]
    folded_in: "Locator | None" = None


Deed = Callable[["Page", Guest], Generator[Sending]]


def press(button: "Locator", *, folded_in: "Locator | None" = None) -> Sending:
    if folded_in:
        folded_in.click()
    return Sending(button, button.click, folded_in)


def button(page: "Page", name: str, *, folded_in: str = "") -> Sending:
    summary = page.locator("summary", has_text=folded_in) if folded_in else None
    return press(page.get_by_role("button", name=name, exact=True), folded_in=summary)


# ---- visitors


def register(page: "Page", guest: Guest) -> Generator[Sending]:
    name = f"lola{secrets.token_hex(4)}"
    page.goto(f"{guest.url}/register")
    page.get_by_label("Your name").fill("Lola")
    page.get_by_label("Username").fill(name)
    page.get_by_label("E-mail").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    yield button(page, "Create account")
    page.wait_for_url("**/studio")


def log_in(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(f"{guest.url}/login")
    page.get_by_label("E-mail or username").fill(guest.dancer.name)
    page.get_by_label("Password").fill(PASSWORD)
    yield button(page, "Log in")
    page.wait_for_url("**/studio")


def forget_the_password(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(f"{guest.url}/forgotten")
    page.get_by_label("E-mail").fill(f"{guest.dancer.name}@example.org")
    yield button(page, "Send the link")
    page.get_by_role("status").get_by_text("is on its way").wait_for()


# ---- the studio


def add_a_song(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(f"{guest.url}/studio")
    page.get_by_role("radio", name="Fiery").check()
    field = page.locator("#file")
    name = f"Luna {secrets.token_hex(4)}"
    song = {"name": f"{name}.mp3", "mimeType": "audio/mpeg", "buffer": guest.song + name.encode()}
    yield Sending(field, lambda: field.set_input_files(song))
    page.get_by_role("status").get_by_text(f"“{name}” is here and chosen.").wait_for()
    assert page.get_by_role("radio", name=name).is_checked()
    assert page.get_by_role("radio", name="Fiery").is_checked()


def make(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(f"{guest.url}/studio")
    page.get_by_role("radio", name=SONG, exact=True).check()
    page.get_by_role("radio", name="Intermediate").check()
    page.get_by_role("radio", name="Soft").check()
    page.get_by_label("Keep it in my collection").uncheck()
    yield button(page, "Make my choreography")
    page.get_by_role("heading", name="Your choreography is ready").wait_for()


def keep(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(f"{guest.url}/studio/{guest.made()}")
    page.get_by_label("Title").fill("Bajo la luna")
    page.get_by_label("Level").select_option("advanced")
    yield button(page, "Keep it in my collection")
    page.get_by_role("heading", name="Bajo la luna").wait_for()
    assert page.get_by_text("Advanced", exact=True).is_visible()


def make_another_one(page: "Page", guest: Guest) -> Generator[Sending]:
    before = guest.made()
    page.goto(f"{guest.url}/studio/{before}")
    page.get_by_label("Title").fill("Noch einmal")
    yield button(page, "Another one", folded_in="Practice")
    page.wait_for_url(lambda address: "/studio/" in address and before not in address)
    page.get_by_role("heading", name="Your choreography is ready").wait_for()


def rename_a_song(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(guest.own_song())
    page.get_by_label("Title").fill("Sol y sombra")
    yield button(page, "Save")
    page.wait_for_url("**/studio?song=*")
    page.get_by_role("radio", name="Sol y sombra").first.wait_for()


def delete_a_song(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(guest.own_song())
    yield button(page, "Delete for good", folded_in="Delete it…")
    page.wait_for_url("**/studio")


# ---- one choreography


def open_the_form(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(guest.kept("Paso lento"))
    yield press(page.get_by_role("link", name="Edit “Paso lento”"))
    page.get_by_label("Category").wait_for()


def edit(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(guest.kept("Paso lento"))
    page.get_by_role("link", name="Edit “Paso lento”").click()
    page.get_by_label("Title").fill("Paso rápido")
    page.locator("form.edit select").select_option("intermediate")
    page.get_by_label("Tags").fill("lunes, suave")
    yield press(page.locator("form.edit").get_by_role("button", name="Save"))
    page.get_by_role("heading", name="Paso rápido").wait_for()
    page.get_by_role("link", name="suave").wait_for()


def mark(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(guest.kept("Paso lento"))
    yield button(page, "Favourite")
    page.locator(".star[aria-pressed=true]").wait_for()


def share(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(guest.kept("Paso lento"))
    page.get_by_role("radio", name="With the link").check()
    page.get_by_label("Show my name").uncheck()
    yield press(page.locator("#share-save"))
    page.get_by_label("Secret link").wait_for()
    assert not page.get_by_label("Show my name").is_checked()


def revoke(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(guest.kept("Paso lento", visibility="unlisted"))
    page.get_by_label("Secret link").wait_for()
    yield button(page, "Revoke")
    page.get_by_label("Secret link").wait_for(state="detached")


def delete(page: "Page", guest: Guest) -> Generator[Sending]:
    address = guest.kept("Paso lento")
    page.goto(address)
    yield button(page, "Delete for good", folded_in="Delete it…")
    page.get_by_role("heading", name="Your collection").wait_for()
    assert page.request.get(address).status == 404


def like(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(guest.kept("Paso lento", visibility="public").replace("/collection/", "/public/"))
    yield press(page.locator(".heart"))
    page.locator(".heart[aria-pressed=true]").wait_for()


# ---- all of them, and the account


def find(page: "Page", guest: Guest) -> Generator[Sending]:
    title = f"Buscado {secrets.token_hex(4)}"
    guest.kept("Otro paso")
    guest.kept(title)
    page.goto(f"{guest.url}/collections/")
    field = page.get_by_role("searchbox")
    yield Sending(field, lambda: field.fill(title))
    page.get_by_text("Best matches first.").wait_for()
    assert page.locator(".kept h2").all_text_contents() == [title]


def clean_up(page: "Page", guest: Guest) -> Generator[Sending]:
    guest.kept("Paso lento")
    page.goto(f"{guest.url}/collection/clean-up")
    page.get_by_label("Yes, delete everything").check()
    yield button(page, "Delete everything for good")
    page.get_by_text("Your collection is empty.").wait_for()


def change_the_name(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(f"{guest.url}/account")
    name = f"Ana {secrets.token_hex(2)}"
    page.locator("#display_name").fill(name)
    page.get_by_label("Keep new choreographies").check()
    yield press(page.locator("#profile ~ form").get_by_role("button"))
    page.locator(".who", has_text=name).wait_for()


def make_a_token(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(f"{guest.url}/account")
    page.get_by_label("Name of a new token").fill("Mi programa")
    page.get_by_label("Valid for").select_option("7")
    yield button(page, "Make a token")
    page.get_by_role("heading", name="Your new token").wait_for()


def choose_the_dark_theme(page: "Page", guest: Guest) -> Generator[Sending]:
    page.goto(f"{guest.url}/studio")
    yield button(page, "Dark")
    page.locator("html[data-theme=dark]").wait_for(state="attached")


VISITORS: list[Deed] = [register, log_in, forget_the_password]
MEMBERS: list[Deed] = [
    add_a_song,
    make,
    keep,
    make_another_one,
    rename_a_song,
    delete_a_song,
    open_the_form,
    edit,
    mark,
    share,
    revoke,
    delete,
    like,
    find,
    clean_up,
    change_the_name,
    make_a_token,
    choose_the_dark_theme,
]
