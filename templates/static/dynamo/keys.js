// The queue and the review page by keyboard, and choosing several posts. Everything here has a button or a link too.
"use strict";
(() => {
  const dialog = document.getElementById("keys");
  if (!dialog) return;
  const SETTLED = 400; // ms that a page must have been there before a key decides on what it shows
  const shown = performance.now();
  const rows = [...document.querySelectorAll("[data-row]")];
  const links = rows.map((row) => row.querySelector("a.row-title"));
  const form = document.getElementById("several");
  const boxes = form ? [...form.querySelectorAll("input[name=post]")] : [];

  // Choosing several.
  const chosen = () => boxes.filter((box) => box.checked);
  const all = document.querySelector("[data-all]");
  const count = () => {
    const number = chosen().length;
    const place = document.querySelector("[data-chosen]");
    if (place) place.textContent = number ? ` (${number})` : "";
    if (!all) return;
    all.checked = number === boxes.length;
    all.indeterminate = number > 0 && number < boxes.length;
  };
  if (all) {
    all.closest("label").hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      count();
    });
    form.addEventListener("change", count);
    window.addEventListener("pageshow", count);
  }

  // Whether single keys do something here: a choice of this device.
  const stored = (() => { try { return window.localStorage; } catch { return null; } })();
  const on = dialog.querySelector("[data-keys-on]");
  on.checked = stored?.getItem("dynamo.keys") !== "off";
  on.addEventListener("change", () => stored?.setItem("dynamo.keys", on.checked ? "on" : "off"));
  const opener = document.querySelector("[data-keys-open]");
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());

  const at = () => rows.findIndex((row) => row.contains(document.activeElement));
  const move = (step) => {
    if (!links.length) return;
    const now = at();
    const link = links[now < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(now + step, 0), links.length - 1)];
    link.focus();
    link.closest("[data-row]").scrollIntoView({ block: "nearest" });
  };
  const go = (selector) => document.querySelector(selector)?.click();
  const settled = (event) => !event.repeat && performance.now() - shown > SETTLED;
  const reject = () => {
    const details = document.querySelector("details.reject");
    if (!details) return;
    details.open = true;
    details.querySelector("textarea").focus();
  };
  const list = {
    j: () => move(1),
    k: () => move(-1),
    o: () => links[at()]?.click(),
    x: () => {
      const box = rows[at()]?.querySelector("input[name=post]");
      if (box) { box.checked = !box.checked; count(); }
    },
    a: (event) => {
      if (!settled(event)) return;
      if (chosen().length) form.requestSubmit();
      else links[at()]?.click();
    },
    r: () => { const link = links[at()]; if (link) window.location.assign(`${link.href}#reject`); },
    "/": () => document.getElementById("searchbar")?.focus(),
  };
  const review = {
    j: () => go("a[rel=next]"),
    k: () => go("a[rel=prev]"),
    a: (event) => {
      if (!settled(event)) return;
      const approve = document.getElementById("approve");
      if (!approve) return;
      const when = approve.querySelector("#when");
      if (when && !when.value) when.focus();
      else approve.requestSubmit();
    },
    r: reject,
    u: () => go("a[data-queue]"),
    "/": () => { const queue = document.querySelector("a[data-queue]"); if (queue) window.location.assign(`${queue.href}#searchbar`); },
  };
  const keys = dialog.dataset.page === "list" ? list : review;
  const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (typing(event.target) || dialog.open) return;
    if (event.key === "?") {
      event.preventDefault();
      dialog.showModal();
    } else if (on.checked && keys[event.key]) {
      event.preventDefault();
      keys[event.key](event);
    }
  });
  if (window.location.hash === "#reject") reject();
  if (window.location.hash === "#searchbar") document.getElementById("searchbar")?.focus();
})();
