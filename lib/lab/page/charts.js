// The charts of an experiment: the rate, what TIME_WAIT holds, the connections by state, and the
// latency. Drawn when they come into view; all that are unfolded before the page is printed.

const charts = [];

/** What a line stands for: its colour's name in page.css, its dashes and its width. */
const LINES = {
  measured: { words: "measured, connections a second", color: "measured", width: 1.8 },
  offered: { words: "offered", color: "wanted", dash: [2, 3], width: 1.2 },
  allowed: { words: "what the arithmetic allows", color: "limit", dash: [7, 4], width: 1.2 },
  server: { words: "TIME_WAIT at the server", color: "measured", width: 1.8 },
  client: { words: "TIME_WAIT at the client", color: "second", width: 1.8 },
  little: { words: "rate \u00d7 hold (Little\u2019s law): entries held if none was " +
            "refused, evicted or reopened", color: "wanted", dash: [2, 3], width: 1.2 },
  handshake: { words: "SYN_RECEIVED", color: "second", width: 1.4 },
  established: { words: "ESTABLISHED and CLOSE_WAIT", color: "measured", width: 1.6 },
  closing: { words: "FIN_WAIT, CLOSING, LAST_ACK", color: "limit", width: 1.4 },
  clientOpen: { words: "at the client, all but TIME_WAIT", color: "wanted", dash: [2, 3], width: 1.2 },
  capacity: { words: "capacity of the server\u2019s table", color: "limit", dash: [7, 4],
              width: 1.2 },
};

function inkOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/** Of the lines that these experiments' charts have. */
function chartKey(experiments) {
  const own = charts.filter((plot) => experiments.includes(plot.of));
  const used = new Set(own.flatMap((plot) => [...plot.lines, ...plot.levels.map((l) => l.name)]));
  const keys = Object.keys(LINES).filter((name) => used.has(name)).map((name) => {
    const line = LINES[name];
    const drawn = svg("line", { x1: 0, y1: 5, x2: 30, y2: 5, stroke: `var(--${line.color})`,
                                "stroke-width": line.width + .4,
                                "stroke-dasharray": (line.dash || []).join(" ") });
    return el("li", {}, svg("svg", { viewBox: "0 0 30 10" }, drawn), line.words);
  });
  if (own.some((plot) => plot.warmUp > 0)) {
    const shade = svg("rect", { width: 30, height: 10, fill: "var(--shade)" });
    keys.push(el("li", {}, svg("svg", { viewBox: "0 0 30 10" }, shade),
                 "warm-up, not in the figures"));
  }
  return el("ul", { class: "key", "aria-hidden": "true" }, keys);
}

