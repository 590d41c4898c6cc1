// Keeps the warden's last copy, and gives it out while the box cannot be reached. The copy goes
// when the box says that this device is no longer enrolled, and when it is older than KEEP_MS.
"use strict";
const COPY = "muster-warden";
const LIST = "/warden";
const KEEP_MS = 12 * 60 * 60 * 1000;
const PATIENCE_MS = 5000;
const MAX_ASSETS = 12;
// What stands in place of a copy that is too old; in the language of who enrolled.
const GONE = new URL(self.location).searchParams.get("gone") || "";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const keepAssets = async (cache, text) => {
  const wanted = new Set(text.match(/\/assets\/[a-z0-9.-]+\?v=[0-9a-f]+/g) || []);
  for (const address of [...wanted].slice(0, MAX_ASSETS)) {
    if (await cache.match(address)) continue;
    const answer = await fetch(address);
    if (answer.ok) await cache.put(address, answer);
  }
  for (const old of await cache.keys()) {
    const url = new URL(old.url);
    if (url.pathname !== LIST && !wanted.has(url.pathname + url.search)) await cache.delete(old);
  }
};

const keep = async (answer) => {
  const text = await answer.text();
  const cache = await caches.open(COPY);
  const headers = new Headers(answer.headers);
  headers.set("x-kept", String(Date.now()));
  headers.set("x-copy", "1");
  await cache.put(LIST, new Response(text, { status: 200, headers }));
  await keepAssets(cache, text);
};

const copy = async () => {
  const cache = await caches.open(COPY);
  const kept = await cache.match(LIST);
  if (kept && Math.abs(Date.now() - Number(kept.headers.get("x-kept"))) < KEEP_MS) return kept;
  await caches.delete(COPY);
  return new Response(GONE, { status: 503, headers: { "content-type": "text/plain; charset=utf-8" } });
};

const list = async (event) => {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(LIST, { credentials: "same-origin", redirect: "manual", signal: stop.signal });
    if (answer.ok) {
      event.waitUntil(keep(answer.clone()));
      return answer;
    }
    if (answer.status >= 500) return copy();
    await caches.delete(COPY);
    return answer;
  } catch {
    return copy();
  } finally {
    clearTimeout(timer);
  }
};

const asset = async (request) => {
  const cache = await caches.open(COPY);
  return (await cache.match(request)) || fetch(request);
};

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname === LIST) event.respondWith(list(event));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(asset(event.request));
});
