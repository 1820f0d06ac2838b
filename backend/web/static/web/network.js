// A request that fails says so, and can be sent again. What was typed stays: in the form, or, when the page has to be
// left, in this tab until the dancer is back.

// Here, so that a slow line brings first what is seen.
import "../django_htmx/htmx-2.min.js";
import { make, makeInOriginal } from "./fallback.js";

const notice = document.querySelector(".trouble");
const words = notice.dataset;
const isMember = document.querySelector(".who") !== null;
const DRAFT = "typed";
const KEPT_MS = 60 * 60 * 1000;
const ANSWERS_WITHIN_MS = 10_000;
const LOOK_AGAIN_MS = 2000;

// ---- what is said

let about = null; // whose trouble it is
let closed = null; // what asks every second and was told to be quiet

export function say(text, again, of = {}) {
  // Said anew each second it would be read out each second, and take the focus from its button.
  if (of === closed || (of === about && notice.firstChild?.textContent === text)) return;
  const line = document.createElement("p");
  line.textContent = text;
  const close = button(words.close, () => { closed = of.dataset?.task === undefined ? null : of; });
  show(of, line, ...(again ? [button(words.again, again)] : []), close);
}

function show(of, ...lines) {
  // Nothing is seen beside what fills the screen.
  const place = document.fullscreenElement ?? document.body;
  if (notice.parentElement !== place) place.append(notice);
  notice.replaceChildren(...lines);
  about = of;
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: text });
  made.addEventListener("click", () => { notice.replaceChildren(); about = null; act(); });
  return made;
}

// It works again.
export function well(of) {
  if (of === about) {
    notice.replaceChildren();
    about = null;
  }
  if (of === closed) closed = null;
}

function sayGone(form) {
  if (about === "gone") return;
  const line = document.createElement("p"), link = document.createElement("a");
  line.textContent = words.gone;
  link.className = "button quiet";
  link.href = `/login?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`;
  link.textContent = words.login;
  link.addEventListener("click", () => keep(form));
  show("gone", line, link);
  if (form || !document.activeElement?.matches("input, select, textarea")) link.focus(); // not while the dancer writes
}

// ---- requests of scripts

// Say why the server gave nothing, and ask it again: when the hand says so, and as soon as it is back. Whoever asked says
// when it is `well`. If the server is there, say what is `lacking`.
export async function explain(of, again, lacking = words.failed) {
  const server = await asked();
  if (server === "gone") return sayGone();
  let tried = false;
  const text = { away: words.offline, failing: words.failed }[server];
  say(text ?? lacking, () => { tried = true; again(); }, of);
  if (text) whenBack().then(() => tried || again());
}

async function whenBack() {
  do {
    await new Promise((done) => {
      setTimeout(done, LOOK_AGAIN_MS);
      addEventListener("online", done, { once: true });
    });
  } while (["away", "failing"].includes(await asked()));
}

// Ask whether the server is there, and who it thinks is here.
export async function asked() {
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

// ---- requests of htmx

const again = ({ elt, requestConfig }) => () => {
  const button = requestConfig.triggeringEvent?.submitter;
  if (button) button.click(); // htmx sends the name of a button that was clicked
  else if (elt instanceof HTMLFormElement) elt.requestSubmit();
  else if (elt.dataset.task === undefined) elt.click();
};
// What is asked for every second asks again by itself.
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, ({ detail }) => say(words.offline, again(detail), detail.elt));
}
document.addEventListener("htmx:responseError", async ({ detail }) => {
  const { elt, xhr } = detail, form = elt.closest("form");
  if (xhr.status === 404 || xhr.status === 410) {
    if (!elt.matches("[data-task], form.edit, a.change")) say(words.missing, null, elt); // those: fallback.js
  } else if (xhr.status !== 403) say(words.failed, again(detail), elt);
  else if ((await asked()) === "gone") {
    keep(form);
    sayGone(form);
  } else say(words.failed, () => { keep(form); location.reload(); }, elt);
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt } = event.detail;
  if (xhr.getResponseHeader("HX-Redirect")?.startsWith("/login") || xhr.responseURL.includes("/login?")) {
    // Not at once: the dancer may be writing.
    event.preventDefault();
    const form = elt.closest("form");
    keep(form);
    sayGone(form);
  } else if (xhr.status < 400) {
    well(elt);
    if (isMember) well("gone");
  }
});
document.addEventListener("htmx:configRequest", ({ detail }) => {
  const token = tokenNow();
  if (token && detail.parameters.csrfmiddlewaretoken) detail.parameters.csrfmiddlewaretoken = token;
});

