// An employee's page signs out by itself: others stand behind at a kiosk. It warns before it does.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);

  // A code that came as a picture: behind #, which no browser sends.
  const code = byId("own-code");
  if (code && location.hash.length > 1) {
    code.value = decodeURIComponent(location.hash.slice(1)).slice(0, 64);
    history.replaceState(null, "", location.pathname);
  }

  const clock = byId("kiosk");
  if (!clock) return;
  const WARN_MS = 20000;
  const STAY_MS = 20000;
  const LIFE_MS = Number(clock.dataset.seconds) * 1000;
  const form = byId("kiosk-out");
  let touched = Date.now();
  let told = Date.now();

  const stay = () => {
    told = Date.now();
    const body = new URLSearchParams(new FormData(form));
    fetch("/own/stay", { method: "POST", body, redirect: "manual" }).catch(() => {});
  };
  const touch = () => {
    touched = Date.now();
    clock.hidden = true;
    if (touched - told > STAY_MS) stay();
  };
  for (const kind of ["pointerdown", "keydown", "scroll", "input"]) {
    addEventListener(kind, touch, { passive: true });
  }
  setInterval(() => {
    const left = LIFE_MS - (Date.now() - touched);
    if (left <= 0) form.submit();
    else if (left <= WARN_MS) {
      clock.hidden = false;
      byId("kiosk-left").textContent = String(Math.ceil(left / 1000));
    }
  }, 1000);
})();
