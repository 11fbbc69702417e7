// The charts of a release: weights, rates with their intervals, evidence climbing to its bounds.
// Data come from /api/releases/ID/evidence; numbers beside the picture come from the page itself.

const HEIGHT = 190;
const plots = [...document.querySelectorAll("[data-chart]")];
const first = plots.find((one) => one.dataset.source);
const dark = matchMedia("(prefers-color-scheme: dark)");
let drawn = [];
let latest = null;

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const pad = (number) => String(number).padStart(2, "0");

// As telford.portal.texts.rate writes it.
function percent(value) {
  if (value > 0 && value < 0.001) return "<0.001%";
  return `${value >= 10 || value === 0 ? +value.toFixed(2) : value.toPrecision(2)}%`;
}


function utc(seconds, long) {
  const date = new Date(seconds * 1000);
  const time = `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
  return long ? `${date.toISOString().slice(0, 10)} ${time} UTC` : time;
}

function power(value) {
  if (value >= 6) return "over 1,000,000";
  const number = 10 ** value;
  return number >= 10 ? Math.round(number).toLocaleString("en") : String(+number.toPrecision(2));
}

// ---- what each kind of chart draws ---------------------------------------------------------------

const kinds = {
  weight(data, element, colours) {
    return {
      columns: [data.at, data.weight],
      series: [{ label: element.name, stroke: colours.canary, width: 2, fill: `${colours.canary}22`, paths: uPlot.paths.stepped({ align: 1 }) }],
      range: () => [0, 100],
      tick: (value) => `${value}%`,
      read: (at) => `${element.name} ${percent(data.weight[at])} of the requests`,
      labels: [],
      ends: [],
    };
  },
  rate(data, element, colours, dataset) {
    const one = data.indicators[dataset.indicator];
    const scale = (column) => column.map((value) => (value === null ? null : value * 100));
    const budget = Number(dataset.budget) * 100;
    const columns = [data.at, scale(one.stable_high), scale(one.stable_low), scale(one.stable), scale(one.canary_high), scale(one.canary_low), scale(one.canary), data.at.map(() => budget)];
    const line = (stroke, width) => ({ stroke, width });
    const edge = (stroke) => ({ stroke: `${stroke}66`, width: 0.5 });
    return {
      columns,
      series: [edge(colours.stable), edge(colours.stable), line(colours.stable, 2), edge(colours.canary), edge(colours.canary), line(colours.canary, 2), { stroke: colours.ink, width: 1, dash: [5, 4] }],
      bands: [{ series: [1, 2], fill: `${colours.stable}26` }, { series: [4, 5], fill: `${colours.canary}26` }],
      range: () => [0, top(columns, budget)],
      tick: percent,
      read: (at) => [["canary", element.name], ["stable", element.stableName]]
        .filter(([arm]) => one[arm][at] !== null)
        .map(([arm, name]) => `${name} ${percent(one[arm][at] * 100)} (${percent(one[`${arm}_low`][at] * 100)} to ${percent(one[`${arm}_high`][at] * 100)})`).join("; "),
      labels: [{ y: budget, text: `budget ${percent(budget)}`, colour: colours.ink }],
      ends: [[3, element.stableName, colours.stable], [6, element.name, colours.canary]],
    };
  },
  evidence(data, element, colours, dataset) {
    const one = data.indicators[dataset.indicator];
    const columns = [data.at, one.rollback, one.promotion, one.rollback_bound, one.promotion_bound];
    const bound = (column) => last(column) ?? 0;
    const values = [...one.rollback, ...one.promotion, ...one.rollback_bound, ...one.promotion_bound].filter((value) => value !== null);
    const high = Math.min(Math.max(3, ...values) + 0.5, Math.max(bound(one.rollback_bound), bound(one.promotion_bound)) + 1.5);
    return {
      columns,
      series: [{ stroke: colours.bad, width: 2 }, { stroke: colours.good, width: 2 }, { stroke: colours.bad, width: 1, dash: [5, 4] }, { stroke: colours.good, width: 1, dash: [5, 4] }],
      range: () => [-1.5, high],
      tick: (value) => (Number.isInteger(value) ? power(value) : ""),
      read: (at) => `to roll back ${power(one.rollback[at])} of ${power(one.rollback_bound[at])}; to go on ${power(one.promotion[at])} of ${power(one.promotion_bound[at])}`,
      labels: [
        { y: bound(one.rollback_bound), text: `roll back at ${power(bound(one.rollback_bound))}`, colour: colours.bad },
        { y: bound(one.promotion_bound), text: `go on at ${power(bound(one.promotion_bound))}`, colour: colours.good, below: true },
      ],
      ends: [[1, "to roll back", colours.bad], [2, "to go on", colours.good]],
    };
  },
};

// The budget is always in sight; a first wide interval must not flatten everything else.
function top(columns, budget) {
  const lines = [...columns[3], ...columns[6], budget * 1.3].filter((value) => value !== null);
  const highs = [columns[1], columns[4]].map((column) => last(column) ?? 0);
  return Math.max(...lines, ...highs) * 1.1 || 1;
}

// ---- drawing ---------------------------------------------------------------------------------------

function palette() {
  return {
    canary: style(`--v${first.dataset.canary}`), stable: style(`--v${first.dataset.stable}`),
    ink: style("--ink-2"), line: style("--line"), good: style("--good"), bad: style("--bad"),
  };
}

function marks(plot, spec, changes, colours) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px ${style("--sans")}`;
  for (const change of changes) {
    const x = plot.valToPos(change.at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = change.decision === "rollback" ? colours.bad : colours.good;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.textAlign = "left";
  for (const label of spec.labels) {
    const y = plot.valToPos(label.y, "y", true) + (label.below ? 14 : -5) * devicePixelRatio;
    ctx.fillStyle = label.colour;
    ctx.fillText(label.text, bbox.left + 6 * devicePixelRatio, y);
  }
  ends(plot, spec);
  ctx.restore();
}

// Each line is named where it ends, not in a legend; two that end close together are kept apart.
function ends(plot, spec) {
  const { ctx, bbox } = plot;
  const gap = 14 * devicePixelRatio;
  const bottom = bbox.top + bbox.height;
  const named = spec.ends
    .map(([column, text, colour]) => ({ text, colour, y: last(spec.columns[column]) }))
    .filter((one) => one.y !== null)
    .map((one) => ({ ...one, y: Math.min(bottom, Math.max(bbox.top + gap, plot.valToPos(one.y, "y", true) + gap / 3)) }))
    .sort((a, b) => b.y - a.y);
  named.forEach((one, at) => {
    if (at) one.y = Math.min(one.y, named[at - 1].y - gap);
    ctx.fillStyle = one.colour;
    ctx.fillText(one.text, bbox.left + bbox.width + 6 * devicePixelRatio, one.y);
  });
}

const last = (column) => (column.length ? column[column.length - 1] : null);

function draw(element, data, colours) {
  const names = { name: first.dataset.canaryName, stableName: first.dataset.stableName };
  const spec = kinds[element.dataset.chart](data, names, colours, element.dataset);
  const readout = element.parentNode.querySelector(".readout");
  const say = (at) => {
    readout.textContent = data.at.length ? `${utc(data.at[at], true)}: ${spec.read(at)}` : "nothing counted yet";
  };
  const axis = { stroke: colours.ink, grid: { stroke: colours.line, width: 1 }, ticks: { show: false }, font: `12px ${style("--sans")}` };
  const plot = new uPlot({
    width: element.clientWidth,
    height: element.dataset.chart === "weight" ? HEIGHT * 0.6 : HEIGHT,
    padding: [10, spec.ends.length ? 74 : 34, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
    scales: { x: { time: true }, y: { range: spec.range } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    axes: [
      { ...axis, grid: { show: false }, values: (_, at) => at.map((one) => utc(one)), space: 90 },
      { ...axis, values: (_, at) => at.map(spec.tick), size: 62, space: 34 },
    ],
    series: [{}, ...spec.series.map((one) => ({ points: { show: false }, ...one }))],
    bands: spec.bands || [],
    hooks: {
      draw: [(self) => marks(self, spec, data.changes, colours)],
      setCursor: [(self) => say(self.cursor.idx ?? data.at.length - 1)],
    },
  }, spec.columns, element);
  say(data.at.length - 1);
  return plot;
}

function drawAll() {
  if (!latest) return;
  for (const plot of drawn) plot.destroy();
  const colours = palette();
  drawn = plots.map((element) => draw(element, latest, colours));
}

async function load() {
  try {
    const answer = await fetch(first.dataset.source, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    latest = await answer.json();
    if (!latest.at.length) {
      for (const element of plots) element.parentNode.querySelector(".readout").textContent = "nothing counted yet";
      return;
    }
    drawAll();
  } catch (error) {
    for (const element of plots) element.parentNode.querySelector(".readout").textContent = `The chart cannot be drawn (${error.message}); the numbers are in the table.`;
  }
}

if (first) {
  load();
  document.addEventListener("telford:changed", (event) => {
    if (event.detail.some((topic) => topic.startsWith("release/"))) load();
  });
  dark.addEventListener("change", drawAll);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) drawAll();
    width = innerWidth;
  });
}

