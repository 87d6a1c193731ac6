// Keyboard shortcuts of the queue and the review page, and the selection for bulk approval.
"use strict";
(() => {
  const dialog = document.getElementById("keys");
  if (!dialog) return;
  const MIN_VISIBLE = 400; // ms that a page must be visible before a key approves its content
  const loadedAt = performance.now();
  const rows = [...document.querySelectorAll("[data-row]")];
  const links = rows.map((row) => row.querySelector("a.row-title"));
  const form = document.getElementById("several");
  const boxes = form ? [...form.querySelectorAll("input[name=post]")] : [];

  const selected = () => boxes.filter((box) => box.checked);
  const all = document.querySelector("[data-all]");
  const updateCount = () => {
    const number = selected().length;
    const counter = document.querySelector("[data-selected]");
    if (counter) counter.textContent = number ? ` (${number})` : "";
    if (!all) return;
    all.checked = number === boxes.length;
    all.indeterminate = number > 0 && number < boxes.length;
  };
  if (all) {
    all.closest("label").hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      updateCount();
    });
    form.addEventListener("change", updateCount);
    updateCount();
    window.addEventListener("pageshow", updateCount);
  }

  // Shortcuts can be turned off, per device.
  const storage = (() => { try { return window.localStorage; } catch { return null; } })();
  const enabled = dialog.querySelector("[data-keys-on]");
  enabled.checked = storage?.getItem("dynamo.keys") !== "off";
  enabled.addEventListener("change", () => storage?.setItem("dynamo.keys", enabled.checked ? "on" : "off"));
  const opener = document.querySelector("[data-keys-open]");
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());

  const currentRow = () => rows.findIndex((row) => row.contains(document.activeElement));
  const move = (step) => {
    if (!links.length) return;
    const now = currentRow();
    const link = links[now < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(now + step, 0), links.length - 1)];
    link.focus();
    link.closest("[data-row]").scrollIntoView({ block: "nearest" });
  };
  const click = (selector) => document.querySelector(selector)?.click();
  const visibleLongEnough = (event) => !event.repeat && performance.now() - loadedAt > MIN_VISIBLE;
  const openReject = () => {
    const details = document.querySelector("details.reject");
    if (!details) return;
    details.open = true;
    details.querySelector("textarea").focus();
  };
  const list = {
    j: () => move(1),
    k: () => move(-1),
    o: () => links[currentRow()]?.click(),
    x: () => {
      const box = rows[currentRow()]?.querySelector("input[name=post]");
      if (box) { box.checked = !box.checked; updateCount(); }
    },
    a: (event) => {
      if (!visibleLongEnough(event)) return;
      if (selected().length) form.requestSubmit();
      else links[currentRow()]?.click();
    },
    r: () => { const link = links[currentRow()]; if (link) window.location.assign(`${link.href}#reject`); },
    "/": () => document.getElementById("searchbar")?.focus(),
  };
  const review = {
    j: () => click("a[rel=next]"),
    k: () => click("a[rel=prev]"),
    a: (event) => {
      if (!visibleLongEnough(event)) return;
      const approve = document.getElementById("approve");
      if (!approve) return;
      const when = approve.querySelector("#when");
      if (when && !when.value) when.focus();
      else approve.requestSubmit();
    },
    r: openReject,
    u: () => click("a[data-queue]"),
    "/": () => { const queue = document.querySelector("a[data-queue]"); if (queue) window.location.assign(`${queue.href}#searchbar`); },
  };
  // No key approves on the confirmation page of a bulk approval.
  const confirm = { j: list.j, k: list.k, o: list.o, x: list.x, r: list.r, u: review.u };
  const keys = { list, confirm, review }[dialog.dataset.page];
  const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (typing(event.target) || dialog.open) return;
    if (event.key === "?") {
      event.preventDefault();
      dialog.showModal();
    } else if (enabled.checked && keys[event.key]) {
      event.preventDefault();
      keys[event.key](event);
    }
  });
  if (window.location.hash === "#reject") openReject();
  if (window.location.hash === "#searchbar") document.getElementById("searchbar")?.focus();
})();
