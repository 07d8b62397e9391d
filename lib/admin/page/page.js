"use strict";
// The live page: takes the samples of the last ten minutes and then one each second, draws them, and
// sends what is chosen.

const $ = id => document.getElementById(id);
const samples = [];
const charts = [];
let changes = [], seenChanges = -1, token = "", settings = {}, capacityMax = 1, lastHeard = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null) continue;
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// -- asking --

function headers(more = {}) {
  return token ? { Authorization: `Bearer ${token}`, ...more } : more;
}

async function ask(path, method = "GET", body = undefined) {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(path, { method, body: sent,
    headers: headers(sent === undefined ? {} : { "Content-Type": "application/json" }) });
  const json = await answer.json();
  if (answer.status === 401) askForToken();
  if (json.error) throw new Error(json.error.join("\n"));
  return json;
}

async function change(path, method, body) {
  say("");
  try {
    const { changed } = await ask(path, method, body);
    say(changed.length === 0 ? "That is how it is already."
      : changed.map(c => `${c.key} ${c.from} → ${c.to}`).join("\n"));
  } catch (error) {
    say(error.message, true);
  }
  await readSettings();
}

function say(words, isBad = false) {
  $("answer").textContent = words;
  $("answer").className = isBad ? "bad" : "";
}

function askForToken() {
  $("token-form").hidden = false;
  $("token").focus();
}

function takeToken() {
  const found = /[#&]token=([^&]*)/.exec(location.hash);
  if (found) {
    sessionStorage.setItem("token", decodeURIComponent(found[1]));
    history.replaceState(null, "", location.pathname);  // it stays out of pictures of the screen
  }
  token = sessionStorage.getItem("token") || "";
}

// -- the stream --

async function listen() {
  for (;;) {
    try {
      samples.length = 0;
      samples.push(...await ask("api/samples"));
      await readSettings();
      await readStream(await fetch("api/events", { headers: headers() }));
    } catch (error) {
      if (!(error instanceof TypeError)) console.info(error.message);
    }
    showConnection();
    await new Promise(done => setTimeout(done, 1000));
  }
}

async function readStream(answer) {
  if (!answer.ok) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "";;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2))
      take(JSON.parse(text.slice(6, end)));
  }
}

/** A busy generator may miss a sample: then its figures are missing, not its charts. */
const NO_LOAD = { offered_cps: null, completed_cps: null, failed_cps: null, exhausted_cps: null };
let hasLoad = false;

function take(sample) {
  lastHeard = Date.now();
  hasLoad = hasLoad || sample.load !== undefined;
  if (hasLoad && sample.load === undefined) sample.load = NO_LOAD;
  samples.push(sample);
  const oldest = sample.t - 60 * MINUTES;
  while (samples.length > 0 && samples[0].t < oldest) samples.shift();
  if (sample.changes !== seenChanges) {
    seenChanges = sample.changes;
    readSettings();
  }
  show(sample);
}

// -- showing --

function show(sample) {
  showConnection();
  showBanner(sample);
  showTiles(sample);
  LISTS.forEach(list => showList(list, sample));
  showLinks(sample);
  charts.forEach(drawChart);
}

function showConnection() {
  const silent = (Date.now() - lastHeard) / 1000;
  const isLive = silent < 5;
  $("connection").textContent = isLive ? "live" : lastHeard ? `no answer for ${Math.round(silent)} s`
    : "connecting";
  $("connection").className = `state ${isLive ? "good" : "bad"}`;
}

function showBanner(sample) {
  const lines = sample.problems.map(one => make("div", { class: `problem ${one.level}` },
    make("p", {}, make("b", { text: one.what }),
      one.do ? make("span", { text: ` — ${one.do}` }) : ""),
    one.policy && one.policy !== sample.policy ? pressFor(one.policy) : ""));
  if (lines.length === 0)
    lines.push(make("div", { class: "problem good" }, make("p", {}, make("b", {
      text: "All is well" }), make("span", { text: ` — ${whole(sample.cps)} connections/s, `
      + `TIME_WAIT ${percent(sample.time_wait.now, sample.time_wait.capacity)} full` }))));
  const key = JSON.stringify(sample.problems.map(one => [one.key, one.what]));
  if ($("banner").dataset.key === key && sample.problems.length > 0) return;
  const held = document.activeElement?.dataset?.press;  // the keyboard stays where it is
  $("banner").dataset.key = key;
  $("banner").replaceChildren(...lines);
  if (held) document.querySelector(`[data-press="${CSS.escape(held)}"]`)?.focus();
}

