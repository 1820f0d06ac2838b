// A request that fails says so, and can be sent again. What was typed stays: in the form, or, when the session is over,
// in this tab until after the log-in.

// Here, so that a slow line brings first what is seen.
import "../django_htmx/htmx-2.min.js";
import { makeInOriginal } from "./fallback.js";

const notice = document.querySelector(".trouble");
const words = notice.dataset;
const isMember = document.querySelector(".who") !== null;
const DRAFT = "typed";
const KEPT_MS = 60 * 60 * 1000;
const ANSWERS_WITHIN_MS = 10_000;

export function say(text, again) {
  // Nothing is seen beside what fills the screen.
  const place = document.fullscreenElement ?? document.body;
  if (notice.parentElement !== place) place.append(notice);
  const line = document.createElement("p");
  line.textContent = text;
  notice.replaceChildren(line, ...(again ? [button(words.again, again)] : []), button(words.close, () => {}));
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: text });
  made.addEventListener("click", () => { notice.replaceChildren(); act(); });
  return made;
}

function sayGone() {
  const line = document.createElement("p"), link = document.createElement("a");
  line.textContent = words.gone;
  link.className = "button quiet";
  link.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = words.login;
  notice.replaceChildren(line, link);
  link.focus();
}

// ---- requests of htmx

const again = ({ elt, requestConfig }) => () => {
  if (elt instanceof HTMLFormElement) elt.requestSubmit(requestConfig.triggeringEvent?.submitter);
  else if (elt.dataset.task === undefined) elt.click();
};
// What is asked for every second asks again by itself.
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => say(words.offline, again(event.detail)));
}
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status >= 500) say(words.failed, again(event.detail));
  if (status === 403) say(words.failed, () => location.reload());
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt } = event.detail;
  if (xhr.status < 400) notice.replaceChildren();
  if (xhr.getResponseHeader("HX-Redirect")?.startsWith("/login")) keep(elt.closest("form"));
});

// ---- forms that lead to another page: ask first whether the server is there, and who it thinks is here

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post") || form.dataset.asked) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return; // pressed twice
  form.ariaBusy = "true";
  const server = await asked();
  if (server === "there" || (server === "original" && !form.matches(".wishes"))) {
    form.dataset.asked = "yes";
    form.requestSubmit(event.submitter);
    delete form.dataset.asked;
    return; // busy until the next page is here
  }
  form.ariaBusy = null;
  if (server === "original") return makeInOriginal(form);
  if (server === "gone") {
    keep(form);
    return sayGone();
  }
  say(server === "away" ? words.offline : words.failed, () => form.requestSubmit(event.submitter));
});

async function asked() {
  try {
    const answer = await fetch(isMember ? "/api/auth/me" : "/health", {
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
    if (answer.status === 404) return "original";
    if (answer.status === 401) return "gone";
    return answer.ok ? "there" : "failing";
  } catch {
    return "away";
  }
}

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.ariaBusy = null;
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || navigator.onLine || link.origin !== location.origin || link.hash || link.download) return;
  event.preventDefault();
  say(words.offline, () => link.click());
});

// ---- what was typed

function keep(form) {
  if (!form) return;
  const fields = [...form.elements]
    .filter((field) => field.name && !["password", "file", "hidden", "submit", "button"].includes(field.type))
    .map((field) => [field.name, field.value, field.checked ?? null]);
  const draft = { action: form.getAttribute("action"), page: location.pathname, fields, until: Date.now() + KEPT_MS };
  sessionStorage.setItem(DRAFT, JSON.stringify(draft));
}

function restore() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (!draft || draft.page !== location.pathname) return;
  if (draft.until < Date.now()) return sessionStorage.removeItem(DRAFT);
  const form = [...document.forms].find((each) => each.getAttribute("action") === draft.action);
  if (!form) {
    // A form that opens in its place: open it, and come back when it is there.
    [...document.querySelectorAll("a.change[hx-get]")].find((link) => link.getAttribute("hx-get").startsWith(draft.action))?.click();
    return;
  }
  sessionStorage.removeItem(DRAFT);
  for (const [name, value, checked] of draft.fields) {
    const field = [...form.elements].find((each) => each.name === name && (checked === null || each.value === value));
    if (!field) continue;
    if (checked === null) field.value = value;
    else field.checked = checked;
  }
}
if (isMember) {
  document.addEventListener("htmx:afterSettle", restore);
  window.addEventListener("load", restore);
}

// ---- an old bookmark: the original's page had the task in its address

const bookmarked = /^#task=(.+)/.exec(location.hash)?.[1];
if (bookmarked && location.pathname === "/studio") location.replace(`/studio/${bookmarked}`);
const next = document.querySelector('.entrance input[name="next"]');
if (bookmarked && next) next.value = `/studio/${bookmarked}`;
