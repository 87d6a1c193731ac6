// Drag a post to another day or hour: opens the reschedule page. Without this file, use the links.
"use strict";
(() => {
  const calendar = document.querySelector(".calendar");
  if (!calendar) return;
  const back = calendar.dataset.back || "view=month";
  const openReschedule = (entry, to) => {
    const query = new URLSearchParams({back});
    if (to) query.set("to", to);
    location.assign(`${entry.dataset.move}?${query}`);
  };
  let drag = null;
  const targetAt = (event) => {
    const under = document.elementFromPoint(event.clientX, event.clientY);
    return under && under.closest(".calendar [data-day]");
  };
  const markTarget = (target) => {
    if (drag.target === target) return;
    if (drag.target) drag.target.classList.remove("drop");
    drag.target = target;
    if (target) target.classList.add("drop");
  };
  const startDrag = (event) => {
    drag.ghost = drag.entry.cloneNode(true);
    drag.ghost.classList.add("ghost");
    drag.ghost.setAttribute("aria-hidden", "true");
    drag.ghost.style.width = `${drag.entry.offsetWidth}px`;
    drag.entry.classList.add("lifted");
    calendar.append(drag.ghost);
    calendar.classList.add("dragging");
    calendar.setPointerCapture(event.pointerId);
  };
  const endDrag = () => {
    if (!drag) return;
    if (drag.ghost) {
      drag.ghost.remove();
      drag.entry.classList.remove("lifted");
      calendar.classList.remove("dragging");
      markTarget(null);
    }
    drag = null;
  };
  calendar.addEventListener("pointerdown", (event) => {
    const entry = event.target.closest("[data-move]");
    // Touch scrolls the page; touch and keyboard users have a link on each post.
    if (!entry || event.button || event.pointerType === "touch" || event.target.closest(".entry-move")) return;
    drag = {entry, x: event.clientX, y: event.clientY, from: entry.closest("[data-day]")};
  });
  calendar.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (!drag.ghost && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 6) return;
    if (!drag.ghost) startDrag(event);
    event.preventDefault();
    drag.ghost.style.translate = `${event.clientX + 8}px ${event.clientY + 8}px`;
    markTarget(targetAt(event));
  });
  calendar.addEventListener("pointerup", () => {
    if (!drag || !drag.ghost) {
      drag = null;
      return;
    }
    const {entry, target, from} = drag;
    // Suppress the click on the link underneath that follows a drag.
    const cancelClick = (event) => event.preventDefault();
    addEventListener("click", cancelClick, true);
    setTimeout(() => removeEventListener("click", cancelClick, true));
    endDrag();
    if (target && target !== from) openReschedule(entry, target.dataset.day + (target.dataset.hour ? `T${target.dataset.hour}` : ""));
  });
  calendar.addEventListener("pointercancel", endDrag);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") endDrag();
    if (event.key !== "m" || event.ctrlKey || event.metaKey || event.altKey) return;
    const entry = document.activeElement && document.activeElement.closest("[data-move]");
    if (entry) openReschedule(entry, "");
  });
})();