function pressFor(policy) {
  const button = make("button", { type: "button", "data-press": policy, text: `use ${policy}` });
  button.addEventListener("click", () => choosePolicy(policy));
  return button;
}

function showTiles(sample) {
  if ($("tiles").children.length === 0)
    $("tiles").append(...TILES.map(tile => make("div", { class: "tile" },
      make("span", { class: "title", text: tile.title }), make("b"), make("span", { class: "below" }))));
  TILES.forEach((tile, i) => {
    const [, value, below] = $("tiles").children[i].children;
    $("tiles").children[i].hidden = Boolean(tile.optional && !tile.optional(sample));
    if ($("tiles").children[i].hidden) return;
    value.textContent = tile.value(sample);
    below.textContent = tile.below(sample);
    $("tiles").children[i].classList.toggle("bad", Boolean(tile.bad && tile.bad(sample)));
  });
}

function showList(list, sample) {
  const rows = list.rows(sample), most = Math.max(1, ...rows.map(([, n]) => n));
  const body = $(list.id);
  body.replaceChildren(...rows.map(([name, n]) => {
    const bar = make("span", { class: "bar" }, make("i"));
    bar.firstChild.style.width = `${100 * n / most}%`;
    return make("li", {}, make("span", { text: name }), bar,
      make("span", { class: "number", text: list.value(n) }));
  }));
  if (rows.length === 0) body.append(make("li", { class: "none", text: list.empty }));
}

function showLinks(sample) {
  $("links").replaceChildren(...sample.links.map(link => make("li", {
    class: link.problem ? "bad" : "" }, make("span", { class: "mark", text: link.state }),
    make("span", { text: ` ${link.device}` }),
    make("span", { class: "below", text: link.problem || (link.changes
      ? `${link.changes} changes, the last ${time(Math.round(link.last_change_s))} ago`
      : `MTU ${link.mtu || "unknown"}`) }))));
  if (sample.links.length === 0) $("links").append(make("li", { class: "none", text: "in memory" }));
}

function help(of) {
  return make("details", { class: "help" }, make("summary", { "aria-label": `What is ${of.title}?`,
    text: "?" }), make("p", { text: of.help }));
}

function frame(of, body, isWide = false) {
  return make("figure", { class: isWide ? "wide" : "", "data-figure": of.id },
    make("figcaption", {}, make("h2", { text: of.title }), help(of)), body);
}

function build() {
  for (const chart of CHARTS) {
    const legend = make("div", { class: "legend", "aria-hidden": "true" });
    const canvas = make("div", { class: "chart", role: "img", "aria-label": chart.title });
    const figure = frame(chart, canvas, chart.wide);
    figure.append(legend);
    $("figures").append(figure);
    charts.push({ ...chart, figure, canvas, legend, graph: null });
  }
  for (const list of LISTS) $("figures").append(frame(list, make("ul", { id: list.id, class: "bars" })));
  $("figures").append(frame({ id: "links-figure", title: "Links",
    help: "The ports and whether their links work: up, no_carrier (nothing at the other end), down "
      + "(switched off) or gone." }, make("ul", { id: "links" })));
}

// -- charts --

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function seriesOf(chart, sample) {
  if (chart.id !== "busy") return chart.series;
  const hues = ["--measured", "--second", "--limit", "--wanted", "--bad"];
  const all = sample.busy.map((_, i) => [`core ${i}`, hues[i % hues.length],
    s => s.busy[i] === undefined ? null : 100 * s.busy[i]]);
  (sample.client ? sample.client.busy : []).forEach((_, i) => all.push([`client core ${i}`,
    hues[(i + sample.busy.length) % hues.length],
    s => s.client && s.client.busy[i] !== undefined ? 100 * s.client.busy[i] : null]));
  return all;
}

