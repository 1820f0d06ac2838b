// Every player on the page, also one that arrives later: a practice room where there is a timeline, and otherwise
// the plain video with its speeds.

import { asked, explain, say, well } from "./network.js";

const ANSWERS_WITHIN_MS = 30_000;
const STANDS_MS = 3000;
const press = (button, on) => button.setAttribute("aria-pressed", String(on));

async function open(player, timeline = player.dataset.timeline, instead = null) {
  player.dataset.opened = "yes";
  const found = timeline && (await practice(timeline).catch(() => undefined));
  if (found) {
    instead?.abort();
    player.dataset.timeline = timeline;
    player.room = new found.Room(player, found.timeline);
    return well(player);
  }
  const meanwhile = instead ?? plain(player);
  if (found === undefined && timeline) explain(player, () => open(player, timeline, meanwhile), player.dataset.lacking);
}

// The room and what is danced when; null where there is no timeline. Fails when one of both cannot be fetched.
async function practice(address) {
  const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
  const [answer, code] = await Promise.all([fetch(address, { signal }), import("./practice/room.js").catch(() => null)]);
  if (answer.status === 401 || answer.status >= 500) throw answer;
  const timeline = answer.ok && (await answer.json());
  return timeline?.beats?.length > 1 && timeline.moves.length ? { timeline, Room: code.Room } : null;
}

// Returns what ends it, when the room comes after all.
function plain(player) {
  delete player.dataset.timeline;
  const ending = new AbortController();
  const video = player.querySelector("video");
  for (const button of player.querySelectorAll("[data-speed]")) {
    button.addEventListener("click", () => {
      video.playbackRate = Number(button.dataset.speed);
      for (const other of player.querySelectorAll("[data-speed]")) press(other, other === button);
    }, ending);
  }
  const loop = player.querySelector("[data-part=loop]");
  loop.addEventListener("click", () => press(loop, (video.loop = !video.loop)), ending);
  const flip = player.querySelector("[data-part=flip]");
  flip.addEventListener("click", () => press(flip, player.querySelector("[data-part=screen]").classList.toggle("flipped")), ending);
  player.querySelector("[data-part=controls]").hidden = false;
  return ending;
}

const all = () => document.querySelectorAll("[data-player]:not([data-opened])").forEach((player) => open(player));
document.addEventListener("htmx:afterSettle", all);
all();

// ---- a video that does not come: it goes on at the same place

const isWanted = (video) => video instanceof HTMLVideoElement && video.closest("[data-player]") && !video.matches(".waits, .own");

function goOn(video, { at, paused }) {
  if (!video.error && video.readyState > 2) return; // it did by itself
  video.load();
  video.currentTime = at;
  if (!paused) video.play().catch(() => {});
}

// Whether the server has it no more: its link was revoked, or it was deleted.
async function isMissing(address) {
  try {
    const answer = await fetch(address, { headers: { Range: "bytes=0-0" }, cache: "no-store" });
    answer.body?.cancel();
    return answer.status === 404 || answer.status === 410;
  } catch {
    return false;
  }
}

document.addEventListener("error", async ({ target: video }) => {
  if (!isWanted(video)) return;
  const place = { at: video.currentTime, paused: video.paused };
  if (video.dataset.also && ["there", "original"].includes(await asked())) {
    // If the traffic has gone back to the original, the original's name of it.
    video.src = video.dataset.also;
    delete video.dataset.also;
    goOn(video, place);
  } else if (await isMissing(video.currentSrc)) say(document.querySelector(".trouble").dataset.missing, null, video);
  else explain(video, () => goOn(video, place));
}, true);

// A browser tries for half a minute before it calls it an error.
let stands;
document.addEventListener("waiting", ({ target: video }) => {
  if (!isWanted(video)) return;
  clearTimeout(stands);
  stands = setTimeout(async () => {
    if (video.readyState > 2 || video.error || (await asked()) === "there") return; // it is slow
    const place = { at: video.currentTime, paused: video.paused };
    explain(video, () => goOn(video, place));
  }, STANDS_MS);
}, true);
for (const kind of ["playing", "canplay"]) document.addEventListener(kind, ({ target }) => well(target), true);
