// The mirror of the studio: your own camera beside the video, live, or a round of the loop that was recorded and plays
// in step with it. Pictures go from the camera to the screen; nothing is sent anywhere.

const NEAR_S = 0.12;
const ADRIFT_S = 0.15;

export class Mirror {
  constructor(room) {
    this.room = room;
  }

  async toggle() {
    if (this.own) return this.#close();
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" }, audio: false });
    } catch {
      return this.#tell("refused");
    }
    this.own = document.createElement("video");
    Object.assign(this.own, { className: "own", muted: true, playsInline: true, srcObject: this.stream });
    this.own.setAttribute("aria-label", this.room.word("you"));
    this.room.screen.append(this.own);
    this.room.screen.classList.add("beside");
    this.own.play().catch(() => {});
    this.#tell("here");
  }

  // Record the next round; once more: live again.
  async record() {
    if (this.state) return this.#live();
    if (!this.own) await this.toggle();
    if (!this.own) return;
    const { loop } = this.room;
    if (!loop.on) loop.press();
    // It records from now on, since a recorder takes its time to begin; what is before the round is left out later.
    const parts = [];
    this.recorder = new MediaRecorder(this.stream);
    this.recorder.addEventListener("start", () => { this.started = performance.now(); });
    this.recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    this.recorder.addEventListener("stop", () => this.#play(parts));
    this.recorder.start();
    this.#tell((this.state = "waiting"));
  }

  look() {
    const { video, loop, speed } = this.room;
    const time = video.currentTime;
    if (this.state === "waiting" && this.started && loop.on && !video.paused && Math.abs(time - loop.from) < NEAR_S) {
      Object.assign(this, { begun: time, pace: speed, lead: (performance.now() - this.started) / 1000 });
      this.#tell((this.state = "recording"));
    } else if (this.state === "recording" && (time < this.last - NEAR_S || time > loop.to - 0.03 || !loop.on)) {
      this.state = "over";
      this.recorder.stop();
    } else if (this.state === "recorded") this.#follow(time);
    this.last = time;
  }

  #play(parts) {
    this.started = null;
    if (this.state !== "over") return;
    this.own.srcObject = null;
    this.own.src = this.address = URL.createObjectURL(new Blob(parts, { type: this.recorder.mimeType }));
    this.#tell((this.state = "recorded"));
  }

  #follow(time) {
    const { own, room } = this;
    const wanted = this.lead + (time - this.begun) / this.pace;
    own.playbackRate = room.speed / this.pace;
    const stands = room.video.paused || wanted < 0 || own.ended;
    if (own.paused && !stands) own.play().catch(() => {});
    if (stands && !own.paused) own.pause();
    if (wanted >= 0 && !own.seeking && Math.abs(own.currentTime - wanted) > ADRIFT_S && !(own.ended && wanted > own.currentTime)) {
      own.currentTime = wanted;
    }
  }

  #live() {
    this.state = null;
    if (this.recorder.state === "recording") this.recorder.stop();
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = null;
    this.own.removeAttribute("src");
    this.own.srcObject = this.stream;
    this.own.play().catch(() => {});
    this.#tell("here");
  }

  #close() {
    if (this.state) this.#live();
    for (const track of this.stream.getTracks()) track.stop();
    this.own.remove();
    this.own = null;
    this.room.screen.classList.remove("beside");
    this.#tell("here");
  }

  #tell(word) {
    const { room } = this;
    room.part("mirrored").textContent = room.word(word);
    room.part("beside").setAttribute("aria-pressed", String(Boolean(this.own)));
    room.part("record").setAttribute("aria-pressed", String(Boolean(this.state)));
  }
}
