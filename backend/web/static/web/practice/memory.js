// Remembers choices in this browser. Where that is forbidden, they last as long as the page.

const NAME = "practice";
let kept = {};
try {
  kept = JSON.parse(localStorage.getItem(NAME)) ?? {};
} catch {
  kept = {};
}

export const recall = (key, otherwise) => kept[key] ?? otherwise;

export function remember(key, value) {
  kept[key] = value;
  try {
    localStorage.setItem(NAME, JSON.stringify(kept));
  } catch {
    // Full or forbidden: `kept` still holds it.
  }
}
