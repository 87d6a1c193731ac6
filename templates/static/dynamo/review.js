// Counts down to the scheduled time, and reloads the page when the media check has finished.
"use strict";
(() => {
  const countdown = document.querySelector("[data-countdown]");
  if (!countdown) return;
  const due = Date.parse(countdown.dataset.countdown);
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const format = (seconds) => {
    const units = [];
    for (const [size, unit] of parts) {
      const count = Math.floor(seconds / size);
      seconds -= count * size;
      if (count || units.length || unit === "s") units.push(`${units.length ? String(count).padStart(2, "0") : count} ${unit}`);
    }
    return units.slice(0, 3).join(" ");
  };
  const tick = () => {
    const left = Math.ceil((due - Date.now()) / 1000);
    countdown.textContent = left > 0 ? `in ${format(left)}` : "due now";
    countdown.classList.toggle("soon", left < 600);
    if (left > 0) setTimeout(tick, 1000 - (Date.now() % 1000));
  };
  countdown.setAttribute("role", "timer");
  tick();
})();
(() => {
  const container = document.querySelector("[data-awaits]");
  if (!container) return;
  const url = container.dataset.awaits;
  const status = container.querySelector(".again");
  status.textContent = "This page updates automatically.";
  const hasInput = () => [...document.querySelectorAll("main textarea, #content-main textarea")].some((area) => area.value);
  const poll = async () => {
    if (!document.hidden) {
      const response = await fetch(url, { redirect: "error" }).catch(() => null);
      if (response?.ok && !(await response.text()).includes("data-awaits")) {
        if (!hasInput()) return location.replace(url);
        const link = document.createElement("a");
        link.href = url;
        link.textContent = "reload the page";
        status.replaceChildren("The check has finished: ", link, ".");
        return;
      }
    }
    setTimeout(poll, 2000);
  };
  setTimeout(poll, 2000);
})();
