// Enhancements only: every page works without this file.
"use strict";
// Hashtags and mentions are counted as scheduling/domain/text_rules.py counts them: tests/vectors/counting.json.
const webAddress =
  /(?:[a-z][a-z0-9+.-]{0,20}:\/\/|(?<![a-z0-9])www\.(?=[a-z0-9_])|(?<![a-z0-9_@.#\uff20\uff03-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?::[0-9]+)?\/)[^\s<>"]*/gi;
const mailAddress =
  /(?<![A-Za-z0-9._%+'@#\uff20\uff03-])[A-Za-z0-9._%+'-]+@[^\s@#\uff20\uff03.,;:!?<>()"]+(?:\.[^\s@#\uff20\uff03.,;:!?<>()"]+)+/g;
const countTags = (text, signs) => {
  const plain = text.replace(webAddress, " ").replace(mailAddress, " ");
  const tag = `(?<![\\p{L}\\p{Nd}_]|(?![\\ufe00-\\ufe0f])[\\p{Mn}\\p{Mc}])[${signs}](?=[\\p{L}\\p{Nd}_])`;
  return (plain.match(new RegExp(tag, "gu")) || []).length;
};
const plural = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
for (const area of document.querySelectorAll("textarea[maxlength], .channel textarea")) {
  const count = document.createElement("p");
  count.className = "hint count";
  const show = () => {
    const characters = plural([...area.value].length, "character");
    const hashtags = plural(countTags(area.value, "#\uff03"), "hashtag");
    count.textContent = `${characters}, ${hashtags}, ${plural(countTags(area.value, "@\uff20"), "mention")}`;
  };
  area.after(count);
  area.addEventListener("input", show);
  show();
}
// A browser writes dates in its own language: the chosen time is repeated as all other times are written.
const written = new Intl.DateTimeFormat("en-GB", {
  weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC",
});
for (const field of document.querySelectorAll("input[type=datetime-local]")) {
  const chosen = document.createElement("p");
  chosen.className = "hint chosen";
  const show = () => {
    const time = field.value ? new Date(`${field.value}Z`) : null;
    const valid = time && !Number.isNaN(time.getTime());
    chosen.textContent = valid ? `${written.format(time).replace(",", "")}, ${field.value.slice(11, 16)}` : "";
  };
  field.after(chosen);
  field.addEventListener("input", show);
  show();
}
// The browser's time zone: sent when a person joins, and offered beside the setting.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll("input[data-time-zone]")) if (!field.value) field.value = zone || "";
for (const hint of document.querySelectorAll("[data-browser-zone]")) {
  const select = document.getElementById(hint.dataset.browserZone);
  if (![...select.options].some((option) => option.value === zone) || select.value === zone) continue;
  const use = document.createElement("button");
  Object.assign(use, { type: "button", className: "button small", textContent: `Use ${zone}, as this browser` });
  use.addEventListener("click", () => { select.value = zone; use.remove(); });
  hint.append(use);
}
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
// What was typed into forms of posts is not kept for the next person on this machine.
document.getElementById("logout-form")?.addEventListener("submit", () => {
  try {
    for (const key of Object.keys(window.localStorage)) if (key.startsWith("dynamo.typed:")) localStorage.removeItem(key);
  } catch { /* storage is blocked */ }
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
// Scroll the current entry of a navigation that is wider than the window into view.
const nav = document.querySelector("#main-nav ul");
const current = nav?.querySelector("[aria-current]");
if (current) nav.scrollLeft = current.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
// A post that was saved leads away from its form: what was kept of it is removed (typed.js).
try {
  const submitted = JSON.parse(sessionStorage.getItem("dynamo.submitted") || "null");
  if (submitted && document.querySelector(".messagelist .success")) localStorage.removeItem(submitted.key);
  if (submitted && location.pathname !== submitted.path) sessionStorage.removeItem("dynamo.submitted");
} catch { /* storage is blocked */ }
