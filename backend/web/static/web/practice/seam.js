// Jumps back without a gap. A seek stops the sound for about a tenth of a second, which a dancer hears. So a second
// element of the same video starts in silence a little before the jump, is brought into step, and takes over on the beat.

const LEAD_S = 1.3; // the second element runs for so long before it takes over
const SETTLED_S = 0.4; // and so long at its own speed: its clock slips when the speed changes
const CLOSE_S = 0.004; // closer than this it is left alone
const FRAME_S = 0.009; // half the time between two looks
const HUSHED = 0.001; // not heard, and not 0: a browser stops the sound of what is mute, and its clock slips when it begins

// Where a page may not set how loud it is, as on iPhones, it is mute.
function hush(element) {
  element.volume = HUSHED;
  if (element.volume > 2 * HUSHED) element.muted = true;
}

export class Seam {
  lag = 0.06; // from play() until it moves; learned
  slip = 0.015; // how late it is after its speed has changed; learned

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
    this.other.currentTime = Math.max(0, this.from - LEAD_S * this.video.playbackRate);
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
      // Some browsers let nothing sound that was not pressed itself.
      other.play().catch(() => Object.assign(other, { muted: true }).play()).catch(() => {});
    } else if (!other.paused) {
      if (this.started && other.currentTime > this.begun + 0.02) {
        const lag = (performance.now() - this.started) / 1000 - (other.currentTime - this.begun) / rate;
        this.lag += 0.5 * (Math.min(Math.max(lag, 0), 0.3) - this.lag);
        this.started = 0;
      }
      const early = other.currentTime - from - (video.currentTime - to);
      if (rest > SETTLED_S) {
        // So much faster or slower that they are in step from then on, however seldom it can look.
        const off = early - this.slip * rate;
        const pull = Math.abs(off) < CLOSE_S ? 1 : 1 - off / rate / Math.max(rest - SETTLED_S, 0.15);
        const wanted = rate * Math.min(Math.max(pull, 0.5), 2);
        if (Math.abs(wanted - other.playbackRate) > 0.01) other.playbackRate = wanted;
      } else if (other.playbackRate !== rate) other.playbackRate = rate;
      else if (rest < SETTLED_S / 2 && this.begun !== null) {
        this.slip = Math.min(Math.max(this.slip - 0.5 * early / rate, 0), 0.05);
        this.begun = null;
      }
    }
    this.rest = rest;
    if (rest > FRAME_S) return false;
    return !other.paused && !other.seeking && other.readyState > 2 ? this.#swap() : this.#jump();
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