function drawChart(chart) {
  const last = samples.at(-1);
  chart.figure.hidden = Boolean(chart.optional && !chart.optional(last));
  if (chart.figure.hidden) return;
  const used = seriesOf(chart, last).filter(([, , of]) => chart.optional
    || (chart.stacked ? samples.some(s => of(s) > 0) : of(last) !== null));
  // An empty stack has a line all the same: ESTABLISHED.
  if (used.length === 0) used.push(chart.series[2]);
  const labels = ["time", ...used.map(([name]) => name)];
  const rows = samples.map(s => [new Date(s.t * 1e3), ...used.map(([, , of]) => of(s) ?? null)]);
  const begin = Math.min(samples[0].t, last.t - 30);  // at least half a minute wide
  const window = [Math.max(begin, last.t - 60 * MINUTES) * 1e3, last.t * 1e3];
  const range = chart.isZoomed ? null : window;
  if (chart.graph && String(chart.labels) === String(labels)) {
    chart.graph.updateOptions({ file: rows, ...(range ? { dateWindow: range } : {}),
      ...(chart.most ? { valueRange: rangeOf(chart) } : {}) });
  } else {
    chart.graph?.destroy();
    chart.labels = labels;
    chart.graph = new Dygraph(chart.canvas, rows, options(chart, used, labels, window));
  }
  showLegend(chart, used, last);
}

function rangeOf(chart) {
  if (chart.most) return [0, samples.reduce((most, s) => Math.max(most, chart.most(s)), 1)];
  return chart.top ? [0, chart.top * 1.02] : chart.log ? undefined : [0, null];
}

/** Powers of ten, and where they are few 2 and 5 times them. */
function decades(low, high) {
  const ticks = [], steps = high / Math.max(low, 1e-9) > 1e3 ? [1] : [1, 2, 5];
  for (let p = -4; p <= 7; ++p)
    for (const n of steps) {
      const v = n * 10 ** p;
      if (v >= low && v <= high) ticks.push({ v, label: time(v / 1e3) });
    }
  return ticks;
}

function options(chart, used, labels, window) {
  const axis = colour("--muted");
  const more = {};
  used.forEach(([name, , , extra]) => { more[name] = extra || {}; });
  return {
    labels, dateWindow: window, colors: used.map(([, hue]) => colour(hue)), series: more,
    stackedGraph: Boolean(chart.stacked), fillAlpha: .14, strokeWidth: 1.4, legend: "never",
    axisLineColor: colour("--rule"), gridLineColor: colour("--rule"), gridLineWidth: .5,
    axisLabelFontSize: 11, drawPoints: false, includeZero: !chart.log, logscale: false,
    valueRange: rangeOf(chart),
    yRangePad: 4,
    axes: {
      x: { axisLabelFormatter: d => d.toTimeString().slice(0, d.getSeconds() ? 8 : 5),
        pixelsPerLabel: 80, axisLabelWidth: 64 },
      y: { axisLabelFormatter: v => short(v), axisLabelWidth: 44, logscale: Boolean(chart.log),
        ...(chart.log ? { ticker: decades } : {}) },
    },
    zoomCallback: (from, to) => {  // a double click shows all, which is no zoom
      chart.isZoomed = from > samples[0].t * 1e3 + 1 || to < samples.at(-1).t * 1e3 - 1;
    },
    underlayCallback: (context, area, graph) => drawChanges(chart, context, area, graph),
    highlightCallback: (event, x, points, row) => showLegend(chart, used, samples[row]),
    unhighlightCallback: () => showLegend(chart, used, samples.at(-1)),
  };
}

