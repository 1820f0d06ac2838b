// If the traffic goes back to the original while a page is open, the page's own addresses are gone: they answer 404.
// Then ask where the original keeps the same thing. Links need nothing of this: they lead to addresses that both have.

// A choreography in the making: htmx keeps asking for it.

document.addEventListener("htmx:responseError", async (event) => {
  const page = event.target.closest("[data-task]");
  if (!page || event.detail.xhr.status !== 404) return;
  const answer = await fetch(`/task/${encodeURIComponent(page.dataset.task)}/`);
  if (answer.ok && !answer.redirected) show(page, await answer.json());
});

// The form for one choreography: the original has a page for it.
document.addEventListener("htmx:responseError", (event) => {
  const asker = event.target.closest("form.edit, a.change");
  if (asker && event.detail.xhr.status === 404) location.assign(asker.dataset.also ?? asker.href);
});

// The studio's form. The traffic may have gone to the original since network.js asked, or between the form and the page
// that it leads to. Return whether it leads on; it does not when something in it is wrong, which its own page says.
export async function make(form) {
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
  const begun = answer.redirected && /^\/studio\/([^/]+)$/.exec(new URL(answer.url).pathname)?.[1];
  if (!begun && answer.status !== 404) return false;
  if (!begun) await makeInOriginal(form);
  else if (answer.status === 404) showInOriginal(begun);
  else location.assign(answer.url);
  return true;
}

export async function makeInOriginal(form) {
  const wishes = new FormData(form);
  wishes.set("song_selection", wishes.get("song"));
  wishes.set("auto_save", wishes.has("auto_save"));
  const answer = await fetch("/create/", { method: "POST", body: wishes });
  const { task_id: task } = await answer.json();
  if (task) showInOriginal(task);
  else location.assign("/select-song/");
}

const showInOriginal = (task) => location.assign(`/select-song/#task=${encodeURIComponent(task)}`);

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
