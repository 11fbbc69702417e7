// The frame's behaviour: live updates, times, search, place picker. No page needs it to be read.

const live = document.getElementById("live");
const banner = document.getElementById("lost");
const topics = (document.body.dataset.topics || "").split(" ").filter(Boolean);
// The server speaks at least every 10 s; silence of twice that is a lost connection.
const SILENCE_MS = 25000;
const RETRY_MS = [1000, 2000, 4000, 8000];

// ---- times: the same words as telford.portal.texts.ago -----------------------------------------

const skew = Number(document.body.dataset.now) * 1000 - Date.now();
export const now = () => Date.now() + skew;

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${(seconds / 3600).toFixed(1)} h` : `${Math.round(seconds / 86400)} days`;
}

const ago = (seconds) => (seconds < 1 ? "just now" : `${duration(seconds)} ago`);

function tellTimes() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const text = ago(Math.max(0, (now() - Date.parse(element.dateTime)) / 1000));
    if (element.textContent !== text) element.textContent = text;
  }
}

// ---- live: what changed is fetched again from the page's own address, and morphed in -----------

if (window.Idiomorph) {
  Idiomorph.defaults.ignoreActiveValue = true;
  // What a person opened stays open, and what a script drew stays drawn.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.tagName === "DETAILS");
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) =>
    !(node.nodeType === Node.ELEMENT_NODE && node.hasAttribute("data-keep"));
}

// What one reads stays where it is when something comes to stand above it: the browser's own anchor
// is lost where parts change places. At the top of a page there is nothing to hold.
let held = [];

function hold() {
  const bar = document.querySelector(".bar").getBoundingClientRect().bottom;
  const far = (one) => Math.abs(one.top - bar);
  held = scrollY < 1 ? [] : [...document.querySelectorAll("#page [id]")]
    .map((element) => ({ id: element.id, top: element.getBoundingClientRect().top, tall: element.offsetHeight }))
    .filter((one) => one.tall && one.top + one.tall > bar && one.top < innerHeight)
    .sort((one, other) => far(one) - far(other))
    .slice(0, 20);
}

function letGo() {
  for (const one of held) {
    const element = document.getElementById(one.id);
    if (!element || !element.offsetHeight) continue;
    scrollBy(0, element.getBoundingClientRect().top - one.top);
    break;
  }
}

// A page is fetched from the address it has now, which a filter may have changed; and an address
// says only what is asked for.
document.addEventListener("htmx:configRequest", (event) => {
  const { elt, formData } = event.detail;
  if (elt.id === "page") event.detail.path = location.pathname + location.search;
  else if (elt.matches(".filters"))
    for (const key of [...formData.keys()]) if (formData.get(key) === "") formData.delete(key);
});

const refreshed = (event) => event.detail.target && event.detail.target.id === "page";
document.addEventListener("htmx:beforeSwap", (event) => refreshed(event) && hold());
document.addEventListener("htmx:afterSwap", () => {
  letGo();
  held = [];
});

let source = null;
let heard = 0;
let tries = 0;
let lostAt = 0;
let rested = false;

function say(state, words) {
  live.dataset.state = state;
  const element = live.querySelector(".words");
  if (element.textContent !== words) element.textContent = words;
}

function refresh() {
  const page = document.getElementById("page");
  if (page && page.hasAttribute("hx-get")) htmx.trigger(page, "refresh");
}

function changed(names) {
  refresh();
  // Parts that were fetched by themselves, where they are open to be read.
  for (const name of names.filter((one) => one === "estate" || one === "plan"))
    for (const part of document.querySelectorAll(`[data-${name}]`))
      if (!part.closest("details:not([open])")) htmx.trigger(part, name);
  document.dispatchEvent(new CustomEvent("telford:changed", { detail: names }));
}

function lose() {
  if (!lostAt) {
    lostAt = Date.now();
    say("lost", "connection lost");
    banner.hidden = false;
  }
  if (source && source.readyState === EventSource.CLOSED) {
    source = null;
    ask();
    setTimeout(wake, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
  }
}

// A portal that was started anew has a new token: then trying on is no use, and the page says so.
async function ask() {
  const answer = await fetch("/alive").catch(() => null);
  const out = answer !== null && answer.status === 401;
  banner.querySelector("[data-lost]").hidden = out;
  banner.querySelector("[data-out]").hidden = !out;
}

function found() {
  const missed = lostAt > 0 || rested;
  rested = false;
  lostAt = 0;
  tries = 0;
  banner.hidden = true;
  say("live", "live");
  if (missed) changed(topics);
}

function open() {
  if (source) source.close();
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  source = new EventSource(`/events?${query}`);
  const listen = (name, act) =>
    source.addEventListener(name, (event) => {
      heard = Date.now();
      act(JSON.parse(event.data));
    });
  listen("hello", found);
  listen("change", changed);
  listen("beat", () => {});
  source.addEventListener("error", lose);
}

function watch() {
  tellTimes();
  if (lostAt) {
    const words = `${duration((Date.now() - lostAt) / 1000)} ago`;
    banner.querySelector("[data-lost-since]").textContent = words;
  } else if (heard && Date.now() - heard > SILENCE_MS) {
    source.close();
    lose();
  }
}

// A browser opens six connections to one host and no more, so only a page that is looked at keeps
// one: the seventh tab would wait for ever.
function rest() {
  if (source) source.close();
  source = null;
  heard = 0;
}

function wake() {
  if (source || document.hidden) return;
  rested = true;
  open();
}

open();
setInterval(watch, 1000);
addEventListener("pagehide", rest);
addEventListener("pageshow", (event) => event.persisted && wake());
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : wake()));

// ---- search: reached by / or Ctrl-K, arrows choose, Enter goes ---------------------------------

const search = document.getElementById("search");
const list = document.getElementById("suggestions");
let chosen = -1;

const options = () => [...list.querySelectorAll("[data-href]")];

function choose(index) {
  const all = options();
  chosen = all.length ? (index + all.length) % all.length : -1;
  all.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
  if (chosen >= 0) {
    search.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  } else {
    search.removeAttribute("aria-activedescendant");
  }
}

function closeList() {
  list.replaceChildren();
  search.setAttribute("aria-expanded", "false");
  choose(-1);
}

search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    choose(event.key === "ArrowDown" ? chosen + 1 : Math.max(chosen, 0) - 1);
    event.preventDefault();
  } else if (event.key === "Escape") {
    if (list.childElementCount) closeList();
    else search.blur();
  } else if (event.key === "Enter" && options().length) {
    location.href = options()[Math.max(chosen, 0)].dataset.href;
    event.preventDefault();
  }
});

list.addEventListener("htmx:afterSwap", () => {
  search.setAttribute("aria-expanded", String(list.childElementCount > 0));
  choose(options().length ? 0 : -1);
});

list.addEventListener("click", (event) => {
  const option = event.target.closest("[data-href]");
  if (option) location.href = option.dataset.href;
});

document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) closeList();
});
search.form.addEventListener("focusout", (event) => {
  if (!search.form.contains(event.relatedTarget)) setTimeout(closeList, 150);
});

addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  const asked = (event.key === "/" && !typing) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey));
  if (asked && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// ---- small things ------------------------------------------------------------------------------

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// What scrolls by itself can be reached by keyboard, and what does not is no stop on the way.
function reach() {
  for (const part of document.querySelectorAll(".scroll:not([role])")) {
    const scrolls = part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight;
    if (scrolls) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

reach();
addEventListener("resize", reach);
document.addEventListener("htmx:afterSettle", reach);
