// Dances a part again and again: from beat to beat, faster each time, with a pause, a count-in, or the last move first.

const FASTER = 0.05;
const SLOW = 0.7; // where the ladder begins when the speed is the song's
const CALLED = 4; // "5, 6, 7, 8"
const CHAIN_ROUNDS = 2;
const NEAR_S = 0.05;
const SOON_S = 0.3;

// A jump that is heard: the video stands still for about a tenth of a second.
class Seek {
  lag = 0.06;

  constructor(video) {
    this.video = video;
  }

  arm = (from, to) => Object.assign(this, { from, to });
  disarm() {}

  look() {
    this.rest = (this.to - this.video.currentTime) / this.video.playbackRate;
    if (this.rest > 0.009) return false;
    this.video.currentTime = this.from;
    return true;
  }
}

export class Loop {
  on = false;
  round = 0;
  marks = {};
  counting = null;

  constructor(room) {
    this.room = room;
    this.seam = new Seek(room.video);
  }

  toggle(at) {
    const move = this.room.timeline.moves[at];
    if (!move) return;
    const same = this.on && Math.abs(this.whole[0] - move.start_s) < NEAR_S && Math.abs(this.whole[1] - move.end_s) < NEAR_S;
    if (same) return this.off();
    history.replaceState(history.state, "", `#move=${at + 1}`);
    this.set(move.start_s, move.end_s);
    this.begin();
  }

  // The button: the part between A and B, or the move of now.
  press() {
    if (this.on) return this.off();
    const { a, b } = this.marks;
    if (b > a) {
      this.set(a, b);
      return this.begin();
    }
    this.toggle(Math.max(0, this.room.timeline.moveAt(this.room.time)));
  }

  mark(which) {
    const { marks, room: { timeline } } = this;
    marks[which] = timeline.snap(this.room.time);
    this.room.say(this.room.word(which));
    // Of two marks that make no loop, the older one is forgotten.
    if (marks.b <= marks.a) delete marks[which === "a" ? "b" : "a"];
    if (marks.b > marks.a) {
      // A part of one beat is over before its jump can be prepared.
      marks.b = Math.max(marks.b, timeline.times[timeline.nearest(marks.a) + 2] ?? 0);
      this.set(marks.a, marks.b);
      this.begin();
    } else if (this.on) this.off();
    this.room.changed();
  }

  set(from, to) {
    const { room } = this;
    this.whole = [from, Math.min(to, (room.video.duration || room.timeline.length) - 0.1)];
    [this.from, this.to] = this.whole;
    this.on = true;
    this.forChain = false; // whether it is there for "last move first" alone
    this.round = 1;
    this.chain = room.option("chain") && room.timeline.moves.filter(({ start_s: start }) => start >= from - NEAR_S && start < to - NEAR_S);
    if (this.chain?.length) this.from = this.chain.pop().start_s;
    if (room.option("ladder") && room.speed >= 1) room.setSpeed(SLOW);
    this.#plan();
    room.changed();
  }

  // An option of the practice was changed.
  again() {
    const { room, forChain } = this;
    if (!this.on && room.option("chain")) {
      const { moves } = room.timeline;
      this.set(moves[0].start_s, moves.at(-1).end_s);
      this.forChain = true;
    } else if (forChain && !room.option("chain")) this.off();
    else if (this.on) {
      this.set(...this.whole);
      this.forChain = forChain;
    }
  }

  begin() {
    this.room.seek(this.from);
    this.room.play();
  }

  off() {
    this.cancel();
    this.on = false;
    this.seam.disarm();
    this.room.changed();
  }

  // What comes after this round; the other element has to wait where that begins.
  #plan() {
    const { room } = this;
    const rounds = Number(room.option("rounds")) || (this.chain ? CHAIN_ROUNDS : Infinity);
    const over = this.round >= rounds;
    this.grown = over && this.chain?.length ? this.chain.at(-1).start_s : null;
    this.ends = over && this.grown === null;
    this.stops = !this.ends && (Number(room.option("pause")) > 0 || room.option("countin"));
    if (this.ends || this.stops) return this.seam.disarm();
    this.seam.arm(this.grown ?? this.from, this.to);
    if (this.seam instanceof Seek) this.#smooth();
  }

  // Jump without a gap from when the code for it is here.
  async #smooth() {
    const { room } = this;
    const code = await room.code(["seam"]);
    if (!code || !(this.seam instanceof Seek)) return;
    this.seam = new code[0].Seam(room.video, (now, before) => room.take(now, before));
    if (this.on && !this.ends && !this.stops) this.seam.arm(this.grown ?? this.from, this.to);
  }

  look() {
    const { room } = this;
    if (this.counting) return this.#count();
    if (!this.on || room.video.paused) return;
    if (this.ends || this.stops) {
      if (room.video.currentTime < this.to - 0.01) return;
      if (this.ends) return this.off();
      room.video.pause();
      this.#next();
      room.seek(this.from);
      this.wait(Number(room.option("pause")));
    } else if (this.seam.look()) this.#next();
    else if (this.seam.rest < SOON_S && !this.timer) {
      // A screen that is busy refreshes too seldom to meet the beat.
      this.timer = setTimeout(() => { this.timer = 0; this.look(); }, Math.max(this.seam.rest * 1000 - 5, 4));
    }
  }

  #next() {
    const { room } = this;
    this.round += 1;
    if (this.grown !== null) {
      this.from = this.grown;
      this.chain.pop();
      this.round = 1;
    }
    if (room.option("ladder") && room.speed < 1) room.setSpeed(Math.min(1, room.speed + FASTER));
    this.#plan();
    room.changed();
  }

  // Whether to count in before playing from here.
  get leads() {
    return this.on && this.room.option("countin") && Math.abs(this.room.video.currentTime - this.from) < NEAR_S;
  }

  // Wait for so many counts, and call the last four of them.
  wait(counts) {
    const { room } = this;
    const called = room.option("countin") ? CALLED : 0;
    const all = Math.max(counts, called);
    const beat = room.timeline.nearest(this.from);
    const gap = room.timeline.gap(beat) / room.speed;
    const start = performance.now() + 50;
    this.counting = { start, gap: gap * 1000, all, called, count: room.timeline.beats[beat].count };
    for (let left = called; left > 0; left -= 1) room.sound?.call(this.#called(left), (all - left) * gap + 0.05);
    room.changed();
    room.run();
  }

  #called = (left) => ((this.counting.count - left - 1 + 16) % 8) + 1;

  #count() {
    const { start, gap, all, called } = this.counting;
    const left = all - Math.floor((performance.now() - start) / gap);
    this.room.counts.show(left <= called && left > 0 ? this.#called(left) : 0);
    if (performance.now() < start + all * gap - this.seam.lag * 1000) return;
    this.counting = null;
    this.room.video.play();
  }

  cancel() {
    if (!this.counting) return;
    this.counting = null;
    this.room.sound?.silence();
    this.room.changed();
  }
}
