// The map: dagre lays out what /api/graph gives, this draws it as SVG, moves it and zooms it.
// Every box is a link; the list under the map says the same without a picture.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 168;
const HEIGHT = 42;
const ZOOM_STEP = 1.3;
const stage = document.getElementById("map");

function make(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

// ---- layout ------------------------------------------------------------------------------------

function layout(data) {
  const graph = new dagre.graphlib.Graph({ compound: true, multigraph: false });
  graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 84, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  const systems = new Set(data.nodes.map((node) => node.system).filter(Boolean));
  if (systems.size > 1) for (const system of systems) graph.setNode(`system:${system}`, {});
  for (const node of data.nodes) {
    graph.setNode(node.id, { width: WIDTH, height: HEIGHT });
    if (systems.size > 1 && node.system) graph.setParent(node.id, `system:${node.system}`);
  }
  for (const edge of data.edges) graph.setEdge(edge.source, edge.target);
  dagre.layout(graph);
  return graph;
}

// ---- drawing -----------------------------------------------------------------------------------

function shape(kind) {
  const w = WIDTH;
  const h = HEIGHT;
  if (kind === "Datastore")
    return make("path", { class: "shape", d: `M0 6v${h - 12}c0 8 ${w} 8 ${w} 0V6c0-8-${w}-8-${w} 0c0 8 ${w} 8 ${w} 0` });
  if (kind === "Stream")
    return make("path", { class: "shape", d: `M14 0h${w - 28}l14 ${h / 2}-14 ${h / 2}H14L0 ${h / 2}z` });
  return make("rect", { class: "shape", width: w, height: h, rx: kind === "System" ? 2 : 8 });
}

function drawNode(node, at) {
  const group = make("g", {
    class: `node ${node.kind}${node.focus ? " focus" : ""}`,
    transform: `translate(${at.x - WIDTH / 2} ${at.y - HEIGHT / 2})`,
  });
  const down = node.kind === "Datastore" ? 5 : 0;
  const label = make("text", { x: WIDTH / 2, y: 18 + down, "text-anchor": "middle" }, cut(node.label, 23));
  const words = node.kind === "System" ? `${node.size} things` : [node.kind.toLowerCase(), node.tier === null ? "" : `tier ${node.tier}`].filter(Boolean).join(" · ");
  const sub = make("text", { class: "sub", x: WIDTH / 2, y: 31 + down, "text-anchor": "middle" }, words);
  const link = make("a", { href: address(node) }, shape(node.kind), label, " ", sub);
  link.append(make("title", {}, `${node.id}${node.owner ? `\n${node.owner}` : ""}`));
  link.dataset.id = node.id;
  group.append(link);
  return group;
}

function address(node) {
  if (node.kind === "System") return join(stage.dataset.map, `system=${encodeURIComponent(node.label)}`);
  const [path, query] = stage.dataset.entity.split("?");
  return path + node.id + (query ? `?${query}` : "");
}

const join = (url, query) => `${url}${url.includes("?") ? "&" : "?"}${query}`;

function drawEdge(edge, points) {
  const [first, ...rest] = points;
  const last = rest.pop();
  let path = `M${first.x} ${first.y}`;
  // Curves through the middles of dagre's control points.
  rest.forEach((point, index) => {
    const next = rest[index + 1] || last;
    path += `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  path += `L${last.x} ${last.y}`;
  const element = make("path", { class: edge.critical ? "edge" : "edge soft", d: path, "marker-end": "url(#arrow)" });
  element.dataset.source = edge.source;
  element.dataset.target = edge.target;
  return element;
}

function draw(data) {
  const graph = layout(data);
  const scene = make("g", {});
  for (const id of graph.nodes().filter((one) => one.startsWith("system:"))) {
    const box = graph.node(id);
    const corner = { x: box.x - box.width / 2, y: box.y - box.height / 2 };
    scene.append(make("g", { class: "cluster" },
      make("rect", { x: corner.x, y: corner.y - 14, width: box.width, height: box.height + 14, rx: 10 }),
      make("text", { x: corner.x + 12, y: corner.y + 4 }, id.slice(7))));
  }
  for (const edge of data.edges) scene.append(drawEdge(edge, graph.edge(edge.source, edge.target).points));
  for (const node of data.nodes) scene.append(drawNode(node, graph.node(node.id)));
  const svg = make("svg", { role: "group", "aria-label": "Map of the estate", tabindex: "0" },
    make("defs", {}, make("marker", { id: "arrow", viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 8, markerHeight: 8, orient: "auto-start-reverse" }, make("path", { class: "arrow", d: "M0 1l9 4-9 4z" }))),
    scene);
  return { svg, scene, width: graph.graph().width, height: graph.graph().height };
}

// ---- moving, zooming, pointing -----------------------------------------------------------------

function movable({ svg, scene, width, height }) {
  let view = { x: 0, y: 0, k: 1 };
  const apply = () => scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
  const size = () => svg.getBoundingClientRect();

  function fit() {
    const box = size();
    const k = Math.min(1.15, (box.width - 24) / width, (box.height - 24) / height);
    view = { k, x: (box.width - width * k) / 2, y: (box.height - height * k) / 2 };
    apply();
  }
  function zoom(factor, at) {
    const box = size();
    const centre = at || { x: box.width / 2, y: box.height / 2 };
    const k = Math.min(4, Math.max(0.05, view.k * factor));
    view = { k, x: centre.x - ((centre.x - view.x) * k) / view.k, y: centre.y - ((centre.y - view.y) * k) / view.k };
    apply();
  }
  function move(x, y) {
    view = { ...view, x: view.x + x, y: view.y + y };
    apply();
  }

  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = size();
    zoom(event.deltaY < 0 ? 1.12 : 1 / 1.12, { x: event.clientX - box.left, y: event.clientY - box.top });
  }, { passive: false });
  let held = null;
  let moved = false;
  svg.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY };
    moved = false;
  });
  addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    if (!moved && Math.hypot(x, y) < 4) return;
    moved = true;
    svg.classList.add("grabbing");
    held = { x: event.clientX, y: event.clientY };
    move(x, y);
  });
  addEventListener("pointerup", () => {
    held = null;
    svg.classList.remove("grabbing");
  });
  svg.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (moved) event.preventDefault();
    else if (link && event.shiftKey) {
      event.preventDefault();
      location.href = join(stage.dataset.map, `focus=${encodeURIComponent(link.dataset.id)}`);
    }
  });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  svg.addEventListener("keydown", (event) => {
    if (steps[event.key]) move(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") zoom(ZOOM_STEP);
    else if (event.key === "-") zoom(1 / ZOOM_STEP);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });
  const acts = { in: () => zoom(ZOOM_STEP), out: () => zoom(1 / ZOOM_STEP), fit };
  for (const button of stage.querySelectorAll("[data-zoom]")) button.onclick = acts[button.dataset.zoom];
  fit();
  addEventListener("resize", fit);
}

function pointing(svg) {
  const show = (id) => {
    const near = new Set([id]);
    for (const edge of svg.querySelectorAll(".edge")) {
      const on = id && (edge.dataset.source === id || edge.dataset.target === id);
      edge.classList.toggle("near", Boolean(on));
      edge.classList.toggle("dim", Boolean(id) && !on);
      if (on) near.add(edge.dataset.source).add(edge.dataset.target);
    }
    for (const link of svg.querySelectorAll(".node a")) {
      link.parentNode.classList.toggle("dim", Boolean(id) && !near.has(link.dataset.id));
      link.parentNode.classList.toggle("near", id === link.dataset.id);
    }
  };
  const of = (event) => event.target.closest("a")?.dataset.id;
  svg.addEventListener("pointerover", (event) => show(of(event)));
  svg.addEventListener("pointerleave", () => show(undefined));
  svg.addEventListener("focusin", (event) => show(of(event)));
  svg.addEventListener("focusout", () => show(undefined));
}

async function load() {
  const waiting = stage.querySelector(".waiting");
  try {
    const answer = await fetch(stage.dataset.graph, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const drawn = draw(await answer.json());
    stage.querySelector("svg")?.remove();
    waiting.hidden = true;
    stage.prepend(drawn.svg);
    movable(drawn);
    pointing(drawn.svg);
  } catch (error) {
    waiting.hidden = false;
    waiting.textContent = `The map cannot be drawn (${error.message}). The list below says the same.`;
  }
}

if (stage) {
  load();
  document.addEventListener("telford:changed", (event) => {
    if (event.detail.includes("estate")) load();
  });
}
