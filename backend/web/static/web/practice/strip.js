// The moves in a row. One that is pressed is looped.

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const LEFT_ALONE_MS = 4000; // after a hand moved it

export class Strip {
  #touched = -LEFT_ALONE_MS;

  constructor(room) {
    this.room = room;
    this.list = room.part("strip");
    this.buttons = room.timeline.moves.map((move, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = move.label;
      button.addEventListener("click", () => room.loop.toggle(at));
      const item = document.createElement("li");
      item.style.setProperty("--beats", move.beats);
      item.append(button);
      this.list.append(item);
      return button;
    });
    for (const kind of ["wheel", "pointerdown", "focusin"]) {
      this.list.addEventListener(kind, () => { this.#touched = performance.now(); }, { passive: true });
    }
  }

  draw(time) {
    const at = this.room.timeline.moveAt(time);
    const move = this.room.timeline.moves[at];
    if (at !== this.at) {
      this.buttons[this.at]?.removeAttribute("aria-current");
      this.buttons[at]?.setAttribute("aria-current", "true");
      this.at = at;
      this.#follow();
    }
    const done = move ? (time - move.start_s) / (move.end_s - move.start_s) : 0;
    this.buttons[at]?.style.setProperty("--done", Math.min(Math.max(done, 0), 1).toFixed(3));
  }

  // Which moves lie in the loop.
  mark() {
    const { loop, timeline } = this.room;
    this.buttons.forEach((button, at) => {
      const { start_s: start, end_s: end } = timeline.moves[at];
      const inside = loop.on && start < loop.to - 0.05 && end > loop.from + 0.05;
      button.setAttribute("aria-pressed", String(inside));
    });
  }

  #follow() {
    const item = this.buttons[this.at]?.parentElement;
    if (!item || performance.now() - this.#touched < LEFT_ALONE_MS) return;
    const left = item.offsetLeft - (this.list.clientWidth - item.offsetWidth) / 3;
    this.list.scrollTo({ left, behavior: CALM.matches ? "auto" : "smooth" });
  }
}
