// The live board: takes server-sent events and puts what changed in its place.
// Everything it shows is rendered and escaped by the server; the page reads well without it.
"use strict";
(() => {
  const MAX_ROWS = 200;
  const RETRY_MS = 5000;
  let source = null;
  let retry = 0;

  const byId = (id) => document.getElementById(id);

  const setLive = (on) => {
    const live = byId("live");
    if (!live) return;
    live.classList.toggle("on", on);
    byId("live-state").textContent = on ? live.dataset.on : live.dataset.off;
  };

  const rowOf = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  };

  const putRow = (lines, update, takesNew) => {
    const old = byId(update.key);
    const row = rowOf(update.html);
    if (!row || (!old && !takesNew)) return;
    const focused = old && old.contains(document.activeElement);
    row.classList.add("fresh");
    if (takesNew) {
      if (old) old.remove();
      lines.prepend(row);
    } else {
      old.replaceWith(row);
    }
    if (focused) row.querySelector("a").focus();
  };

  const apply = (update) => {
    const board = byId("board");
    const rows = byId("rows");
    const lines = byId("lines");
    byId("figures").innerHTML = update.figures;
    const open = byId("pulse").querySelector("details[open]") !== null;
    byId("pulse").innerHTML = update.pulse;
    if (open && byId("pulse").querySelector("details")) byId("pulse").querySelector("details").open = true;
    byId("as-of").textContent = update.as_of;
    board.dataset.stream = board.dataset.stream.replace(/since=[0-9.]+/, "since=" + update.since);
    if (!lines) return;
    const takesNew = rows.dataset.mode === "recent";
    for (const row of update.rows) putRow(lines, row, takesNew);
    if (takesNew) {
      for (const key of update.gone) byId(key)?.remove();
    }
    while (lines.children.length > MAX_ROWS) lines.lastElementChild.remove();
    byId("people").hidden = lines.children.length === 0;
    byId("empty").hidden = lines.children.length > 0;
  };

  const stop = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
    setLive(false);
  };

  const start = () => {
    const board = byId("board");
    if (!board || !board.dataset.stream || source || document.hidden) return;
    source = new EventSource(board.dataset.stream);
    source.addEventListener("open", () => setLive(true));
    source.addEventListener("board", (event) => apply(JSON.parse(event.data)));
    source.addEventListener("stale", () => location.reload());
    source.addEventListener("bye", () => location.assign("/login"));
    source.addEventListener("error", () => {
      stop();
      retry = setTimeout(start, RETRY_MS);
    });
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", start);
  start();
})();

// Who is on site: kept fresh while the page is open, and kept as it is when the box cannot be
// reached. What was ticked off stays.
(() => {
  const REFRESH_MS = 10000;
  const list = document.getElementById("onsite");
  const button = document.getElementById("print");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  if (!list) return;
  const safe = new Set();
  const mark = () => {
    for (const box of list.querySelectorAll(".safe")) box.checked = safe.has(box.id);
  };
  list.addEventListener("change", (event) => {
    if (event.target.checked) safe.add(event.target.id);
    else safe.delete(event.target.id);
  });
  const refresh = async () => {
    try {
      const answer = await fetch(list.dataset.refresh, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) throw new Error("no list");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      list.replaceChildren(...page.getElementById("onsite").childNodes);
      document.getElementById("onsite-as-of").textContent = page.getElementById("onsite-as-of").textContent;
      document.getElementById("onsite-away").hidden = true;
      mark();
    } catch {
      document.getElementById("onsite-away").hidden = false;
    }
  };
  setInterval(refresh, REFRESH_MS);
})();

// A table from a file: how many lines it has, and while they are read, how long that takes. What is
// too large is told by the field, before it is sent.
(() => {
  const field = document.querySelector("input[type=file][data-most]");
  const told = document.getElementById("file-lines");
  if (!field || !told) return;
  const number = new Intl.NumberFormat(document.documentElement.lang);
  let lines = 0;
  field.addEventListener("change", async () => {
    const file = field.files[0];
    const large = file && file.size > Number(field.dataset.most);
    field.setCustomValidity(large ? field.dataset.large : "");
    told.hidden = !file;
    if (!file) return;
    told.textContent = field.dataset.large;
    if (large) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    lines = bytes.reduce((sum, byte) => (byte === 10 ? sum + 1 : sum), 0);
    if (bytes.length && bytes[bytes.length - 1] !== 10) lines += 1;
    told.textContent = told.dataset.lines.replace("#", number.format(lines));
  });
  field.form.addEventListener("submit", () => {
    if (!field.files.length) return;
    const begun = Date.now();
    const text = told.dataset.reading.replace("#", number.format(lines));
    const tell = () => {
      told.textContent = text.replace("@", number.format(Math.floor((Date.now() - begun) / 1000)));
    };
    tell();
    setInterval(tell, 1000);
  });
})();
