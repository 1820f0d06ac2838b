"""A dancer without a mouse does everything that the page offers, and sees at each stop where she is."""

import secrets

import pytest

from handover_testing import browser
from tests.journeys import Guest, Keyboard, Network, trouble, visit
from tests.people import PASSWORD
from tests.practice import until

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

PLAYS = "!document.querySelector('.screen > video:not(.waits)').paused"


@pytest.mark.parametrize("size", ["desk", "narrow"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.thinned(to_one_in=4)
def test_everything__by_keyboard_alone__works_and_shows_the_focus(chromium, guest, size, theme):
    with visit(chromium, size=size, expected=("404",), color_scheme=theme) as page:
        hands = Keyboard(page)
        log_in(hands, guest)
        add_a_song(hands, guest)
        make(hands)
        practise(hands)
        title = f"Bajo la luna {secrets.token_hex(3)}"
        keep(hands, title)
        edit(hands, title)
        mark(hands)
        link = share(hands)
        with visit(chromium) as stranger:
            stranger.goto(link)
            stranger.get_by_role("heading", name=title).wait_for()
            stranger.get_by_role("button", name="Play", exact=True).wait_for()
        revoke(hands)
        with visit(chromium, expected=("404",)) as stranger:
            assert stranger.goto(link).status == 404
        find(hands, title)
        delete(hands, title)


def log_in(hands: Keyboard, guest: Guest) -> None:
    page = hands.page
    page.goto(f"{guest.url}/login")
    hands.to(page.get_by_label("E-mail or username"))
    hands.write(guest.dancer.name)
    hands.to(page.get_by_label("Password"))
    hands.write(PASSWORD)
    hands.press("Enter")
    page.wait_for_url("**/studio")


def add_a_song(hands: Keyboard, guest: Guest) -> None:
    page = hands.page
    name = f"Luna {secrets.token_hex(3)}"
    hands.to(page.locator("#file"))
    with page.expect_file_chooser() as chooser:
        hands.press("Space")
    song = {"name": f"{name}.mp3", "mimeType": "audio/mpeg", "buffer": guest.song + name.encode()}
    chooser.value.set_files(song)
    page.get_by_role("status").get_by_text(f"“{name}” is here and chosen.").wait_for()
    assert page.get_by_role("radio", name=name).is_checked()


def make(hands: Keyboard) -> None:
    page = hands.page
    # From where the song was added, not from the top of the page.
    hands.to(page.get_by_role("radio", name="Beginner"), at_most=3)
    hands.press("ArrowDown", "ArrowDown")
    assert page.get_by_role("radio", name="Advanced").is_checked()
    hands.assert_seen()
    hands.to(page.get_by_role("radio", name="As the song goes"))
    hands.to(page.get_by_label("Keep it in my collection"))
    hands.press("Space")
    hands.to(page.get_by_role("button", name="Make my choreography"))
    hands.press("Enter")
    page.get_by_role("heading", name="Making your choreography").or_(
        page.get_by_role("heading", name="Your choreography is ready")
    ).wait_for()
    page.get_by_role("heading", name="Your choreography is ready").wait_for()


def practise(hands: Keyboard) -> None:
    page = hands.page
    play = page.locator("[data-part=play]")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    hands.to(play)
    hands.press("Space")
    until(page, PLAYS)
    hands.press("Space")
    until(page, f"!({PLAYS})")
    hands.to(page.get_by_label("Position"))
    hands.to(page.locator(".strip button").first)
    hands.to(page.locator(".strip button").nth(1))
    hands.press("Enter")
    until(page, PLAYS)
    assert page.locator(".strip button").nth(1).get_attribute("aria-pressed") == "true"
    hands.press("Enter")  # no loop
    assert page.locator(".strip [aria-pressed=true]").count() == 0
    hands.to(play, by="Shift+Tab")
    hands.press("Space")
    for speed in ("0.5", "1.25"):
        hands.to(page.locator(f"[data-speed='{speed}']"))
    for button in ("Loop", "Mirror", "Full screen"):
        hands.to(page.get_by_role("button", name=button, exact=True))
    hands.to(page.locator("summary", has_text="Practice"))
    hands.press("Enter")
    hands.to(page.get_by_label("Rounds"))
    hands.to(page.get_by_label("Count me in"))
    hands.to(page.get_by_label("Loudness of the song"))
    hands.to(page.get_by_role("button", name="Swap this move"))
    hands.to(page.get_by_label("Keyboard shortcuts"))


def keep(hands: Keyboard, title: str) -> None:
    page = hands.page
    hands.to(page.get_by_label("Title"))
    hands.write(title)
    hands.to(page.get_by_label("Level"))
    hands.to(page.get_by_role("button", name="Keep it in my collection"))
    hands.press("Enter")
    page.get_by_role("link", name="Download the video").wait_for()


def edit(hands: Keyboard, title: str) -> None:
    page = hands.page
    link = page.get_by_role("link", name=f"Edit “{title}”")
    hands.to(link)
    hands.press("Enter")
    until(page, "document.activeElement.name === 'title'")  # it opens with the focus
    hands.to(page.get_by_label("Category"))
    hands.write("Clase")
    hands.to(page.get_by_label("Tags"))
    hands.write("lunes, suave")
    hands.to(page.locator("form.edit").get_by_role("button", name="Save"))
    hands.press("Enter")
    page.get_by_role("link", name="suave").wait_for()
    until(page, "document.activeElement.matches('a.change')")  # and gives it back
    hands.assert_seen()
    hands.press("Enter")
    until(page, "document.activeElement.name === 'title'")
    hands.to(page.locator("form.edit").get_by_role("link", name="Cancel"))
    hands.press("Enter")
    until(page, "document.activeElement.matches('a.change')")


def mark(hands: Keyboard) -> None:
    star = hands.page.get_by_role("button", name="Favourite")
    hands.to(star)
    hands.press("Space")
    hands.page.locator(".star[aria-pressed=true]").wait_for()
    until(hands.page, "document.activeElement.matches('.star')")
    hands.assert_seen()


def share(hands: Keyboard) -> str:
    page = hands.page
    hands.to(page.get_by_role("radio", name="Only you"))
    hands.press("ArrowDown")
    assert page.get_by_role("radio", name="With the link").is_checked()
    hands.to(page.locator("#share-save"))
    hands.press("Enter")
    page.get_by_label("Secret link").wait_for()
    until(page, "document.activeElement.id === 'share-save'")
    hands.to(page.get_by_label("Secret link"))
    hands.to(page.get_by_role("button", name="Copy"))
    hands.press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    return page.get_by_label("Secret link").input_value()


def revoke(hands: Keyboard) -> None:
    page = hands.page
    hands.to(page.get_by_role("button", name="Revoke"))
    hands.press("Enter")
    page.get_by_label("Secret link").wait_for(state="detached")
    until(page, "document.activeElement.id === 'share-save'")


def find(hands: Keyboard, title: str) -> None:
    page = hands.page
    hands.to(page.get_by_role("link", name="Collection").first, by="Shift+Tab")
    hands.press("Enter")
    field = page.get_by_role("searchbox")
    hands.to(field)
    hands.write(title)
    page.get_by_text("Best matches first.").wait_for()
    assert field.evaluate("(at) => at === document.activeElement")
    hands.to(page.get_by_role("combobox", name="Show"))
    hands.to(page.locator(".kept > a", has_text=title))
    hands.press("Enter")
    page.get_by_role("heading", name=title).wait_for()


def delete(hands: Keyboard, title: str) -> None:
    page = hands.page
    address = page.url
    hands.to(page.locator("summary", has_text="Delete it…"))
    hands.press("Enter")
    hands.to(page.get_by_role("button", name="Delete for good"))
    hands.press("Enter")
    page.get_by_role("heading", name="Your collection").wait_for()
    assert page.request.get(address).status == 404


def test_trouble__by_keyboard__is_reached_and_sent_again(chromium, guest):
    with visit(chromium, guest=guest, expected=("ERR_",)) as page:
        page.goto(f"{guest.url}/account")
        hands = Keyboard(page)
        hands.to(page.locator("#display_name"))
        hands.write("Ana")
        network = Network(page)
        network.cut()
        hands.press("Enter")
        trouble(page).get_by_role("button", name="Try again").wait_for()
        network.mend()
        hands.to(trouble(page).get_by_role("button", name="Try again"))
        hands.press("Enter")
        page.get_by_role("status").get_by_text("Saved").or_(page.locator(".notice")).first.wait_for()


def test_focus_that_is_not_seen__is_found(chromium, guest):
    """The look at each stop sees a page that hides its focus, and one whose focus is too pale."""
    with visit(chromium) as page:
        page.goto(f"{guest.url}/login")
        hands = Keyboard(page)
        field = page.get_by_label("E-mail or username")
        for style in ("outline: none", "outline: 3px solid #f0e8df; box-shadow: none; border-color: #a58d80"):
            page.evaluate("document.activeElement.blur()")
            field.evaluate("(at, style) => { at.style.cssText = style; }", style)
            with pytest.raises(AssertionError):
                hands.to(field)
