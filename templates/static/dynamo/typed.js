// Keeps what is typed into the form of a post, in this browser, and asks before the page is left.
// It is removed when the post was saved or is discarded, after a week, and when the person signs out (admin.js).
"use strict";
(() => {
  const status = document.getElementById("typed");
  const form = document.querySelector("form.form, form[data-typed]");
  const storage = (() => { try { return window.localStorage; } catch { return null; } })();
  if (!status || !form || !storage) return;
  const WEEK = 7 * 24 * 3600 * 1000;
  const organization = new URLSearchParams(location.search).get("organization") || "";
  const key = `dynamo.typed:${status.dataset.user}:${location.pathname}:${organization}`;
  const SKIPPED = ["csrfmiddlewaretoken", "proof", "post_id", "digest", "revision", "checks"];
  const fields = () => [...form.elements].filter(
    (field) => field.name && !SKIPPED.includes(field.name) && !["file", "password", "submit", "button"].includes(field.type),
  );
  const ticked = (field) => ["checkbox", "radio"].includes(field.type);
  const nameOf = (field) => (ticked(field) ? `${field.name}=${field.value}` : field.name);
  const read = () => Object.fromEntries(fields().map((field) => [nameOf(field), ticked(field) ? field.checked : field.value]));
  // Against what the server sent: a browser that reloads puts typed values back before this runs.
  const chosen = (field) => [...field.options].find((option) => option.defaultSelected) || field.options[0];
  const changed = () => fields().some((field) => {
    if (ticked(field)) return field.checked !== field.defaultChecked;
    return field.value !== (field.options ? chosen(field)?.value : field.defaultValue);
  });
  let leaving = false;
  const keep = () => {
    if (changed()) storage.setItem(key, JSON.stringify({ at: Date.now(), values: read() }));
    else storage.removeItem(key);
  };

  const restore = () => {
    let kept = null;
    try { kept = JSON.parse(storage.getItem(key)); } catch { /* not ours */ }
    if (!kept?.values || Date.now() - kept.at > WEEK) return storage.removeItem(key);
    for (const field of fields()) {
      const value = kept.values[nameOf(field)];
      if (value === undefined) continue;
      if (ticked(field)) field.checked = value;
      else field.value = value;
      field.dispatchEvent(new Event("input"));
    }
    if (!changed()) return storage.removeItem(key);
    const details = form.closest("details");
    if (details) details.open = true;
    const discard = document.createElement("button");
    Object.assign(discard, { type: "button", className: "button small", textContent: "Discard" });
    discard.addEventListener("click", () => {
      form.reset();
      for (const field of fields()) field.dispatchEvent(new Event("input"));
      storage.removeItem(key);
      status.hidden = true;
    });
    const time = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(kept.at);
    status.replaceChildren(`What you typed on ${time} is back; it is not saved yet. `, discard);
    status.hidden = false;
  };
  // After an error the server has sent the form back with what was typed.
  if (!form.querySelector("[role=alert]")) restore();

  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("submit", () => {
    keep();
    leaving = true;
    try { sessionStorage.setItem("dynamo.submitted", JSON.stringify({ key, path: location.pathname })); } catch { /* as above */ }
  });
  // Another decision on the post of this page.
  document.getElementById("content-main").addEventListener("submit", () => { leaving = true; });
  window.addEventListener("pageshow", () => { leaving = false; });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && changed()) event.preventDefault();
  });
})();
