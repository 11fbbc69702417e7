// The map: the server draws it, this moves and zooms it and lets things be found, pointed at and
// walked by keyboard. Every box is a link; the list under the map says the same without a picture.

const ZOOM_STEP = 1.3;
const LARGEST = 4;
const READABLE = 0.8;
// Below this scale the names of boxes cannot be read, and those of systems are written large.
const FAR = 0.36;
const stage = document.getElementById("map");
const status = document.getElementById("map-status");
const find = document.querySelector("[data-find]");

let view = { x: 0, y: 0, k: 1 };
let moved = false;

const picture = () => stage.querySelector("svg");
const boxes = () => [...stage.querySelectorAll(".node a, .frame a")];
const room = () => stage.getBoundingClientRect();
const join = (url, query) => `${url}${url.includes("?") ? "&" : "?"}${query}`;

// ---- moving and zooming: the view box is what one looks at -------------------------------------

function apply() {
  const svg = picture();
  const box = room();
  svg.setAttribute("viewBox", `${view.x} ${view.y} ${box.width / view.k} ${box.height / view.k}`);
  svg.classList.toggle("from-far", view.k < FAR);
}

function centre(x, y, k) {
  const box = room();
  view = { k, x: x - box.width / k / 2, y: y - box.height / k / 2 };
  apply();
}

function fit() {
  const { width, height } = picture().dataset;
  const box = room();
  centre(width / 2, height / 2, Math.min(1.15, box.width / width, box.height / height));
}

// What was asked about is readable at once; everything else is one press on Fit away.
function begin() {
  fit();
  if (view.k >= FAR * 1.3) return;
  const name = stage.dataset.opened;
  const opened = name && picture().querySelector(`.frame a[data-frame="${CSS.escape(name)}"]`);
  const part = picture().querySelector(".node.focus") || opened?.parentNode;
  if (!part) {
    // From far away the names of frames are read; where there are none, begin at the top.
    const { width, height } = picture().dataset;
    const k = FAR * 1.6;
    if (!picture().querySelector(".frame")) centre(width / 2, Math.min(height / 2, room().height / k / 2 - 8), k);
    return;
  }
  const box = part.getBBox();
  const at = part.transform.baseVal.numberOfItems ? part.transform.baseVal.getItem(0).matrix : { e: 0, f: 0 };
  const k = Math.min(READABLE, Math.max(FAR * 1.3, room().width / (box.width + 80)));
  centre(at.e + box.x + box.width / 2, at.f + box.y + Math.min(box.height / 2, room().height / k / 2 - 24), k);
}

function zoom(factor, at) {
  const box = room();
  const point = at || { x: box.width / 2, y: box.height / 2 };
  const k = Math.min(LARGEST, Math.max(0.04, view.k * factor));
  view = { k, x: view.x + point.x / view.k - point.x / k, y: view.y + point.y / view.k - point.y / k };
  apply();
}

function move(x, y) {
  view = { ...view, x: view.x - x / view.k, y: view.y - y / view.k };
  apply();
}

function pointers() {
  const held = new Map();
  const inside = (event) => ({ x: event.clientX - room().left, y: event.clientY - room().top });
  const spread = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y);
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest(".controls")) return;
    if (!held.size) moved = false;
    held.set(event.pointerId, inside(event));
  });
  addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = inside(event);
    if (!moved && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    moved = true;
    picture().classList.add("grabbing");
    const was = [...held.values()];
    held.set(event.pointerId, now);
    if (held.size === 2) {
      const [one, other] = held.values();
      zoom(spread([one, other]) / Math.max(spread(was), 1), { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
    }
    move((now.x - before.x) / held.size, (now.y - before.y) / held.size);
  });
  const release = (event) => {
    held.delete(event.pointerId);
    if (!held.size) picture()?.classList.remove("grabbing");
  };
  addEventListener("pointerup", release);
  addEventListener("pointercancel", release);
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.12 : 1 / 1.12, inside(event));
  }, { passive: false });
  stage.addEventListener("dragstart", (event) => event.preventDefault());
  stage.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (moved) event.preventDefault();
    else if (link?.dataset.id && event.shiftKey) {
      event.preventDefault();
      around(link);
    }
  });
}

function around(link) {
  const url = new URL(stage.dataset.map, location.href);
  url.searchParams.set("focus", link.dataset.id);
  location.href = url;
}

