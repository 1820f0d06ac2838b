// The practice room around a video: it holds what is shown, and moves the parts in step with the picture.

import { Counts } from "./counts.js";
import { listen } from "./keys.js";
import { Loop } from "./loop.js";
import { recall, remember } from "./memory.js";
import { Strip } from "./strip.js";
import { Timeline } from "./timeline.js";

const HALF_FRAME_S = 0.018;
const press = (button, on) => button?.setAttribute("aria-pressed", String(on));

export class Room {
  constructor(figure, document_) {
    this.figure = figure;
    this.screen = this.part("screen");
    this.video = figure.querySelector("video");
    this.timeline = new Timeline(document_);
    this.words = Object.fromEntries(
      [...this.part("words").content.querySelectorAll("[data-word]")].map((word) => [word.dataset.word, word.textContent]),
    );
    this.#options();
    this.loop = new Loop(this);
    this.counts = new Counts(this);
    this.strip = new Strip(this);
    this.#hear();
    this.choose(recall("speed", 1));
    if (recall("flipped", false)) this.flip();
    this.video.controls = false;
    for (const part of ["room", "controls", "practice"]) this.part(part).hidden = false;
    listen(this);
    addEventListener("hashchange", () => this.#linked());
    this.#watch(this.video);
    this.#listen();
    this.part("voices").addEventListener("change", () => this.#listen());
    this.part("level").addEventListener("input", ({ target }) => { this.video.volume = target.value; });
    this.part("beside").addEventListener("click", () => this.#mirrored("toggle"));
    this.part("record").addEventListener("click", () => this.#mirrored("record"));
    const again = this.part("again");
    // Without what makes a dance again its forms would only disappoint.
    if (again) import("./again.js").then((made) => made.again(this)).catch(() => again.remove());
    const known = () => {
      this.part("place").max = this.video.duration;
      this.second = null;
      this.draw(this.time);
      this.#linked();
    };
    if (this.video.readyState) known();
    else this.video.addEventListener("loadedmetadata", known, { once: true });
  }

  part = (name) => this.figure.querySelector(`[data-part=${name}]`);
  word = (name) => this.words[name] ?? "";

  get time() {
    return this.video.currentTime;
  }

  get speed() {
    return this.rate;
  }

  // ---- what a hand does

  toggle() {
    if (this.loop.counting) this.loop.cancel();
    else if (this.video.paused) this.play();
    else this.video.pause();
  }

  play() {
    if (this.loop.leads) {
      this.video.pause();
      this.loop.wait(0);
    } else this.video.play().catch(() => this.changed());
  }

  seek(time) {
    const { loop } = this;
    loop.cancel();
    if (loop.on && (time < loop.whole[0] - 0.05 || time > loop.whole[1])) loop.off();
    this.video.currentTime = time;
  }

  beatBy(beats) {
    const { times } = this.timeline;
    this.seek(times[Math.min(Math.max(this.timeline.nearest(this.time) + beats, 0), times.length - 1)]);
  }

  moveBy(moves) {
    const { timeline, loop } = this;
    const at = Math.min(Math.max(timeline.moveAt(this.time) + moves, 0), timeline.moves.length - 1);
    if (loop.on) loop.toggle(at);
    else this.seek(timeline.starts[at]);
  }

  // A speed that was chosen is remembered; one of the ladder is not.
  choose(speed) {
    this.setSpeed(speed);
    remember("speed", speed);
  }

  setSpeed(speed) {
    this.rate = Math.round(speed * 100) / 100;
    this.video.preservesPitch = true;
    this.video.defaultPlaybackRate = this.video.playbackRate = this.rate;
    this.changed();
  }

  flip() {
    const on = this.screen.classList.toggle("flipped");
    remember("flipped", on);
    press(this.part("flip"), on);
  }

  // The figure fills the screen, not the video alone: the counts stay.
  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.figure.requestFullscreen) this.figure.requestFullscreen();
    else press(this.part("fill"), this.figure.classList.toggle("filled"));
  }

  // Clicks and voices are fetched when they are wanted.
  async #listen() {
    const wanted = this.option("counts");
    this.sound?.close();
    this.sound = null;
    if (!wanted) return;
    const { click, Sound } = await import("./sound.js");
    const made = wanted === "click" ? click : (await import("./voice.js")).voice(wanted);
    if (wanted === this.option("counts")) this.sound = new Sound(this, made);
  }

  // The mirror of the studio, too.
  async #mirrored(what) {
    this.mirror ??= new (await import("./mirror.js")).Mirror(this);
    this.mirror[what]();
  }

  help() {
    const practice = this.part("practice");
    practice.open = !practice.open;
    if (practice.open) practice.querySelector("summary").focus();
  }

  // ---- what is seen

  draw(time) {
    this.counts.draw(time);
    this.strip.draw(time);
    const place = this.part("place");
    if (document.activeElement !== place || !this.sliding) place.value = time;
    const second = Math.floor(time);
    if (second === this.second) return;
    this.second = second;
    this.part("clock").textContent = `${clock(time)} / ${clock(this.video.duration || 0)}`;
    place.setAttribute("aria-valuetext", `${clock(time)}, ${this.timeline.moves[this.timeline.moveAt(time)]?.label ?? ""}`);
  }