/** A line at each change, and in the first chart its flag: what was changed. */
function drawChanges(chart, context, area, graph) {
  const ink = colour("--ink"), ground = colour("--card"), edge = colour("--margin-line");
  context.save();
  context.font = "11px sans-serif";
  context.textBaseline = "middle";
  const rows = [-Infinity, -Infinity, -Infinity];  // where the last flag of each row ends
  for (const one of changes) {
    const x = graph.toDomXCoord(one.t * 1e3);
    if (x < area.x || x > area.x + area.w) continue;
    context.strokeStyle = edge;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x, area.y);
    context.lineTo(x, area.y + area.h);
    context.stroke();
    if (!chart.wide) continue;
    const words = one.what.replace(/^policy |^set time_wait\./, "");
    const width = context.measureText(words).width + 10;
    // To the left of its line, or to the right where the chart begins.
    const left = x - width < area.x ? x : x - width;
    const row = rows.findIndex(end => left >= end);
    if (row < 0) continue;
    rows[row] = left + width + 2;
    context.setLineDash([]);
    context.fillStyle = ground;
    context.fillRect(left, area.y + 2 + 19 * row, width, 17);
    context.strokeRect(left + .5, area.y + 2.5 + 19 * row, width - 1, 16);
    context.fillStyle = ink;
    context.fillText(words, left + 5, area.y + 11 + 19 * row);
  }
  context.restore();
}

function showLegend(chart, used, sample) {
  if (!sample) return;
  chart.legend.replaceChildren(...used.map(([name, hue, of]) => {
    const value = of(sample);
    const key = make("i");
    key.style.background = `var(${hue})`;
    return make("span", {}, key, `${name} `, make("b", { text: value === null || value === undefined
      ? "–" : chart.unit === " ms" ? time(value / 1e3) : `${short(value)}${chart.unit || ""}` }));
  }));
}

function redraw() {
  for (const chart of charts) {
    chart.graph?.destroy();
    chart.graph = null;
    if (samples.length > 0) drawChart(chart);
  }
}

// -- choosing --

const HOLD_LEAST = .05, HOLD_MOST = 600, CAPACITY_LEAST = 100;
const between = (low, high, share) => low * (high / low) ** share;
const shareOf = (low, high, value) => Math.log(Math.max(value, low) / low) / Math.log(high / low);

function seconds(text) {
  const [, number, unit] = /^([\d.]+)(us|ms|s|min|h)?$/.exec(text) || [0, 0, "s"];
  return number * { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600 }[unit || "s"];
}
function amount(text) {
  const [, number, unit] = /^([\d.]+)([kMG])?$/.exec(text) || [0, 0];
  return number * ({ k: 1e3, M: 1e6, G: 1e9 }[unit] || 1);
}
function holdChosen() {
  const at = Number($("hold").value) / 1000;
  if (at === 0) return "0";
  const s = between(HOLD_LEAST, HOLD_MOST, at);
  return s < 1 ? `${Number((s * 1e3).toPrecision(2))}ms` : `${Number(s.toPrecision(2))}s`;
}
function capacityChosen() {
  const share = Number($("capacity").value) / 1000;
  if (share === 1) return String(capacityMax);
  return String(Math.round(Number(between(CAPACITY_LEAST, capacityMax, share).toPrecision(2))));
}

async function readSettings() {
  const [policies, values, past] = await Promise.all(
    ["api/policy", "api/configuration", "api/history"].map(path => ask(path)));
  settings = values;
  changes = past;
  capacityMax = Math.max(policies.capacity_max, CAPACITY_LEAST + 1);
  showPolicies(policies);
  showSliders();
  showFirst();
  showSet(policies.set);
  $("changes").replaceChildren(...past.slice(-8).reverse().map(one => make("li", {},
    make("time", { text: new Date(one.t * 1e3).toTimeString().slice(0, 8) }),
    make("b", { text: ` ${one.what}` }),
    make("span", { class: "below", text: `${one.changed.map(c => `${c.key} ${c.from} → ${c.to}`)
      .join(", ")}${one.changed.length ? ", " : ""}by ${one.by}` }))));
  if (past.length === 0) $("changes").append(make("li", { class: "none", text: "none yet" }));
}

