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
  tried = "";

  constructor(figure, document_) {
    this.figure = figure;
    this.screen = this.part("screen");
    this.video = figure.querySelector("video");
    this.timeline = new Timeline(document_);
    const kept = [...this.part("words").content.children];
    this.words = Object.fromEntries(kept.map(({ dataset, textContent }) => [dataset.word, textContent]));
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
    this.part("place").max = this.timeline.length;
    this.draw(this.time);
    this.#linked();
    // Where a picture stands for the video, nothing of the video is fetched before a hand comes near.
    if (this.video.preload === "none") figure.addEventListener("pointerover", () => { this.video.preload = "auto"; }, { once: true });
  }

  part = (name) => this.figure.querySelector(`[data-part=${name}]`);
  word = (name) => this.words[name] ?? "";

  get time() {
    return this.video.currentTime;
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
    if (this.video.readyState === HTMLMediaElement.HAVE_NOTHING) this.draw(time); // nothing is there that could be "seeked"
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
    this.speed = Math.round(speed * 100) / 100;
    this.video.defaultPlaybackRate = this.video.playbackRate = this.speed;
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
    const code = await this.code(wanted === "click" ? ["sound"] : ["sound", "voice"], () => this.#listen());
    if (!code || wanted !== this.option("counts")) return;
    const [{ click, Sound }, spoken] = code;
    this.sound?.close();
    this.sound = new Sound(this, spoken ? spoken.voice(wanted) : click);
  }

  // The mirror of the studio, too.
  async #mirrored(what) {
    if (!this.mirror) {
      const code = await this.code(["mirror"], () => this.#mirrored(what));
      if (!code) return;
      this.mirror ??= new code[0].Mirror(this);
    }
    this.mirror[what]();
  }

  // What makes a dance again is wanted when its forms are seen; until then they send nothing.
  async #again() {
    const form = this.part("again");
    if (!form?.disabled || !this.part("practice").open) return;
    const code = await this.code(["again"], () => this.#again());
    if (!code || !form.disabled) return;
    code[0].again(this);
    form.disabled = false;
  }

  // Fetch modules by name. What cannot be fetched is said, and can be tried again. A browser may remember that a module
  // could not be fetched: another address is another try.
  async code(names, again) {
    try {
      return await Promise.all(names.map((name) => import(this.word(`code-${name}`) + this.tried)));
    } catch {
      this.tried = `?${Date.now()}`;
      if (again) (await import("../network.js")).say(this.word(`no-${names[0]}`), again);
      return null;
    }
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
    this.part("clock").textContent = `${clock(time)} / ${clock(this.timeline.length)}`;
    place.setAttribute("aria-valuetext", `${clock(time)}, ${this.timeline.moves[this.timeline.moveAt(time)]?.label ?? ""}`);
  }

  // Buttons and words follow what is on.
  changed() {
    const { loop, video } = this;
    const goes = !video.paused || Boolean(loop?.counting);
    this.part("play").classList.toggle("goes", goes);
    this.part("play").setAttribute("aria-label", this.word(goes ? "pause" : "play"));
    for (const button of this.figure.querySelectorAll("[data-speed]")) press(button, Number(button.dataset.speed) === this.speed);
    if (!loop) return;
    press(this.part("loop"), loop.on);
    for (const which of ["a", "b"]) press(this.part(which), loop.marks[which] !== undefined);
    this.strip?.mark();
    this.part("status").textContent = this.#status();
    const part = this.part("place").parentElement;
    part.classList.toggle("looped", loop.on);
    for (const edge of ["from", "to"]) part.style.setProperty(`--${edge}`, loop.on ? (loop[edge] / this.timeline.length).toFixed(4) : "0");
  }

  #status() {
    const { loop } = this;
    const said = [];
    if (loop.on) {
      const rounds = Number(this.option("rounds"));
      said.push(this.word(rounds ? "rounds" : "round").replace("{}", loop.round).replace("{of}", rounds));
    }
    if (![0.5, 0.75, 1, 1.25].includes(this.speed)) said.push(`${this.speed}×`);
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
    on("voices", "change", () => this.#listen());
    on("level", "input", ({ target }) => { this.video.volume = target.value; });
    on("beside", "click", () => this.#mirrored("toggle"));
    on("record", "click", () => this.#mirrored("record"));
    on("practice", "toggle", () => this.#again());
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
      // Before a video is where it was sent, a browser may show its first frame.
      const there = !video.paused && !video.seeking && video.readyState > HTMLMediaElement.HAVE_NOTHING;
      if (video === this.video && !this.loop.counting) this.draw(there ? mediaTime + HALF_FRAME_S : video.currentTime);
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
