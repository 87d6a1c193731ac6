// The instant of a post, counted down, and the page again once a worker has looked at the media. The words that the
// server wrote stay until this file runs, and without it.
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
(() => {
  const notice = document.querySelector("[data-awaits]");
  if (!notice) return;
  const address = notice.dataset.awaits;
  const words = notice.querySelector(".again");
  words.textContent = "This page follows by itself.";
  const typed = () => [...document.querySelectorAll("main textarea, #content-main textarea")].some((one) => one.value);
  const look = async () => {
    if (!document.hidden) {
      const answer = await fetch(address, { redirect: "error" }).catch(() => null);
      if (answer?.ok && !(await answer.text()).includes("data-awaits")) {
        if (!typed()) return location.replace(address);
        const link = document.createElement("a");
        link.href = address;
        link.textContent = "Reload the page";
        words.replaceChildren("It is done: ", link, ".");
        return;
      }
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
