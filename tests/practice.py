"""The practice room in a real browser: what its frames, its sounds and its requests were."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

from handover_testing import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A camera that shows a test picture, and whose use needs no answer.
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
EACH_SIDE = 10
PATIENCE_S = 60
# Writes down each frame that the screen shows of a video that plays, and each sound: when it is due by the clock of
# what is heard, and where the song is then.
RECORDER = """
window.frames_ = []; window.sounds = [];
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (then) {
  return ask.call(this, (now, frame) => {
    if (!this.classList.contains("waits") && !this.paused) {
      frames_.push({ shown: frame.expectedDisplayTime, time: frame.mediaTime, rate: this.playbackRate });
    }
    then(now, frame);
  });
};
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset) {
  const video = document.querySelector(".screen > video:not(.waits, .own)");
  const heard = this.context.getOutputTimestamp();
  const now = heard.performanceTime ? heard.contextTime + (performance.now() - heard.performanceTime) / 1000
                                    : this.context.currentTime;
  // It is heard where its low tones get loud: a word begins with a hiss or a soft sound, before the beat.
  const all = this.buffer.getChannelData(0);
  const samples = all.map((_, at) => all.slice(Math.max(0, at - 8), at + 1).reduce((sum, one) => sum + one, 0));
  const peak = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  const loud = samples.findIndex((one) => Math.abs(one) > peak / 2) / this.buffer.sampleRate;
  const due = when - (offset ?? 0) + loud - now;
  sounds.push({ time: video.currentTime + due * video.playbackRate, playing: !video.paused });
  return start.call(this, when, offset);
};
"""
JUMPS = "(seen) => seen.filter((one, at) => at && one.time < seen[at - 1].time).length"
# Writes down each jump of a loop: where the element that goes and the one that comes are at that moment, from the beats
# at the loop's end and start; and each seek of the element that is heard.
SWAPS = """() => {
  window.swaps = []; window.seeks = [];
  window.inStep = ({ left, first }) => [left, first, first - left].every((off) => Math.abs(off) <= 0.03);
  const { room } = document.querySelector("[data-player]"), { seam } = room.loop, { taken } = seam;
  seam.taken = (now, before) => {
    swaps.push({ left: before.currentTime - seam.to, first: now.currentTime - seam.from });
    taken(now, before);
  };
  const seeking = ({ target }) => { if (target === room.video && room.loop.round > 1) seeks.push(target.currentTime); };
  document.addEventListener("seeking", seeking, true);
}"""
# Takes the second element away: a jump is a seek.
BY_SEEKING = """() => {
  const { seam } = document.querySelector("[data-player]").room.loop;
  seam.disarm();
  seam.arm = (from, to) => Object.assign(seam, { from, to });
}"""
# Writes down which count is lit when a frame is shown, and which are called before a loop.
COUNTS_SEEN = """() => {
  window.seen = []; window.called = [];
  const cells = [...document.querySelectorAll("[data-part=counts] li")];
  const lit = () => cells.findIndex((cell) => cell.matches(".now")) + 1;
  const frame = (_, { mediaTime }) => {
    const { room } = document.querySelector("[data-player]");
    if (!room.video.paused) seen.push({ time: mediaTime, count: lit() });
    room.video.requestVideoFrameCallback(frame);
  };
  document.querySelector(".screen > video").requestVideoFrameCallback(frame);
  const look = () => {
    const { loop } = document.querySelector("[data-player]").room;
    if (loop.counting && lit() && lit() !== called.at(-1)) called.push(lit());
    requestAnimationFrame(look);
  };
  look();
}"""


@contextmanager
def chromium() -> Iterator["Browser"]:
    """One browser for all pages of a test run."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only there after script/bootstrap --full

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[*browser.FLAGS, *CAMERA, "--autoplay-policy=no-user-gesture-required"],
        )
        yield opened
        opened.close()


def back(frames: list[dict[str, float]], loop: tuple[float, float]) -> list[float]:
    """Return how long after its time each round came, in seconds; below 0 early.

    Its time is that of a loop without any gap. Each frame waits for the next refresh of the screen; the medians of some
    before and of some after a jump leave that out.
    """
    start, end = loop
    late = []
    for at in range(EACH_SIDE, len(frames) - 2 * EACH_SIDE):
        if frames[at]["time"] > frames[at - 1]["time"] - (end - start) / 2:
            continue
        before = median(_delay(one) for one in frames[at - EACH_SIDE : at])
        after = median(_delay(one) for one in frames[at + EACH_SIDE : at + 2 * EACH_SIDE])
        late.append(after - before - (end - start) / frames[at]["rate"])
    return late


def _delay(frame: dict[str, float]) -> float:
    return frame["shown"] / 1000 - frame["time"] / frame["rate"]


def off_the_beat(sounds: list[dict[str, Any]], beats: list[dict[str, float]]) -> list[float]:
    """Return how far each sound is from the beat that is next to it, in seconds of the song."""
    return [min((sound["time"] - beat["time_s"] for beat in beats), key=abs) for sound in sounds if sound["playing"]]


def until_smooth(at: "Page") -> None:
    """Wait until a loop has what it needs to jump without a gap."""
    until(at, "document.querySelector('[data-player]').room.loop.seam.taken")


def until(at: "Page", condition: str, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until a condition of the page's script holds. Playwright's own waiting is refused by the page's policy."""
    at.evaluate(
        """([condition, seconds]) => new Promise((done, fail) => {
            const end = performance.now() + seconds * 1000;
            const look = () => (condition() ? done() : performance.now() > end ? fail("never: " + condition)
                : requestAnimationFrame(look));
            look();
        })""".replace("condition()", f"({condition})"),
        [condition, patience_s],
    )
