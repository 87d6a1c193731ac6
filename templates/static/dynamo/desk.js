// Conveniences only: every page works without this file.
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
// Where the bar scrolls sideways, it shows the page that one is on.
const bar = document.querySelector("#desk-nav ul");
const here = bar?.querySelector("[aria-current]");
if (here) bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
