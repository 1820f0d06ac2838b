// Every player on the page, also one that arrives later: a practice room where there is a timeline, and otherwise
// the plain video with its speeds.

const press = (button, on) => button.setAttribute("aria-pressed", String(on));

async function open(player) {
  player.dataset.opened = "yes";
  const { timeline } = player.dataset;
  const found = timeline && (await practice(timeline).catch(() => { lacks(player); }));
  if (found) player.room = new found.Room(player, found.timeline);
  else plain(player);
}

// The room and what is danced when; null where there is no timeline. Fails when one of both cannot be fetched.
async function practice(address) {
  const [answer, code] = await Promise.all([fetch(address), import("./practice/room.js").catch(() => null)]);
  if (answer.status >= 500) throw answer;
  const timeline = answer.ok && (await answer.json());
  return timeline?.beats?.length > 1 && timeline.moves.length ? { timeline, Room: code.Room } : null;
}

async function lacks({ dataset }) {
  const { say } = await import("./network.js");
  say(dataset.lacking, () => location.reload());
}

function plain(player) {
  delete player.dataset.timeline;
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
