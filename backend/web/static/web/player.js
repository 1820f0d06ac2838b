// Speed and repeat for every player on the page, also those that arrive later.

const press = (button, on) => button.setAttribute("aria-pressed", String(on));
const pressed = (button) => button.getAttribute("aria-pressed") === "true";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-player] button");
  if (!button) return;
  const player = button.closest("[data-player]");
  const video = player.querySelector("video");
  if (button.dataset.speed) {
    video.playbackRate = Number(button.dataset.speed);
    for (const other of player.querySelectorAll("[data-speed]")) press(other, other === button);
    return;
  }
  press(button, !pressed(button));
  video.loop = pressed(button);
});
