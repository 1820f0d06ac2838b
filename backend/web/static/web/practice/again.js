// What is sent with "not quite right": the move of now, where the 1 is, and the taps of a dancer who taps along.

const FEWEST = 8;
const MOST = 200;

export function again(room) {
  const form = room.part("again").querySelector("form");
  const { move, downbeat_at_s: downbeat, taps_s: use } = form.elements;
  const tap = room.part("tap");
  const taps = [];
  const now = () => room.video.currentTime.toFixed(3);

  // When it is pressed, not when it is sent: the server is asked first, and a network that is gone takes its time.
  form.addEventListener("click", ({ target }) => {
    if (target.closest("button")?.type !== "submit") return;
    move.value = Math.max(0, room.timeline.moveAt(room.time)) + 1;
    downbeat.value = now();
    use.value = taps.join(" ");
  }, true);
  tap.addEventListener("click", () => {
    if (room.video.paused) {
      taps.length = 0;
      room.play();
      return;
    }
    if (taps.length && Number(now()) <= Number(taps.at(-1))) taps.length = 0; // it was wound back
    if (taps.length < MOST) taps.push(now());
    use.hidden = taps.length < FEWEST;
  });
}