// ---- keys: arrows walk from box to box, or move the map where it has the focus itself ----------

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// The nearest box that lies more in that direction than beside it.
function next(from, [dx, dy]) {
  const middle = (one) => {
    const box = one.getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  };
  const here = middle(from);
  let best = null;
  for (const one of boxes()) {
    const at = middle(one);
    const along = (at.x - here.x) * dx + (at.y - here.y) * dy;
    const beside = Math.abs((at.x - here.x) * dy) + Math.abs((at.y - here.y) * dx);
    const far = along + 2 * beside;
    if (one !== from && along > 1 && (!best || far < best.far)) best = { one, far };
  }
  return best?.one;
}

function reveal(link) {
  const box = link.getBoundingClientRect();
  const all = room();
  const over = (low, high, least, most) => (low < least ? least - low : high > most ? most - high : 0);
  const x = over(box.left, box.right, all.left + 12, all.right - 12);
  const y = over(box.top, box.bottom, all.top + 12, all.bottom - 12);
  if (x || y) move(x, y);
}

function keys() {
  stage.addEventListener("keydown", (event) => {
    const link = event.target.closest("a");
    const way = WAYS[event.key];
    if (way && link) next(link, way)?.focus({ preventScroll: true });
    else if (way) move(-60 * way[0], -60 * way[1]);
    else if (event.key === "+" || event.key === "=") zoom(ZOOM_STEP);
    else if (event.key === "-") zoom(1 / ZOOM_STEP);
    else if (event.key === "0") fit();
    else if (event.key.toLowerCase() === "f" && link?.dataset.id && !event.ctrlKey && !event.metaKey) around(link);
    else return;
    event.preventDefault();
  });
}

// One stop on the way of the Tab key, however many boxes there are.
function rove() {
  const all = boxes();
  all.forEach((link, at) => link.setAttribute("tabindex", at ? "-1" : "0"));
  stage.querySelector(".node.focus a")?.setAttribute("tabindex", "0");
}

// ---- pointing: what one thing needs and what needs it, the rest dimmed --------------------------

function pointing() {
  const show = (link) => {
    const id = link?.dataset.id;
    const near = new Set([id]);
    picture().classList.toggle("pointing", Boolean(id));
    for (const wire of stage.querySelectorAll(".wire")) {
      const { source, target } = wire.dataset;
      const on = Boolean(id) && (source === id || target === id);
      wire.classList.toggle("near", on);
      if (on) near.add(source).add(target);
    }
    for (const node of stage.querySelectorAll(".node"))
      node.classList.toggle("near", Boolean(id) && near.has(node.firstElementChild.dataset.id));
  };
  const of = (event) => event.target.closest("a");
  stage.addEventListener("pointerover", (event) => show(of(event)));
  stage.addEventListener("pointerleave", () => show(undefined));
  stage.addEventListener("focusin", (event) => {
    const link = of(event);
    if (!link) return;
    for (const other of stage.querySelectorAll('a[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    link.setAttribute("tabindex", "0");
    show(link);
    if (link.matches(":focus-visible")) reveal(link);
  });
  stage.addEventListener("focusout", () => show(undefined));
}

// ---- finding: what is typed stays bright, the rest is dimmed; Enter shows around the first ------

function finding() {
  const said = status.textContent;
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const node of stage.querySelectorAll(".node")) {
      const link = node.firstElementChild;
      const hit = words.every((word) => link.dataset.id.includes(word));
      node.classList.toggle("missed", words.length > 0 && !hit);
      count += hit;
    }
    status.textContent = words.length ? `${count} of the boxes match` : said;
  });
}

// ---- live: the estate changed, so the picture is asked for again; the view stays ---------------

async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const other = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#map svg");
  if (!other) return;
  picture().replaceWith(other);
  apply();
  rove();
}

if (stage && picture()) {
  stage.querySelector(".controls").hidden = false;
  document.querySelector(".map-help").removeAttribute("data-off");
  const acts = { in: () => zoom(ZOOM_STEP), out: () => zoom(1 / ZOOM_STEP), fit };
  for (const button of stage.querySelectorAll("[data-zoom]")) button.onclick = acts[button.dataset.zoom];
  begin();
  rove();
  pointers();
  keys();
  pointing();
  if (find) finding();
  addEventListener("resize", fit);
  document.addEventListener("telford:changed", (event) => {
    if (event.detail.includes("estate")) refresh();
  });
}
