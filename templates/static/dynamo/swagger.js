"use strict";
// Settings of Swagger UI. Requests of "Try it out" are signed with the key entered on the page.

const bytes = (text) => new TextEncoder().encode(text);
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function hmac(secret, text) {
  const key = await crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return hex(await crypto.subtle.sign("HMAC", key, bytes(text)));
}

async function sign(request) {
  const id = document.getElementById("api-key-id").value.trim();
  const secret = document.getElementById("api-key-secret").value.trim();
  if (request.loadSpec || !id || !secret) return request;
  const date = new Date().toISOString();
  const url = new URL(request.url, location.href);
  const body = hex(await crypto.subtle.digest("SHA-256", bytes(request.body || "")));
  const whole = [request.method.toUpperCase(), url.pathname + url.search, date, body].join("\n");
  request.headers["x-api-key"] = id;
  request.headers["x-date"] = date;
  request.headers["x-signature"] = await hmac(secret, date);
  request.headers["x-signature-full"] = await hmac(secret, whole);
  return request;
}

// The fields of the page replace the Authorize dialogs, which would send the secret itself.
const withoutAuthorize = () => ({
  wrapComponents: { authorizeBtn: () => () => null, authorizeOperationBtn: () => () => null },
});

const swaggerOptions = {
  requestInterceptor: sign,
  plugins: [withoutAuthorize],
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
};

document.getElementById("api-key").addEventListener("submit", (event) => event.preventDefault());
