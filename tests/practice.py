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
ROUNDS_AT_MOST = 12
EVEN_S = 0.04
# Writes down each frame that the screen shows of a video that plays, and each sound: when it is due by the clock of
# what is heard, and where the song is then.
RECORDER = """
window.frames_ = []; window.looks = []; window.sounds = []; window.jumps = [];
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (then) {
  return ask.call(this, (now, frame) => {
    if (!this.classList.contains("waits") && !this.paused) {
      frames_.push({ shown: frame.expectedDisplayTime, time: frame.mediaTime, rate: this.playbackRate });
    }
    then(now, frame);
  });
};
const look = (now) => {
  const video = document.querySelector(".screen > video:not(.waits, .own)");
  if (video && !video.paused && !video.seeking) {
    looks.push({ shown: performance.now(), time: video.currentTime, rate: video.playbackRate });
  }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
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


def back(seen: list[dict[str, float]], loop: tuple[float, float]) -> list[dict[str, float]]:
    """Return what is seen of each jump back, in seconds.

    ``late``: how long after its time the next round comes, where its time is that of a loop without any gap. Each look
    at a clock is a little late; the medians of some before and of some after a jump leave that out. Where the video
    itself does not go on evenly, because the machine is busy, a jump tells nothing and is left out.
    ``left`` and ``first``: the last that is seen before and the first after, from the loop's end and start.
    """
    start, end = loop
    found = []
    for at in range(EACH_SIDE, len(seen) - 2 * EACH_SIDE):
        if seen[at]["time"] > seen[at - 1]["time"] - (end - start) / 2:
            continue
        before = [_delay(one) for one in seen[at - EACH_SIDE : at]]
        after = [_delay(one) for one in seen[at + EACH_SIDE : at + 2 * EACH_SIDE]]
        if any(max(side) - min(side) > EVEN_S for side in (before, after)):
            continue
        found.append(
            {
                "late": median(after) - median(before) - (end - start) / seen[at]["rate"],
                "left": seen[at - 1]["time"] - end,
                "first": seen[at]["time"] - start,
            }
        )
    return found


def _delay(frame: dict[str, float]) -> float:
    return frame["shown"] / 1000 - frame["time"] / frame["rate"]


def off_the_beat(sounds: list[dict[str, Any]], beats: list[dict[str, float]]) -> list[float]:
    """Return how far each sound is from the beat that is next to it, in seconds of the song."""
    return [min((sound["time"] - beat["time_s"] for beat in beats), key=abs) for sound in sounds if sound["playing"]]


def until(at: "Page", condition: str) -> None:
    """Wait until a condition of the page's script holds. Playwright's own waiting is refused by the page's policy."""
    at.evaluate(
        """([condition, seconds]) => new Promise((done, fail) => {
            const end = performance.now() + seconds * 1000;
            const look = () => (condition() ? done() : performance.now() > end ? fail("never: " + condition)
                : requestAnimationFrame(look));
            look();
        })""".replace("condition()", f"({condition})"),
        [condition, PATIENCE_S],
    )


def lateness(at: "Page", move: dict[str, float], *, jumps: int, within: float) -> list[float]:
    """Loop a move until it came back so often within so many seconds; return how late it was, each time that it did.

    By the clock that the sound goes by. On a busy machine some come later, and the loop goes on.
    """
    loop = move["start_s"], move["end_s"]
    at.evaluate("frames_.length = looks.length = 0")
    for wanted in range(jumps, ROUNDS_AT_MOST):
        _rounds(at, wanted)
        late = [jump["late"] for jump in back(at.evaluate("looks"), loop)]
        if len([one for one in late if abs(one) <= within]) >= jumps:
            break
    return late


def _rounds(at: "Page", wanted: int) -> None:
    """Wait until a loop has come back so often, and a little more."""
    until(at, f"looks.filter((look, at) => at && look.time < looks[at - 1].time).length >= {wanted}")
    enough = f"looks.slice(-{2 * EACH_SIDE + 1}).every((look, at, all) => !at || look.time >= all[at - 1].time)"
    until(at, enough)
