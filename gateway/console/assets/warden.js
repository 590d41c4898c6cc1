// A warden's device: the list is kept fresh while the box is there, and kept as it is while it is
// not; people who are ticked off stay so on this device and are told to the box when it is back.
// Everything it shows is rendered and escaped by the server.
"use strict";
(() => {
  const REFRESH_MS = 10000;
  const KEEP_MS = 12 * 60 * 60 * 1000;
  const STORE = "muster-warden";
  const MOST = 200;
  const WORKER_MS = 8000;
  const byId = (id) => document.getElementById(id);

  const forget = async () => {
    localStorage.removeItem(STORE);
    if (window.caches) await caches.delete(STORE);
    if (!navigator.serviceWorker) return;
    for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister();
  };

  // At the door this device is not enrolled (any more): nothing of anybody stays on it.
  const door = byId("warden-code");
  if (door) {
    forget().catch(() => {});
    if (location.hash.length > 1) {
      door.value = decodeURIComponent(location.hash.slice(1)).slice(0, 64);
      history.replaceState(null, "", location.pathname);
    }
    return;
  }

  const list = byId("onsite");
  if (!list || list.dataset.refresh !== "/warden") return;

  // By key: when, whether safe, whether the box knows.
  const load = () => {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(STORE)) || {};
    } catch {
      kept = {};
    }
    const fresh = Object.entries(kept).filter(([, tick]) => Date.now() - tick[0] < KEEP_MS);
    return Object.fromEntries(fresh);
  };
  const ticks = load();
  const save = () => localStorage.setItem(STORE, JSON.stringify(ticks));

  const mark = () => {
    for (const box of list.querySelectorAll(".safe")) {
      const own = ticks[box.id];
      if (own && own[0] > Number(box.dataset.at)) box.checked = own[1];
    }
    const boxes = [...list.querySelectorAll(".safe")];
    const done = boxes.filter((box) => box.checked).length;
    byId("warden-done").textContent = done + " / " + boxes.length;
  };

  const tell = async () => {
    const waiting = Object.entries(ticks).filter(([, tick]) => !tick[2]).slice(0, MOST);
    if (waiting.length === 0) return;
    const text = waiting.map(([key, tick]) => key + ":" + tick[0] + ":" + (tick[1] ? 1 : 0)).join(",");
    const form = new URLSearchParams({ csrf: list.dataset.csrf, ticks: text });
    const answer = await fetch("/warden/safe", { method: "POST", body: form, redirect: "manual" });
    if (!answer.ok) return;
    for (const [key, tick] of waiting) if (ticks[key] === tick) tick[2] = true;
    save();
  };

  const show = (page) => {
    const fresh = page.getElementById("onsite");
    const focused = document.activeElement && document.activeElement.id;
    list.replaceChildren(...fresh.childNodes);
    list.dataset.csrf = fresh.dataset.csrf;
    byId("onsite-as-of").textContent = page.getElementById("onsite-as-of").textContent;
    if (focused && byId(focused)) byId(focused).focus();
    mark();
  };

  let busy = false;
  const refresh = async () => {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch("/warden", { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 404) {
        await forget();
        location.replace("/warden/enrol");
        return;
      }
      if (answer.status === 503 && answer.headers.get("content-type").startsWith("text/plain")) {
        list.replaceChildren();
        throw new Error("the copy is too old");
      }
      if (!answer.ok) throw new Error("no list");
      const away = answer.headers.has("x-copy");
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      byId("onsite-away").hidden = !away;
      if (!away) await tell();
    } catch {
      byId("onsite-away").hidden = false;
    } finally {
      busy = false;
    }
  };

  list.addEventListener("change", (event) => {
    if (!event.target.classList.contains("safe")) return;
    ticks[event.target.id] = [Date.now(), event.target.checked, false];
    save();
    mark();
    tell().catch(() => {});
  });

  const worker = async () => {
    if (!navigator.serviceWorker) throw new Error("no copies here");
    const address = "/warden/worker.js?gone=" + encodeURIComponent(byId("warden-gone").textContent);
    await navigator.serviceWorker.register(address, { scope: "/warden" });
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done));
    }
  };

  save();
  mark();
  setInterval(refresh, REFRESH_MS);
  // Of a certificate that is not trusted some browsers say so, and others never answer.
  const keeps = (yes) => {
    clearTimeout(unanswered);
    byId("warden-no-copy").hidden = yes;
  };
  const unanswered = setTimeout(() => keeps(false), WORKER_MS);
  worker()
    .then(() => keeps(true), () => keeps(false))
    .then(refresh);
})();
