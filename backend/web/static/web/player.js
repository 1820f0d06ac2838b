// Every player on the page, also one that arrives later: a practice room where there is a timeline, and otherwise
// the plain video with its speeds.

const press = (button, on) => button.setAttribute("aria-pressed", String(on));

async function open(player) {
  player.dataset.opened = "yes";
  const timeline = player.dataset.timeline && (await ask(player.dataset.timeline));
  // The room cannot be had when the traffic has gone back to the original meanwhile.
  const room = timeline?.beats.length > 1 && timeline.moves.length && (await import("./practice/room.js").catch(() => null));
  if (room) player.room = new room.Room(player, timeline);
  else plain(player);
}

async function ask(address) {
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // offline: the video may be in the cache all the same
  }
}

function plain(player) {
  const video = player.querySelector("video");
  for (const button of player.querySelectorAll("[data-speed]")) {
    button.addEventListener("click", () => {
      video.playbackRate = Number(button.dataset.speed);
      for (const other of player.querySelectorAll("[data-speed]")) press(other, other === button);
    });
  }
  const loop = player.querySelector("[data-part=loop]");
  loop.addEventListener("click", () => press(loop, (video.loop = !video.loop)));
  const flip = player.querySelector("[data-part=flip]");
  flip.addEventListener("click", () => press(flip, player.querySelector("[data-part=screen]").classList.toggle("flipped")));
  player.querySelector("[data-part=controls]").hidden = false;
}

const all = () => document.querySelectorAll("[data-player]:not([data-opened])").forEach(open);
document.addEventListener("htmx:afterSettle", all);
all();
