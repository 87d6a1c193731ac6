// The instant of a post, counted down. The words that the server wrote stay until this file runs, and without it.
"use strict";
(() => {
  const place = document.querySelector("[data-countdown]");
  if (!place) return;
  const due = Date.parse(place.dataset.countdown);
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const words = (seconds) => {
    const said = [];
    for (const [size, unit] of parts) {
      const count = Math.floor(seconds / size);
      seconds -= count * size;
      if (count || said.length || unit === "s") said.push(`${said.length ? String(count).padStart(2, "0") : count} ${unit}`);
    }
    return said.slice(0, 3).join(" ");
  };
  const tick = () => {
    const left = Math.ceil((due - Date.now()) / 1000);
    place.textContent = left > 0 ? `in ${words(left)}` : "its instant has come";
    place.classList.toggle("soon", left < 600);
    if (left > 0) setTimeout(tick, 1000 - (Date.now() % 1000));
  };
  place.setAttribute("role", "timer");
  tick();
})();