function showPolicies({ policy, trial, policies }) {
  const names = policies.map(one => one.name);
  if (policy && !names.includes(policy)) names.unshift(policy);
  const choices = names.map(name => make("option", { value: name, text: name }));
  if (!policy) choices.unshift(make("option", { value: "", text: "as the file says" }));
  if (document.activeElement !== $("policy") || $("policy").options.length === 0
      || $("policy").value !== policy) $("policy").replaceChildren(...choices);
  $("policy").value = policy;
  $("policy-note").textContent = policies.find(one => one.name === policy)?.harm || "";
  $("now-policy").textContent = policy ? `policy ${policy}` : "as the file says";
  $("trial").textContent = trial ? `, on trial: back to ${trial.back || "the file"} in `
    + `${Math.round(trial.left_s)} s` : "";
}

function showSliders() {
  const hold = seconds(settings["time_wait.hold"]), capacity = amount(settings["time_wait.capacity"]);
  if (document.activeElement !== $("hold"))
    $("hold").value = hold === 0 ? 0 : Math.round(1000 * shareOf(HOLD_LEAST, HOLD_MOST, hold));
  if (document.activeElement !== $("capacity"))
    $("capacity").value = Math.round(1000 * shareOf(CAPACITY_LEAST, capacityMax, capacity));
  $("hold-value").textContent = `${settings["time_wait.balance"] === "true" ? "at most " : ""}`
    + time(hold);
  $("capacity-value").textContent = settings["time_wait.capacity"];
}

function showFirst() {
  const group = $("first");
  if (group.querySelector("input") === null) {
    for (const who of ["server", "client"]) {
      const input = make("input", { type: "radio", name: "first", value: who, id: `first-${who}` });
      input.addEventListener("change", () => set("close.first", who));
      group.append(make("label", { class: "choice" }, input, ` ${who}`));
    }
  }
  for (const input of group.querySelectorAll("input"))
    input.checked = input.value === settings["close.first"];
}

function showSet(texts) {
  $("set").replaceChildren(...texts.map(text => {
    const key = text.split("=")[0];
    const button = make("button", { type: "button", "aria-label": `take ${key} back`, text: "×" });
    button.addEventListener("click", () => change("api/unset", "POST", { keys: [key] }));
    return make("li", {}, make("code", { text }), button);
  }));
  if (texts.length === 0) $("set").append(make("li", { class: "none", text: "nothing" }));
}

const set = (key, value) => change("api/configuration", "PATCH", { [key]: value });

function choosePolicy(name) {
  if (name) change("api/policy", "PUT", $("for-a-while").checked ? { name, for: "30s" } : { name });
}

function bind() {
  $("policy").addEventListener("change", () => choosePolicy($("policy").value));
  $("hold").addEventListener("input", () => { $("hold-value").textContent = holdChosen(); });
  $("hold").addEventListener("change", () => set("time_wait.hold", holdChosen()));
  $("capacity").addEventListener("input",
    () => { $("capacity-value").textContent = short(Number(capacityChosen())); });
  $("capacity").addEventListener("change", () => set("time_wait.capacity", capacityChosen()));
  $("token-form").addEventListener("submit", event => {
    event.preventDefault();
    token = $("token").value.trim();
    sessionStorage.setItem("token", token);
    $("token-form").hidden = true;
  });
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=password]"))
      return;
    const go = { p: "policy", h: "hold", c: "capacity" }[event.key];
    if (go && !event.target.matches("select")) { $(go).focus(); event.preventDefault(); }
    if (event.key === "f") $(`first-${settings["close.first"] === "server" ? "client" : "server"}`).click();
    if (event.key === "?") toggleHelp();
    if (event.key === "Escape") toggleHelp(false);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  setInterval(showConnection, 1000);
}

function toggleHelp(open) {
  const all = [...document.querySelectorAll(".help")];
  const wanted = open ?? !all.some(one => one.open);
  all.forEach(one => { one.open = wanted; });
}

takeToken();
build();
bind();
bindPlan();
listen();
