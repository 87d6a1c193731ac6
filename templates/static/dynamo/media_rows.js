// The form of a post has rows for ten images or videos. Those without content are hidden until they are asked for.
// Without this file all are shown. Hidden rows are sent as well, as the server sent them.
"use strict";
(() => {
  const details = document.querySelector("details.several");
  if (!details) return;
  const [first, ...rows] = details.querySelectorAll(".medium");
  const add = document.createElement("button");
  Object.assign(add, { type: "button", className: "button", textContent: "Add media" });
  let shown = 1; // how many of `rows`, at least

  const isUsed = (row) => Boolean(row.querySelector("img, .field-bad")) || [...row.elements].some((field) => {
    if (field.type === "checkbox") return field.checked;
    return field.type !== "number" && field.value !== "";
  });
  const show = () => {
    shown = Math.max(shown, rows.findLastIndex(isUsed) + 1);
    rows.forEach((row, index) => { row.hidden = index >= shown; });
    first.hidden = !rows.some(isUsed) && !isUsed(first); // the order of one medium needs no row
    add.hidden = shown >= rows.length;
  };
  add.addEventListener("click", () => {
    shown += 1;
    show();
    rows[shown - 1].querySelector("input").focus();
  });
  details.append(add);
  for (const name of ["input", "change"]) details.addEventListener(name, show);
  window.addEventListener("pageshow", show); // a browser puts back what was typed
  show();
  if (!first.hidden) details.open = true; // what was typed before (typed.js) is in sight
})();