// A log-in in another tab changes the token of every form.
function tokenNow() {
  return /(?:^|; )(?:__Host-)?csrftoken=(\w+)/.exec(document.cookie)?.[1];
}

// ---- forms that lead to another page: ask first whether the server is there, and who it thinks is here

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post") || form.dataset.asked) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return; // pressed twice
  form.ariaBusy = "true";
  let server = await asked();
  if (server === "there" || (server === "original" && !form.matches(".wishes"))) {
    const token = tokenNow(), field = form.elements.csrfmiddlewaretoken;
    if (token && field) field.value = token;
    keep(form, { sent: true });
    try {
      if (form.matches(".wishes") && (await make(form))) return;
      form.dataset.asked = "yes";
      form.requestSubmit(event.submitter);
      delete form.dataset.asked;
      return; // busy until the next page is here
    } catch {
      server = "away";
    }
  }
  form.ariaBusy = null;
  if (server === "original") return makeInOriginal(form);
  if (server === "gone") {
    keep(form);
    return sayGone(form);
  }
  say(server === "away" ? words.offline : words.failed, () => form.requestSubmit(event.submitter), form);
});

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.ariaBusy = null;
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  const isHere = link?.hash && link.pathname === location.pathname;
  if (!link || !plain || navigator.onLine || link.origin !== location.origin || isHere || link.download) return;
  event.preventDefault();
  say(words.offline, () => link.click(), link);
});

// ---- what was typed

const edited = new Set(); // the forms that were typed in
document.addEventListener("input", ({ target }) => { if (target.form) edited.add(target.form); });

const isTyped = (field) => field.name && !["password", "file", "hidden", "submit", "button"].includes(field.type);
const isTicked = (field) => ["checkbox", "radio"].includes(field.type);

// With a form that was sent, what was typed comes back only with the way back: to a page that was left in vain.
function keep(form, { sent = false } = {}) {
  if (!isMember) return;
  const forms = [...new Set([...edited, ...(form ? [form] : [])])].filter((each) => each.isConnected).map((each) => ({
    action: each.getAttribute("action"),
    fields: [...each.elements].filter(isTyped).map((field) => [field.name, field.value, isTicked(field) ? field.checked : null]),
  }));
  sessionStorage.setItem(DRAFT, JSON.stringify({ page: location.pathname, forms, sent, until: Date.now() + KEPT_MS }));
}

function restore() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (draft?.page !== location.pathname) return;
  const isBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  sessionStorage.removeItem(DRAFT);
  if (draft.until < Date.now() || (draft.sent && !isBack)) return;
  const closed = draft.forms.filter((kept) => !fill(kept));
  // A form that opens in its place: open it, and come back when it is there.
  const links = [...document.querySelectorAll("a.change[hx-get]")];
  const opens = closed.map(({ action }) => links.find((link) => link.getAttribute("hx-get").split("?")[0] === action));
  if (!opens.some(Boolean)) return;
  sessionStorage.setItem(DRAFT, JSON.stringify({ ...draft, forms: closed.filter((_, at) => opens[at]), sent: false }));
  for (const link of opens) link?.click();
}

function fill({ action, fields }) {
  const form = [...document.forms].find(
    (each) => each.getAttribute("action") === action && fields.every(([name]) => each.elements.namedItem(name)),
  );
  if (!form) return false;
  for (const [name, value, checked] of fields) {
    const field = [...form.elements].find((each) => each.name === name && (checked === null || each.value === value));
    if (!field || (checked === null ? field.value === value : field.checked === checked)) continue;
    if (checked === null) field.value = value;
    else field.checked = checked;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  return true;
}
if (isMember) {
  document.addEventListener("htmx:afterSettle", restore);
  window.addEventListener("load", restore);
}

// ---- days: the server tells them by UTC, and where the dancer is it may be another one

const SPOKEN = { en: "en-GB", es: "es" }[document.documentElement.lang]; // written as the server does
function days() {
  for (const time of document.querySelectorAll("time[data-day]")) {
    const date = new Date(time.dateTime), { day: dateStyle } = time.dataset;
    const [here, utc] = [{}, { timeZone: "UTC" }].map((zone) => date.toLocaleDateString(SPOKEN, { dateStyle, ...zone }));
    if (here !== utc) time.textContent = here;
  }
}
document.addEventListener("htmx:afterSettle", days);
days();

// ---- an old bookmark: the original's page had the task in its address

const bookmarked = /^#task=(.+)/.exec(location.hash)?.[1];
if (bookmarked && location.pathname === "/studio") location.replace(`/studio/${bookmarked}`);
const next = document.querySelector('.entrance input[name="next"]');
if (bookmarked && next) next.value = `/studio/${bookmarked}`;
