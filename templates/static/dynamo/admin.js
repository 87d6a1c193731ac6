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
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
// Scroll the current entry of a navigation that is wider than the window into view.
const nav = document.querySelector("#main-nav ul");
const current = nav?.querySelector("[aria-current]");
if (current) nav.scrollLeft = current.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
