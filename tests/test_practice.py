"""The practice room around the video, in a real browser, on a video that was really made."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from handover_testing import browser
from tests import practice
from tests.conftest import browser as dancer_of
from tests.conftest import registered
from tests.journeys import TOO_WIDE, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

ON_THE_BEAT_S = 0.030
SIZES = {"desk": (1280, 900), "phone": (360, 780), "tiny": (320, 640)}


@pytest.fixture(scope="module")
def dance(systems, demo_song: Path) -> dict[str, Any]:
    """A choreography that the backend made: its pages, its timeline, and the cookies of its dancer."""
    systems.place.put_song("Noche.mp3", demo_song.read_bytes())
    with dancer_of(systems) as visitor:
        registered(visitor)
        wishes = {"song": "Noche.mp3", "difficulty": "intermediate", "auto_save": True}
        task = visitor.post(visitor.backend, "/api/choreography/generate", json=wishes).json()["task_id"]
        ended = visitor.until_ended(task)
        assert ended["status"] == "completed", ended
        timeline = visitor.backend.get(f"/api/choreography/tasks/{task}/timeline").json()
        cookies = [{"name": n, "value": v, "url": systems.backend_url} for n, v in visitor.backend.cookies.items()]
    kept = f"{systems.backend_url}/collection/{ended['result']['saved_choreography_id']}"
    made = f"{systems.backend_url}/studio/{task}"
    return {"address": made, "kept": kept, "timeline": timeline, "cookies": cookies}


@contextmanager
def room(
    chromium: "Browser", dance: dict[str, Any], *, size: str = "desk", hash_: str = "", **context
) -> Iterator["Page"]:
    """Open the room in a browser profile of its own; an error that the page reports fails at the end."""
    width, height = SIZES[size]
    profile = chromium.new_context(viewport={"width": width, "height": height}, **context)
    profile.add_cookies(dance["cookies"])
    profile.add_init_script(practice.RECORDER)
    page = profile.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto(dance["address"] + hash_)
    page.get_by_role("button", name="Play", exact=True).wait_for()
    practice.until(page, "document.querySelector('.screen > video').readyState > 2")
    yield page
    profile.close()
    assert not errors, errors


def at_speed(page: "Page", speed: str) -> None:
    page.locator(f"[data-speed='{speed}']").click()


def test_loop__of_a_move__goes_from_beat_to_beat_without_a_seek(chromium, dance):
    """How exactly the screen shows it is measured by `script/bench loops`."""
    move, times = dance["timeline"]["moves"][2], [beat["time_s"] for beat in dance["timeline"]["beats"]]
    with room(chromium, dance) as page:
        at_speed(page, "1.25")
        page.get_by_role("button", name=move["label"], exact=True).first.click()
        practice.until_smooth(page)
        page.evaluate(practice.SWAPS)
        edges = page.evaluate("(({ from, to }) => [from, to])(document.querySelector('[data-player]').room.loop)")
        assert edges == [move["start_s"], move["end_s"]]
        assert set(edges) <= set(times)
        practice.until(page, "swaps.filter(inStep).length >= 4 || swaps.length + seeks.length > 12")
        assert page.evaluate("swaps.filter(inStep).length") >= 4, page.evaluate("[swaps, seeks]")
        # Negative control: without the second element each jump is a seek.
        page.evaluate(practice.BY_SEEKING)
        page.evaluate("swaps.length = seeks.length = 0")
        practice.until(page, "seeks.length >= 2")
        assert page.evaluate("swaps.length") == 0


@pytest.mark.parametrize("beats", [2, 3])
def test_loop__of_a_few_beats__has_less_time_and_hits_them_all_the_same(chromium, dance, beats):
    with room(chromium, dance) as page:
        page.evaluate(
            """(beats) => {
                const { loop, timeline } = document.querySelector("[data-player]").room;
                loop.set(timeline.beats[20].time_s, timeline.beats[20 + beats].time_s);
                loop.begin();
            }""",
            beats,
        )
        practice.until_smooth(page)
        page.evaluate(practice.SWAPS)
        practice.until(page, "swaps.filter(inStep).length >= 6 || swaps.length + seeks.length > 24")
        assert page.evaluate("swaps.filter(inStep).length") >= 6, page.evaluate("[swaps, seeks]")


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.thinned(to_one_in=2)
def test_room__while_it_plays__shows_the_count_of_each_frame_and_names_the_moves(chromium, dance, size):
    beats, moves = dance["timeline"]["beats"], dance["timeline"]["moves"]
    with room(chromium, dance, size=size) as page:
        assert not page.evaluate(TOO_WIDE)
        page.evaluate(practice.COUNTS_SEEN)
        page.get_by_role("button", name="Play", exact=True).click()
        practice.until(page, "seen.length >= 90")
        page.get_by_role("button", name="Pause", exact=True).click()
        wrong = [one for one in page.evaluate("seen") if not _is_count(beats, **one)]
        assert not wrong
        at = max(index for index, move in enumerate(moves) if move["start_s"] <= page.evaluate("seen.at(-1).time"))
        assert page.locator("[data-part=now]").text_content() == moves[at]["label"]
        assert page.locator("[data-part=notes]").text_content() == moves[at]["description"]
        assert page.locator("[data-part=next]").text_content() == f"Next: {moves[at + 1]['label']}"
        # Heard: the name of the next move, and no counts.
        assert page.get_by_role("status").first.text_content() == f"Next: {moves[at + 1]['label']}"
        assert page.locator("[data-part=counts]").get_attribute("aria-hidden") == "true"


def _is_count(beats: list[dict[str, float]], time: float, count: int) -> bool:
    """Return whether this count sounds then, give or take half a frame."""
    near = [beat["count"] for beat in beats if beat["time_s"] <= time]
    soon = [beat["count"] for beat in beats if beat["time_s"] <= time + 0.04]
    return count in {(near or [0])[-1], (soon or [0])[-1]}


def test_link_to_a_move__opens_there_with_its_loop_and_a_tap_changes_the_address(chromium, dance):
    moves = dance["timeline"]["moves"]
    with room(chromium, dance, hash_="#move=3") as page:
        practice.until(
            page, f"Math.abs(document.querySelector('.screen > video').currentTime - {moves[2]['start_s']}) < 0.05"
        )
        third = page.locator(".strip button").nth(2)
        assert third.get_attribute("aria-pressed") == "true"
        page.locator(".strip button").nth(3).click()
        assert page.url.endswith("#move=4")
        assert third.get_attribute("aria-pressed") == "false"
        page.locator(".strip button").nth(3).click()  # once more: no loop
        assert page.locator(".strip [aria-pressed=true]").count() == 0


# What is named, from now on, while the browser shows a first frame where it may: before the video is where it was sent.
FIRST_FRAMES = """() => {
  const video = document.querySelector(".screen > video"), now = document.querySelector("[data-part=now]");
  window.seen = [];
  new MutationObserver(() => seen.push(now.textContent)).observe(now, { childList: true });
  for (const event of ["play", "seeking", "seeked"]) {
    video.addEventListener(event, () => {
      seen.push(event);
      if (event !== "seeked") shown.at(-1)(performance.now(), { mediaTime: 0 });
    });
  }
}"""
# Who asked for frames.
ASKED = """
  window.shown = [];
  const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (frame) {
    shown.push(frame);
    return ask.call(this, frame);
  };
