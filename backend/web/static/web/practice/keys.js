// The keyboard: one key for each thing that a dancer with one hand free wants.

const SPEEDS = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1, 1.1, 1.25];

export function listen(room) {
  const { loop } = room;
  const faster = (by) => {
    const at = SPEEDS.findIndex((speed) => speed >= room.speed - 0.001);
    room.choose(SPEEDS[Math.min(Math.max(at + by, 0), SPEEDS.length - 1)]);
  };
  const keys = {
    " ": () => room.toggle(),
    arrowleft: (event) => (event.shiftKey ? room.moveBy(-1) : room.beatBy(-1)),
    arrowright: (event) => (event.shiftKey ? room.moveBy(1) : room.beatBy(1)),
    l: () => loop.press(),
    a: () => loop.mark("a"),
    b: () => loop.mark("b"),
    m: () => room.flip(),
    f: () => room.fill(),
    "+": () => faster(1),
    "=": () => faster(1),
    "-": () => faster(-1),
    "?": () => room.help(),
  };
  document.addEventListener("keydown", (event) => {
    if (!room.figure.isConnected || !room.option("keys") || event.ctrlKey || event.altKey || event.metaKey) return;
    if (busy(event.target, event.key)) return;
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}

// Whether the element under the focus takes this key for itself.
function busy(target, key) {
  if (target.closest("input:not([type=checkbox], [type=radio], [type=button], [type=range]), textarea, select, [contenteditable], dialog")) return true;
  const own = key === " " ? "button, summary, a, input:not([type=range])" : key.startsWith("Arrow") ? "input" : "";
  return Boolean(own && target.closest(own));
}
