// Clicks, or a voice that counts, on the beats of the song. WebAudio plays them: its clock is exact, and they are set
// against the video's own clock a moment ahead, again after each jump.

const AHEAD_S = 0.4;
const LATE_S = 0.03; // later than this a beat is left out

export class Sound {
  #set = []; // what will sound: { at, source }
  #reached = -1; // the last beat that was set

  constructor(room, voice) {
    this.room = room;
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.out = this.context.createGain();
    this.out.connect(this.context.destination);
    this.voice = voice;
  }

  // The time of the context that is heard now, not the one that is computed now.
  get #heard() {
    const { contextTime, performanceTime } = this.context.getOutputTimestamp();
    return performanceTime ? contextTime + (performance.now() - performanceTime) / 1000 : this.context.currentTime;
  }

  look() {
    const { video, timeline, loop } = this.room;
    // A browser lets no page sound before it was touched.
    if (this.context.state === "suspended") return void this.context.resume();
    const now = video.currentTime;
    const from = Math.max(this.#reached + 1, timeline.beatAt(now - LATE_S) + 1);
    for (let at = from; at < timeline.times.length; at += 1) {
      const rest = (timeline.times[at] - now) / video.playbackRate;
      const beyond = loop.on && !loop.ends && timeline.times[at] > loop.to - 0.05;
      if (rest > AHEAD_S || beyond) return;
      this.#reached = at;
      this.call(timeline.beats[at].count, rest);
    }
  }

  // Sound a count in so many seconds.
  call(count, rest) {
    const { buffer, onset } = this.voice(this.context, count);
    const at = this.#heard + rest - onset;
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.out);
    source.start(Math.max(at, 0), Math.max(0, this.context.currentTime - at));
    source.addEventListener("ended", () => { this.#set = this.#set.filter((one) => one.source !== source); });
    this.#set.push({ at, source });
  }

  // Forget what is still ahead: the video jumped, or stands still.
  silence() {
    this.#reached = -1;
    for (const { at, source } of this.#set) if (at > this.context.currentTime) source.stop();
  }

  close() {
    this.silence();
    this.context.close();
  }
}

// A woodblock: high on 1, low on the taps.
export function click(context, count) {
  const pitch = count === 1 ? 1760 : count % 4 === 0 ? 830 : 1250;
  const rate = context.sampleRate;
  const buffer = context.createBuffer(1, rate * 0.06, rate);
  const samples = buffer.getChannelData(0);
  for (let at = 0; at < samples.length; at += 1) {
    const time = at / rate;
    samples[at] = 0.5 * Math.exp(-time * 85) * (Math.sin(2 * Math.PI * pitch * time) + 0.4 * Math.sin(2 * Math.PI * pitch * 2.71 * time));
  }
  return { buffer, onset: 0 };
}
