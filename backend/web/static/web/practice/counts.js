// The eight counts, large, in step with the picture; the move of now, and the next one eight counts ahead.

const AHEAD = 8;

export class Counts {
  constructor(room) {
    this.room = room;
    this.cells = [...room.part("counts").children];
    this.count = this.move = this.next = null;
  }

  draw(time) {
    const { beats } = this.room.timeline;
    const at = this.room.timeline.beatAt(time);
    this.show(at < 0 ? 0 : beats[at].count);
    this.#name(time, at);
  }

  show(count) {
    if (count === this.count) return;
    this.cells[this.count - 1]?.classList.remove("now");
    this.cells[count - 1]?.classList.add("now");
    this.count = count;
  }

  #name(time, beat) {
    const { room } = this;
    const { timeline, loop } = room;
    const at = timeline.moveAt(time);
    if (at !== this.move) {
      const move = timeline.moves[at];
      room.part("now").textContent = move?.label ?? "";
      const notes = move?.lead || move?.follow ? [["lead", move.lead], ["follow", move.follow]] : [["", move?.description]];
      room.part("notes").replaceChildren(...notes.filter(([, text]) => text).map(([who, text]) => note(room.word(who), text)));
      this.move = at;
    }
    const end = loop.on && timeline.moves[at]?.end_s >= loop.to - 0.05 ? loop.to : timeline.moves[at]?.end_s;
    const next = loop.on && end === loop.to ? timeline.moveAt(loop.from) : at + 1;
    const near = timeline.nearest(end ?? timeline.starts[0]) - beat <= AHEAD;
    const shown = near ? next : -1;
    if (shown === this.next) return;
    this.next = shown;
    const name = timeline.moves[shown]?.label;
    room.part("next").textContent = name ? room.word(next === at ? "again" : "next").replace("{}", name) : "";
    // Heard once for each move, and not each time that it comes round again.
    if (name && next !== at) room.say(room.word("next").replace("{}", name));
  }
}

function note(who, text) {
  const line = document.createElement("span");
  if (who) line.append(Object.assign(document.createElement("b"), { textContent: `${who} ` }));
  line.append(text);
  return line;
}
