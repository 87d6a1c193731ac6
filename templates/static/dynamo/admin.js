// Enhancements only: every page works without this file.
"use strict";
for (const area of document.querySelectorAll("textarea[maxlength], .channel textarea")) {
  const count = document.createElement("p");
  count.className = "hint count";
  const show = () => {
    const tags = (area.value.match(/(^|[^\w&/])#\w/gu) || []).length;
    count.textContent = `${[...area.value].length} characters, ${tags} hashtags`;
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
