// Dragging a post to another day or hour. It only leads to the page that asks; without this file the links do.
"use strict";
(() => {
  const calendar = document.querySelector(".calendar");
  if (!calendar) return;
  const back = calendar.dataset.back || "view=month";
  const ask = (entry, to) => {
    const query = new URLSearchParams({back});
    if (to) query.set("to", to);
    location.assign(`${entry.dataset.move}?${query}`);
  };
  let drag = null;
  const place = (event) => {
    const under = document.elementFromPoint(event.clientX, event.clientY);
    return under && under.closest(".calendar [data-day]");
  };
  const mark = (target) => {
    if (drag.target === target) return;
    if (drag.target) drag.target.classList.remove("drop");
    drag.target = target;
    if (target) target.classList.add("drop");
  };
  const lift = (event) => {
    drag.ghost = drag.entry.cloneNode(true);
    drag.ghost.classList.add("ghost");
    drag.ghost.setAttribute("aria-hidden", "true");
    drag.ghost.style.width = `${drag.entry.offsetWidth}px`;
    drag.entry.classList.add("lifted");
    calendar.append(drag.ghost);
    calendar.classList.add("dragging");
    calendar.setPointerCapture(event.pointerId);
  };
  const end = () => {
    if (!drag) return;
    if (drag.ghost) {
      drag.ghost.remove();
      drag.entry.classList.remove("lifted");
      calendar.classList.remove("dragging");
      mark(null);
    }
    drag = null;
  };
  calendar.addEventListener("pointerdown", (event) => {
    const entry = event.target.closest("[data-move]");
    // A finger scrolls; for it, as for the keyboard, each post has its link.
    if (!entry || event.button || event.pointerType === "touch" || event.target.closest(".entry-move")) return;
    drag = {entry, x: event.clientX, y: event.clientY, from: entry.closest("[data-day]")};
  });
  calendar.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (!drag.ghost && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 6) return;
    if (!drag.ghost) lift(event);
    event.preventDefault();
    drag.ghost.style.translate = `${event.clientX + 8}px ${event.clientY + 8}px`;
    mark(place(event));
  });
  calendar.addEventListener("pointerup", () => {
    if (!drag || !drag.ghost) {
      drag = null;
      return;
    }
    const {entry, target, from} = drag;
    // The click that ends a drag is not one on the link underneath.
    const still = (event) => event.preventDefault();
    addEventListener("click", still, true);
    setTimeout(() => removeEventListener("click", still, true));
    end();
    if (target && target !== from) ask(entry, target.dataset.day + (target.dataset.hour ? `T${target.dataset.hour}` : ""));
  });
  calendar.addEventListener("pointercancel", end);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
    if (event.key !== "m" || event.ctrlKey || event.metaKey || event.altKey) return;
    const entry = document.activeElement && document.activeElement.closest("[data-move]");
    if (entry) ask(entry, "");
  });
})();
