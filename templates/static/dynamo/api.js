// Conveniences of the page about the API: copying, and the chapter that one is in. It works without this file.
"use strict";
if (navigator.clipboard) {
  for (const block of document.querySelectorAll(".code-block")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.querySelector("figcaption").append(button);
  }
}
const unfold = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches("details")) target.open = true;
};
window.addEventListener("hashchange", unfold);
unfold();
const links = new Map();
for (const link of document.querySelectorAll(".toc a")) links.set(link.hash.slice(1), link);
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const link = links.get(entry.target.id);
    if (!entry.isIntersecting || !link) continue;
    for (const other of links.values()) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    const list = document.querySelector(".toc");
    if (list.scrollHeight > list.clientHeight) list.scrollTop = link.offsetTop - list.clientHeight / 2;
  }
}, { rootMargin: "-80px 0px -75% 0px" });
for (const part of document.querySelectorAll(".chapter:not(.group):not(#objects), article.op, article.topic")) seen.observe(part);
for (const fold of document.querySelectorAll(".toc-fold")) {
  fold.addEventListener("click", (event) => { if (event.target.closest("a")) fold.open = false; });
}