"""


def test_link_to_a_move__before_anything_of_the_video_is_fetched__shows_the_move(chromium, dance):
    moves = [move["label"] for move in dance["timeline"]["moves"]]
    with visit(chromium) as page:
        page.context.add_cookies(dance["cookies"])
        page.add_init_script(ASKED)
        page.goto(f"{dance['kept']}#move=3")
        page.get_by_role("button", name="Play", exact=True).wait_for()
        assert page.locator(".screen > video").first.evaluate("(video) => video.readyState") == 0
        assert page.locator("[data-part=now]").text_content() == moves[2]
        page.evaluate(FIRST_FRAMES)
        page.keyboard.press("Shift+ArrowRight")
        practice.until(page, "seen.includes('seeked')")
        assert page.evaluate("seen") == [moves[3], "play", "seeking", "seeked"]


def test_room__in_spanish_on_a_tiny_phone__is_no_wider_than_the_screen(chromium, dance):
    with room(chromium, dance, size="tiny") as page:
        page.context.add_cookies([{"name": "language", "value": "es", "url": dance["address"]}])
        page.reload()
        page.get_by_text("Practicar", exact=True).click()
        page.get_by_label("Volumen de la canción").wait_for()
        assert not page.evaluate(TOO_WIDE)


def test_marks__an_end_that_is_not_after_the_start__forgets_the_start(chromium, dance):
    with room(chromium, dance) as page:
        page.keyboard.press("a")
        page.keyboard.press("b")
        pressed = [page.locator(f"[data-part={mark}]").get_attribute("aria-pressed") for mark in "ab"]
        assert pressed == ["false", "true"]


def test_keys__after_a_hand_has_moved_the_position__still_work(chromium, dance):
    with room(chromium, dance) as page:
        page.get_by_label("Position").click()
        page.keyboard.press("a")
        assert page.locator("[data-part=a]").get_attribute("aria-pressed") == "true"
        page.keyboard.press("Space")
        page.get_by_role("button", name="Pause", exact=True).wait_for()


def test_choices__are_remembered_and_without_a_memory_last_as_long_as_the_page(chromium, dance):
    with room(chromium, dance) as page:
        at_speed(page, "0.75")
        page.get_by_role("button", name="Mirror", exact=True).click()
        page.locator("summary", has_text="Practice").click()
        page.get_by_label("Rounds").select_option("4")
        page.reload()
        page.get_by_role("button", name="Play", exact=True).wait_for()
        video = page.locator(".screen > video")
        assert video.evaluate("(video) => [video.playbackRate, video.preservesPitch]") == [0.75, True]
        assert page.get_by_role("button", name="Mirror", exact=True).get_attribute("aria-pressed") == "true"
        assert page.locator("[name=rounds]").input_value() == "4"
        page.context.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })"
        )
        page.reload()
        at_speed(page, "0.5")
        assert video.evaluate("(video) => video.playbackRate") == 0.5


def test_keys__do_what_they_say_nothing_while_typing_and_can_be_switched_off(chromium, dance):
    times = [beat["time_s"] for beat in dance["timeline"]["beats"]]
    moves = dance["timeline"]["moves"]
    with room(chromium, dance) as page:

        def time() -> float:
            return float(page.evaluate("document.querySelector('.screen > video').currentTime"))

        press = page.keyboard.press
        press("ArrowRight")
        press("ArrowRight")
        assert time() == pytest.approx(times[2], abs=0.01)
        press("ArrowLeft")
        assert time() == pytest.approx(times[1], abs=0.01)
        press("Shift+ArrowRight")
        assert time() == pytest.approx(moves[1]["start_s"], abs=0.01)
        press("a")
        for _ in range(5):
            press("ArrowRight")
        press("b")  # snapped to beats, and played at once
        page.get_by_role("button", name="Pause", exact=True).wait_for()
        looped = "(({ from, to }) => [from, to])(document.querySelector('[data-player]').room.loop)"
        start = times.index(moves[1]["start_s"])
        assert page.evaluate(looped) == [times[start], times[start + 5]]
        press("l")
        press(" ")
        page.get_by_role("button", name="Play", exact=True).wait_for()
        press("ArrowRight")
        for key in ("a", "ArrowRight", "b", " "):  # a part of one beat becomes one of two
            press(key)
        page.get_by_role("button", name="Play", exact=True).wait_for()
        begin, end = page.evaluate(looped)
        assert times.index(end) == times.index(begin) + 2
        press("l")
        press("-")
        assert page.evaluate("document.querySelector('.screen > video').playbackRate") == 0.95
        press("m")
        assert page.locator(".flipped").count() == 1
        press("?")
        assert page.locator("[data-part=practice]").get_attribute("open") is not None
        before = time()
        page.get_by_label("Rounds").focus()
        press("m")
        press("ArrowRight")
        assert (page.locator(".flipped").count(), time()) == (1, before)
        page.get_by_label("Keyboard shortcuts").uncheck()
        page.locator("summary", has_text="Practice").focus()
        press("m")
        press("ArrowRight")
        assert (page.locator(".flipped").count(), time()) == (1, before)


@pytest.mark.full
def test_practice__counts_in_gets_faster_and_puts_the_last_move_first(chromium, dance):
    moves = dance["timeline"]["moves"]
    with room(chromium, dance) as page:
        page.locator("summary", has_text="Practice").click()
        page.locator("[name=counts]").select_option("click")
        page.get_by_label("Count me in").check()
        page.get_by_label("A little faster").check()
        page.evaluate(practice.COUNTS_SEEN)
        page.locator(".strip button").nth(1).click()
        practice.until(page, "document.querySelector('[data-player]').room.loop.counting === null")
        assert page.evaluate("called") == [5, 6, 7, 8]
        assert page.evaluate("document.querySelector('[data-player]').room.speed") == 0.7
        practice.until(page, "document.querySelector('[data-player]').room.loop.round === 2")
        assert page.evaluate("document.querySelector('[data-player]').room.speed") == 0.75
        page.get_by_label("Count me in").uncheck()
        page.get_by_label("Last move first").check()
        page.get_by_label("Rounds").select_option("2")
        page.keyboard.press("l")  # on its own the select keeps the key
        page.evaluate("""(to) => {
            const { room } = document.querySelector("[data-player]");
            room.loop.set(0, to);
            room.loop.begin();
        }""", moves[2]["end_s"])  # fmt: skip
        began = "document.querySelector('[data-player]').room.loop.from"
        assert page.evaluate(began) == moves[2]["start_s"]
        practice.until(page, f"{began} === {moves[1]['start_s']}")


def test_last_move_first__taken_back__leaves_only_a_loop_that_was_there_before(chromium, dance):
    with room(chromium, dance) as page:
        page.locator("summary", has_text="Practice").click()
        looped = page.locator(".strip [aria-pressed=true]")
        for before, rounds in enumerate(("2", "4")):
            page.get_by_label("Last move first").check()
            assert looped.count() == 1
            page.get_by_label("Rounds").select_option(rounds)
            page.get_by_label("Last move first").uncheck()
            assert looped.count() == before
            page.locator(".strip button").nth(1).click()


@pytest.mark.full
def test_clicks_and_voices__sound_on_the_beats(chromium, dance):
    beats = dance["timeline"]["beats"]
    with room(chromium, dance) as page:
        page.locator("summary", has_text="Practice").click()
        for counts in ("click", "en", "es"):
            page.locator("[name=counts]").select_option(counts)
            page.evaluate("sounds.length = 0")
            page.get_by_role("button", name="Play", exact=True).click()
            practice.until(page, "sounds.filter((sound) => sound.playing).length >= 6")
            page.get_by_role("button", name="Pause", exact=True).click()
            off = practice.off_the_beat(page.evaluate("sounds"), beats)
            # A word has no edge as sharp as a click's.
            assert median(map(abs, off)) <= (ON_THE_BEAT_S if counts == "click" else 0.06), (counts, off)


@pytest.mark.full
def test_full_screen__keeps_the_counts(chromium, dance):
    with room(chromium, dance) as page:
        page.get_by_role("button", name="Full screen").click()
        practice.until(page, "document.fullscreenElement?.querySelector('[data-part=counts]') != null")
        assert page.locator("[data-part=counts]").is_visible()


@pytest.mark.full
def test_mirror_of_the_studio__plays_the_camera_beside_and_sends_nothing(chromium, dance):
    with room(chromium, dance) as page:
        page.locator("summary", has_text="Practice").click()
        at_speed(page, "1.25")
        page.evaluate("Promise.all(['mirror', 'seam'].map((name) => import(`/static/web/practice/${name}.js`)))")
        known = [page.locator("video").get_attribute("src"), "/static/web/icon.svg"]
        known = [page.evaluate("(path) => new URL(path, location).href", path) for path in known]
        sent: list[Request] = []
        page.on("request", lambda request: sent.extend([request]))
        page.on("websocket", lambda socket: pytest.fail(socket.url))
        page.get_by_role("button", name="Show me beside it").click()
        practice.until(page, "document.querySelector('video.own')?.videoWidth > 0")
        page.get_by_role("button", name="Record a round").click()
        practice.until(page, "document.querySelector('[data-player]').room.mirror.state === 'recorded'")
        practice.until(page, "document.querySelector('video.own').currentTime > 0.5")
        drift = """(() => {
            const { room } = document.querySelector("[data-player]"), { own, lead, begun, pace } = room.mirror;
            return Math.abs(own.currentTime - lead - (room.time - begun) / pace) < 0.2 && !own.paused;
        })()"""
        practice.until(page, drift)
        page.get_by_role("button", name="Show me beside it").click()
        assert page.locator("video.own").count() == 0
        # What goes on is the video of the song; a recording would be in a body, or in an address.
        assert {request.method for request in sent} <= {"GET"}
        assert [
            request.url for request in sent if not request.url.startswith("blob:") and request.url not in known
        ] == []


def test_page_without_a_timeline__has_the_plain_video(chromium, dance):
    def without(route) -> None:
        body = {**dance["timeline"], "moves": []}
        route.fulfill(body=json.dumps(body), content_type="application/json")

    profile = chromium.new_context()
    profile.add_cookies(dance["cookies"])
    page = profile.new_page()
    page.route("**/*timeline*", without)
    page.goto(dance["address"])
    at_speed(page, "0.5")
    assert page.locator(".screen > video").evaluate("(video) => [video.controls, video.playbackRate]") == [True, 0.5]
    assert not page.locator("[data-part=room]").is_visible()
    profile.close()
