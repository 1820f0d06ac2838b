// If the traffic goes back to the original while a choreography is in the making, the page's own address is gone.
// htmx keeps asking for it; each time the answer is 404, ask where the original keeps the same task.

document.addEventListener("htmx:responseError", async (event) => {
  const page = event.target.closest("[data-task]");
  if (!page || event.detail.xhr.status !== 404) return;
  const answer = await fetch(`/task/${encodeURIComponent(page.dataset.task)}/`);
  if (answer.ok && !answer.redirected) show(page, await answer.json());
});

function show(page, task) {
  const ended = task.status === "completed" || task.status === "failed";
  const bar = page.querySelector("progress");
  if (bar) bar.value = task.progress;
  const message = page.querySelector(".message");
  if (message) message.textContent = task.status === "failed" ? task.error : task.message;
  if (!ended) return;
  // A copy without htmx: it asks no more.
  const last = page.cloneNode(true);
  for (const name of ["hx-get", "hx-trigger", "hx-include", "hx-swap", "data-task"]) last.removeAttribute(name);
  if (task.status === "completed") {
    const video = document.createElement("video");
    Object.assign(video, { src: `/video/${encodeURIComponent(task.result.video_filename)}/`, controls: true });
    last.querySelector("progress")?.replaceWith(video);
  }
  page.replaceWith(last);
}