  // Buttons and words follow what is on.
  changed() {
    const { loop, video } = this;
    const goes = !video.paused || Boolean(loop?.counting);
    this.part("play").classList.toggle("goes", goes);
    this.part("play").setAttribute("aria-label", this.word(goes ? "pause" : "play"));
    for (const button of this.figure.querySelectorAll("[data-speed]")) press(button, Number(button.dataset.speed) === this.rate);
    if (!loop) return;
    press(this.part("loop"), loop.on);
    for (const which of ["a", "b"]) press(this.part(which), loop.marks[which] !== undefined);
    this.strip?.mark();
    this.part("status").textContent = this.#status();
    const part = this.part("place").parentElement;
    part.classList.toggle("looped", loop.on);
    for (const edge of ["from", "to"]) part.style.setProperty(`--${edge}`, loop.on ? (loop[edge] / (video.duration || 1)).toFixed(4) : "0");
  }

  #status() {
    const { loop } = this;
    const said = [];
    if (loop.on) {
      const rounds = Number(this.option("rounds"));
      said.push(this.word(rounds ? "rounds" : "round").replace("{}", loop.round).replace("{of}", rounds));
    }
    if (![0.5, 0.75, 1, 1.25].includes(this.rate)) said.push(`${this.rate}×`);
    return said.join(" · ");
  }

  say(text) {
    if (!this.video.paused || this.loop.on) this.part("said").textContent = text;
  }

  // The other element plays from now on.
  take(video, before) {
    this.video = video;
    video.id = before.id;
    before.removeAttribute("id");
    before.setAttribute("aria-hidden", "true");
    video.removeAttribute("aria-hidden");
    this.#watch(video);
    this.sound?.silence();
  }

  // ---- what is heard of the page

  #hear() {
    const on = (part, event, act) => this.part(part)?.addEventListener(event, act);
    on("play", "click", () => this.toggle());
    on("loop", "click", () => this.loop.press());
    on("flip", "click", () => this.flip());
    on("fill", "click", () => this.fill());
    on("a", "click", () => this.loop.mark("a"));
    on("b", "click", () => this.loop.mark("b"));
    on("screen", "click", (event) => { if (event.target === this.video) this.toggle(); });
    on("place", "input", (event) => { this.sliding = true; this.seek(Number(event.target.value)); });
    on("place", "change", () => { this.sliding = false; });
    document.addEventListener("fullscreenchange", () => press(this.part("fill"), document.fullscreenElement === this.figure));
    for (const button of this.figure.querySelectorAll("[data-speed]")) {
      button.addEventListener("click", () => this.choose(Number(button.dataset.speed)));
    }
    for (const event of ["play", "pause", "seeked", "timeupdate"]) {
      this.screen.addEventListener(event, ({ target, type }) => this.#heard(target, type), true);
    }
  }

  #heard(video, what) {
    if (video !== this.video) return;
    if (what === "timeupdate") return this.loop.look(); // also where no frames are drawn: in a tab behind another
    if (what !== "seeked") this.changed();
    if (what !== "play" && !this.loop.counting) {
      this.draw(video.currentTime);
      this.sound?.silence();
    }
    this.run();
  }

  // Look at each refresh of the screen, as long as something moves.
  run() {
    if (this.running) return;
    const step = () => {
      this.loop.look();
      this.mirror?.look();
      this.running = !this.video.paused || Boolean(this.loop.counting);
      if (!this.video.paused) {
        this.sound?.look();
        if (!this.video.requestVideoFrameCallback) this.draw(this.video.currentTime);
      }
      if (this.running) requestAnimationFrame(step);
    };
    this.running = true;
    requestAnimationFrame(step);
  }

  #watch(video) {
    if (!video.requestVideoFrameCallback || video.dataset.watched) return;
    video.dataset.watched = "yes";
    const frame = (_, { mediaTime }) => {
      if (video === this.video && !this.loop.counting) this.draw(video.paused ? video.currentTime : mediaTime + HALF_FRAME_S);
      if (video.isConnected) video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
  }

  // #move=7: the seventh move.
  #linked() {
    const at = Number(/^#move=(\d+)$/.exec(location.hash)?.[1] ?? 0) - 1;
    const move = this.timeline.moves[at];
    if (!move) return;
    this.loop.set(move.start_s, move.end_s);
    this.seek(move.start_s);
  }

  // ---- options: fields with a name in the disclosure, remembered

  #options() {
    this.fields = this.part("practice").querySelectorAll("label [name]");
    for (const field of this.fields) {
      const kind = field.type === "checkbox" ? "checked" : "value";
      field[kind] = recall(field.name, field[kind]);
      field.addEventListener("change", () => {
        remember(field.name, field[kind]);
        if (field.closest("[data-part=looping]")) this.loop.again();
        this.changed();
      });
    }
  }

  option(name) {
    const field = [...this.fields].find((one) => one.name === name);
    return field && (field.type === "checkbox" ? field.checked : field.value);
  }
}

const clock = (time) => `${Math.floor(time / 60)}:${String(Math.floor(time % 60)).padStart(2, "0")}`;
