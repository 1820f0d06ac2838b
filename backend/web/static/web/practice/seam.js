// Jumps back without a gap. A seek stops the sound for about a tenth of a second, which a dancer hears. So a second
// element of the same video starts in silence a little before the jump, is brought into step, and takes over on the beat.

const LEAD_S = 2.1; // the second element runs for so long before it takes over
const NEAR_S = 1.1; // so long before it, it has been brought near; its clock slips each time that its speed changes
const SEEN_S = 0.85; // so long before it, how far it slipped is seen
const MENDED_S = 0.35; // what is seen to be off by more than FAR_S is made good by then
const FAR_S = 0.008;
const MOVES_MS = 90; // so long after it began to move, its clock runs as it should
const FAILED_S = 0.06; // what is off by more was not brought near in time, and teaches nothing
const CLOSE_S = 0.004; // closer than this it is left alone
const LEARNS = 0.2; // so much of what was off is taken for how it always is
const TURN_S = 0.25; // what has handed over is back where it waits after so long
const FRAME_S = 0.009; // half the time between two looks
const HUSHED = 0.001; // not heard, and not 0: a browser stops the sound of what is mute, and its clock slips when it begins

// Where a page may not set how loud it is, as on iPhones, it is mute.
function hush(element) {
  element.volume = HUSHED;
  if (element.volume > 2 * HUSHED) element.muted = true;
}

export class Seam {
  lag = 0.06; // from play() until it moves; learned
  slip = 0.016; // how late it is after its speed has changed; learned

  constructor(video, taken) {
    this.video = video;
    this.taken = taken; // told which element plays from now on
    this.other = null;
  }

  arm(from, to) {
    this.from = from;
    this.to = to;
    if (!this.other) {
      this.other = this.video.cloneNode();
      this.other.removeAttribute("id");
      this.other.loop = this.other.controls = this.other.autoplay = false;
      hush(this.other);
      this.other.setAttribute("aria-hidden", "true");
      this.other.tabIndex = -1;
      this.other.classList.add("waits");
      this.other.preload = "auto";
      this.other.preservesPitch = true;
      delete this.other.dataset.watched;
      this.video.after(this.other);
    }
    this.#wait();
  }

  disarm() {
    this.other?.removeAttribute("src");
    this.other?.load();
    this.other?.remove();
    this.other = null;
  }

  #wait() {
    if (this.other.error) this.other.load(); // the network is back, or not: then it is a plain seek
    this.other.pause();
    const rate = this.video.playbackRate;
    const most = (this.to - this.from) / rate - TURN_S; // a short loop has less time
    const lead = Math.min(most < NEAR_S + 0.4 ? SEEN_S : LEAD_S, Math.max(most, 0));
    this.other.currentTime = Math.max(0, this.from - lead * rate);
  }

  // Look how far it is; true when the jump was made.
  look() {
    const { video, other, from, to } = this;
    const rate = video.playbackRate;
    const rest = (to - video.currentTime) / rate;
    if (rest < -0.3) return this.#jump(); // it was wound past the end
    if (video.paused) return false;
    if (!other) return rest <= 0 && this.#jump();
    const lead = (from - other.currentTime) / rate;
    if (other.paused && !other.seeking && rest <= lead + this.lag && rest > 0.02) {
      other.playbackRate = rate;
      this.started = performance.now();
      this.begun = other.currentTime;
      this.mend = null;
      this.neared = false;
      // Some browsers let nothing sound that was not pressed itself.
      other.play().catch(() => Object.assign(other, { muted: true }).play()).catch(() => {});
    } else if (!other.paused) {
      const now = performance.now();
      if (this.started && other.currentTime > this.begun + 0.02) {
        const lag = (now - this.started) / 1000 - (other.currentTime - this.begun) / rate;
        this.lag += 0.5 * (Math.min(Math.max(lag, 0), 0.3) - this.lag);
        this.started = 0;
        this.moves = now;
      }
      const early = other.currentTime - from - (video.currentTime - to);
      let wanted = rate;
      if (rest > NEAR_S) {
        this.neared = true;
        if (Math.abs(early) > CLOSE_S || other.playbackRate !== rate) wanted = this.#pull(early - this.slip * rate, rest - NEAR_S);
      } else if (rest < SEEN_S && rest > MENDED_S && !this.started && now > this.moves + MOVES_MS) {
        // What it gains is reckoned, since a clock that does not run at its own speed is seen in steps of 10 ms.
        if (!this.mend) {
          if (this.neared && Math.abs(early) < FAILED_S) this.slip = Math.min(Math.max(this.slip - LEARNS * (early / rate), 0), 0.05);
          this.mend = Math.abs(early) > FAR_S ? this.#pull(early - 2 * this.slip * rate, rest - MENDED_S) : rate;
        }
        wanted = this.mend;
      }
      if (Math.abs(wanted - other.playbackRate) > 0.005) other.playbackRate = wanted;
    }
    this.rest = rest;
    if (rest > FRAME_S) return false;
    return !other.paused && !other.seeking && other.readyState > 2 ? this.#swap() : this.#jump();
  }

  // The speed at which what is off is made good in so many seconds, however seldom it can look.
  #pull(off, seconds) {
    const rate = this.video.playbackRate;
    return rate * Math.min(Math.max(1 - off / rate / Math.max(seconds, 0.15), 0.5), 2);
  }

  #jump() {
    this.video.currentTime = this.from;
    return true;
  }

  #swap() {
    const { video, other } = this;
    other.playbackRate = video.playbackRate;
    other.volume = video.volume;
    other.muted = video.muted;
    hush(video);
    other.classList.remove("waits");
    video.classList.add("waits");
    [this.video, this.other] = [other, video];
    this.taken(other, video);
    this.#wait();
    return true;
  }
}