function most(values) {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

/** How far above what was measured a line may lie before it leaves the chart. */
const ROOM = 2.6;

/** The scales that experiments share. A line far above the others (a table that nobody fills, a
 *  hold that nobody keeps) does not press them flat. */
function scalesOf(experiments) {
  const mostOf = (get) => most(experiments.map(get));
  const scale = (measured, wanted) => 1.2 * Math.max(measured, Math.min(wanted, ROOM * measured));
  const rate = mostOf((e) => Math.max(most(e.chart.cps), most(e.chart.offered)));
  const held = mostOf((e) => Math.max(most(e.chart.server_time_wait),
                                      most(e.chart.client_time_wait)));
  const wanted = mostOf((e) => Math.max(most(e.chart.little), capacityOf(e)));
  return { rate: scale(rate, mostOf((e) => e.expected_cps)) || 1,
           entries: scale(held, wanted) || 1 };
}

/** 0 where the server holds none: its capacity means nothing then. */
function capacityOf({ conditions }) {
  return conditions.holder === "server" && conditions.hold_s > 0 ? conditions.capacity : 0;
}

/** A level across the chart; labelLevels says its value. */
function drawLevel(context, area, graph, level) {
  const line = LINES[level.name];
  const y = graph.toDomYCoord(level.value);
  if (y < area.y) return;
  context.save();
  context.strokeStyle = inkOf(line.color);
  context.lineWidth = line.width;
  context.setLineDash(line.dash);
  context.beginPath();
  context.moveTo(area.x, y);
  context.lineTo(area.x + area.w, y);
  context.stroke();
  context.restore();
}

function drawUnderlay(plot) {
  return (context, area, graph) => {
    const from = graph.toDomXCoord(0), to = graph.toDomXCoord(plot.warmUp);
    context.fillStyle = inkOf("shade");
    context.fillRect(from, area.y, Math.min(to, area.x + area.w) - from, area.h);
    plot.levels.forEach((level) => drawLevel(context, area, graph, level));
  };
}

function optionsOf(plot) {
  const lines = plot.lines.map((name) => LINES[name]);
  const series = {};
  plot.lines.forEach((name) => {
    series[name] = { strokePattern: LINES[name].dash || null, strokeWidth: LINES[name].width,
                     fillGraph: name === "measured" || name === "server" };
  });
  return {
    labels: ["t", ...plot.lines],
    colors: lines.map((line) => inkOf(line.color)),
    series,
    fillAlpha: 0.1,
    valueRange: [0, plot.most],
    dateWindow: [0, plot.until],
    legend: "never",
    interactionModel: {},
    highlightCircleSize: 3,
    gridLineColor: inkOf("rule"),
    gridLineWidth: 0.5,
    axisLineColor: inkOf("rule"),
    axes: {
      x: { drawGrid: false, pixelsPerLabel: 45, axisLabelFormatter: (t) => +t.toFixed(2) + " s" },
      y: { axisLabelWidth: 38, pixelsPerLabel: 28, axisLabelFormatter: short },
    },
    underlayCallback: drawUnderlay(plot),
    highlightCallback: (event, t, points) => {
      plot.readout.textContent = seconds(t) + ": " + points.map((p) => count(p.yval)).join(" / ");
    },
    unhighlightCallback: () => { plot.readout.textContent = ""; },
  };
}

function draw(plot) {
  if (plot.graph) return;
  const rows = plot.times.map((t, i) => [t, ...plot.values.map((values) => values[i])]);
  plot.graph = new Dygraph(plot.box, rows, optionsOf(plot));
  labelLevels(plot);
}

/** The levels' values, above what is drawn, so that no line runs through them. */
function labelLevels(plot) {
  const area = plot.graph.getArea();
  for (const level of plot.levels) {
    const y = plot.graph.toDomYCoord(level.value);
    if (y < area.y) continue;
    const label = el("span", { class: "level" }, whole.format(Math.floor(level.value)));
    label.style.top = (y - area.y > 18 ? y - 17 : y + 3) + "px";
    label.style.color = `var(--${LINES[level.name].color})`;
    plot.box.append(label);
  }
}

function redraw(plot) {
  if (!plot.graph) return;
  plot.graph.destroy();
  plot.graph = null;
  draw(plot);
}

/** A chart's elements; it is drawn later. */
function chart(title, words, plot) {
  if (plot.times.length === 0) return el("p", { class: "note" }, title + ": no sample was taken.");
  plot.box = el("div", { class: "chart", role: "img", "aria-label": words });
  plot.readout = el("span", { class: "readout", "aria-hidden": "true" });
  charts.push(plot);
  return el("div", { class: "plot" },
            el("p", { class: "chart-title" }, el("span", {}, title), plot.readout), plot.box);
}

function rateChart(experiment, scales) {
  const { chart: data, conditions } = experiment;
  const open = experiment.offered_cps > 0;
  const isBound = experiment.expected_cps > 0 &&
      (!open || experiment.expected_cps < experiment.offered_cps);
  return chart("connections / s", `Rate of ${experiment.name} over time; figures below`, {
    of: experiment, lines: open ? ["measured", "offered"] : ["measured"],
    values: open ? [data.cps, data.offered] : [data.cps],
    times: data.t, most: scales.rate, warmUp: conditions.warm_up_s, until: untilOf(experiment),
    levels: isBound && experiment.expected_cps < scales.rate
            ? [{ name: "allowed", value: experiment.expected_cps }] : [],
  });
}

function entriesChart(experiment, scales) {
  const { chart: data, conditions } = experiment;
  const columns = { server: data.server_time_wait, client: data.client_time_wait,
                    little: data.little };
  const lines = Object.keys(columns).filter((name) => most(columns[name]) > 0);
  if (lines.length === 0) lines.push("server");
  const capacity = capacityOf(experiment);
  return chart("TIME_WAIT entries", `Entries held in ${experiment.name} over time; figures below`, {
    of: experiment, lines, values: lines.map((name) => columns[name]),
    times: data.t, most: scales.entries, warmUp: conditions.warm_up_s, until: untilOf(experiment),
    levels: capacity > 0 && capacity < scales.entries
            ? [{ name: "capacity", value: capacity }] : [],
  });
}

/** The server's connections by group of states; TIME_WAIT has its own chart. */
function statesChart(experiment) {
  const { chart: data, conditions } = experiment;
  const established = data.server_open.map(
      (open, i) => Math.max(0, open - data.server_half_open[i] - data.server_closing[i]));
  const columns = { handshake: data.server_half_open, established, closing: data.server_closing,
                    clientOpen: data.client_open };
  const lines = Object.keys(columns);
  return chart("connections by state", `Connections by TCP state in ${experiment.name} over time`, {
    of: experiment, lines, values: lines.map((name) => columns[name]), times: data.t,
    most: 1.2 * most(lines.map((name) => most(columns[name]))) || 1, warmUp: conditions.warm_up_s,
    until: untilOf(experiment), levels: [], unshared: true,
  });
}

const PERCENTILES = [["p50", 50], ["p90", 90], ["p99", 99], ["p999", 99.9], ["max", 99.99]];

/** Latency by percentile, both axes logarithmic: each step to the right is a tenth of the rest. */
function latencyPlot(experiment) {
  const latency = experiment.chart.latency || {};
  const points = PERCENTILES.filter(([key]) => latency[key] > 0)
      .map(([key, p]) => ({ key, x: -Math.log10(1 - p / 100), us: latency[key] }));
  if (points.length < 2) return el("p", { class: "note" }, "latency: not measured.");
  const low = Math.floor(Math.log10(points[0].us)), high = Math.ceil(Math.log10(most(points.map((p) => p.us)))) || 1;
  const width = 300, height = 120, last = points[points.length - 1].x;
  const x = (value) => 44 + (value - points[0].x) / (last - points[0].x) * (width - 62);
  const y = (us) => height - 22 - (Math.log10(us) - low) / Math.max(1, high - low) * (height - 34);
  const powers = Array.from({ length: high - low + 1 }, (unused, i) => 10 ** (low + i));
  const words = points.map((p) => `${p.key} ${count(p.us)} \u00b5s`).join(", ");
  return el("div", { class: "plot latency" },
            el("p", { class: "chart-title" }, el("span", {}, "latency by percentile, \u00b5s (log)")),
            svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
                svg("title", {}, words),
                powers.map((us) => [svg("line", { x1: 44, x2: width - 18, y1: y(us), y2: y(us),
                                                  class: "grid" }),
                                    svg("text", { x: 40, y: y(us) + 3, "text-anchor": "end" }, short(us))]),
                svg("polyline", { points: points.map((p) => `${x(p.x)},${y(p.us)}`).join(" "),
                                  class: "curve" }),
                points.map((p) => [svg("circle", { cx: x(p.x), cy: y(p.us), r: 2.5 }),
                                   svg("text", { x: x(p.x), y: height - 6, "text-anchor": "middle" },
                                       p.key === "p999" ? "p99.9" : p.key)])));
}

/** The whole time that was planned, so that an interrupted run is seen to be one. */
function untilOf(experiment) {
  const times = experiment.chart.t;
  return Math.max(experiment.conditions.duration_s, times[times.length - 1] || 0);
}

/** Charts that are folded away are neither drawn nor printed. */
function isUnfolded(plot) {
  return plot.box.closest("details:not([open])") === null;
}

function watchCharts() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((e) => e.isIntersecting)) {
      seen.unobserve(entry.target);
      draw(charts.find((plot) => plot.box === entry.target));
    }
  }, { rootMargin: "400px" });
  charts.forEach((plot) => seen.observe(plot.box));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change",
                                                              () => charts.forEach(redraw));
  const print = (printing) => {
    document.documentElement.classList.toggle("printing", printing);
    charts.filter(isUnfolded).forEach((plot) => (plot.graph ? redraw(plot) : draw(plot)));
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}
