// One picture of all policies: what each carries against what it harms.

const PICTURE_HEIGHT = 400;

/** [{name, rate, harm, server, client}, ...] of a situation, or of all together. */
function picturePoints(result, situation) {
  const of = result.situations.filter((one) => situation === "all" || one.name === situation);
  const rows = of.flatMap((one) => one.policies).filter(
      (row) => isNumber(row.sustained_cps) && isNumber(row.harms_per_million));
  const names = [...new Set(rows.map((row) => row.policy))];
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  return names.map((name) => {
    const own = rows.filter((row) => row.policy === name);
    return { name, rate: mean(own.map((row) => row.sustained_cps)),
             harm: mean(own.map((row) => row.harms_per_million)),
             server: most(own.map((row) => row.server_bytes)),
             client: most(own.map((row) => row.client_bytes)) };
  });
}

/** Without situations: the policies' own experiments and the whole ledger. */
function policyPoints(result) {
  const ledger = new Map(result.hazards.ledger.map((row) => [row.policy, row]));
  return result.policies.filter((p) => isNumber(p.sustained_cps) && ledger.has(p.name)).map((p) => {
    const row = ledger.get(p.name);
    return { name: p.name, rate: p.sustained_cps, harm: 1e6 * row.harms / row.connections,
             server: p.server_bytes || 0, client: p.client_bytes || 0 };
  });
}

/** To three places. */
function rounded(value) {
  return +value.toPrecision(3);
}

/** Those than which no other carries more and harms less. */
function paretoFront(points) {
  const better = (a, b) => a.rate >= b.rate && a.harm <= b.harm &&
      (a.rate > b.rate || a.harm < b.harm);
  return points.filter((point) => !points.some((other) => better(other, point)))
      .sort((a, b) => a.harm - b.harm || a.rate - b.rate);
}

/** Places in pixels. What harms nobody has a column of its own, where x means nothing. */
function pictureScales(points, width) {
  const box = { left: 48, right: width - 16, top: 26, bottom: PICTURE_HEIGHT - 46 };
  const harms = points.map((p) => p.harm).filter((harm) => harm > 0);
  const none = box.left + (box.right - box.left) * (harms.length === 0 ? 1 : .36);
  const low = Math.floor(Math.log10(Math.min(...harms))), high = Math.ceil(Math.log10(most(harms)));
  const span = Math.max(1, high - low);
  const rate = 1.08 * most(points.map((p) => p.rate)) || 1;
  const memory = most(points.map((p) => Math.max(p.server, p.client))) || 1;
  return {
    box, none, low, high: low + span, rate,
    x: (harm) => none + 22 + (Math.log10(harm) - low) / span * (box.right - none - 44),
    y: (value) => box.bottom - value / rate * (box.bottom - box.top),
    r: (bytes) => bytes > 0 ? 4 + 12 * Math.sqrt(bytes / memory) : 3,
  };
}

/** Dots that would cover each other are moved apart sideways, in the order of their names. */
function placeDots(points, scales) {
  const harmless = points.filter((p) => p.harm === 0);
  const step = (scales.none - scales.box.left - 24) / Math.max(1, harmless.length);
  const placed = [];
  for (const point of points) {
    const r = Math.max(scales.r(point.server), 8);
    let x = point.harm > 0 ? scales.x(point.harm)
                           : scales.box.left + 14 + step * (harmless.indexOf(point) + .5);
    const y = scales.y(point.rate);
    const covers = () => placed.some((p) => Math.hypot(p.x - x, p.y - y) < 15);
    for (let tries = 0; point.harm > 0 && covers() && tries < 30; ++tries) x += 4;
    placed.push({ ...point, x: Math.min(x, scales.box.right - 8), y, r });
  }
  return placed;
}

function pictureAxes(scales) {
  const { box } = scales, parts = [];
  const text = (x, y, words, anchor) => svg("text", { x, y, "text-anchor": anchor }, words);
  for (let i = 0; i <= 4; ++i) {
    const value = scales.rate * i / 4, y = scales.y(value);
    parts.push(svg("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: "grid" }),
               text(box.left - 6, y + 4, short(rounded(value)), "end"));
  }
  for (let power = scales.low; power <= scales.high && Number.isFinite(scales.low); ++power) {
    const x = scales.x(10 ** power);
    parts.push(svg("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, class: "grid" }),
               text(x, box.bottom + 16, short(10 ** power), "middle"));
  }
  parts.push(svg("rect", { x: box.left, y: box.top, width: scales.none - box.left,
                           height: box.bottom - box.top, class: "harmless" }),
             text((box.left + scales.none) / 2, box.bottom + 16, "no harm seen", "middle"),
             text(box.right, box.bottom + 36, "harm in a million connections (log)", "end"),
             text(4, 12, "connections / s", "start"));
  return parts;
}

/** The front as steps: with this much harm, no more than this rate. */
function frontLine(placed, scales) {
  const names = new Set(paretoFront(placed).map((p) => p.name));
  const front = placed.filter((p) => names.has(p.name)).sort((a, b) => a.x - b.x);
  if (front.length === 0) return [];
  const path = front.map((p, i) => i === 0 ? `M${p.x} ${p.y}` : `H${p.x}V${p.y}`).join("");
  return svg("path", { d: `${path}H${scales.box.right}`, class: "front" });
}

function pointWords(point) {
  return `${point.name}: ${count(point.rate)}/s, ` +
      (point.harm > 0 ? `${count(point.harm)} harmed in a million` : "no harm seen") +
      `, TIME_WAIT memory ${bytes(point.server)} at the server, ${bytes(point.client)} at the client`;
}

function drawPicture(box, points) {
  const width = Math.max(300, box.clientWidth);
  const scales = pictureScales(points, width), placed = placeDots(points, scales);
  const dots = placed.map((point) => svg(
      "g", { class: "dot", tabindex: 0, role: "img", "aria-label": pointWords(point),
             "data-policy": point.name },
      svg("title", {}, pointWords(point)),
      point.client > 0 ? svg("circle", { cx: point.x, cy: point.y, r: scales.r(point.client) + 3,
                                         class: "client" }) : "",
      svg("circle", { cx: point.x, cy: point.y, r: scales.r(point.server),
                      class: point.server > 0 ? "server" : "nothing" })));
  const numbers = placed.map((point, i) => svg(
      "text", { x: point.x, y: point.y - Math.max(scales.r(point.server),
                point.client > 0 ? scales.r(point.client) + 3 : 0) - 3,
                "text-anchor": "middle", "aria-hidden": "true" }, String(i + 1)));
  const front = new Set(paretoFront(points).map((p) => p.name));
  box.replaceChildren(
      svg("svg", { viewBox: `0 0 ${width} ${PICTURE_HEIGHT}`, width, height: PICTURE_HEIGHT,
                   role: "group", "aria-label": "Policies: rate against harm" },
          pictureAxes(scales), frontLine(placed, scales), dots, numbers),
      el("ol", { class: "points" }, points.map((point) => el(
          "li", { class: front.has(point.name) ? "on-front" : null },
          el("b", {}, point.name), ` ${short(rounded(point.rate))}/s, `,
          point.harm > 0 ? `${count(point.harm)} in a million` : "no harm seen"))));
}

function pictureSection(result) {
  const choices = [["all", "all together (means)"],
                   ...result.situations.map((one) => [one.name, one.title])];
  const hasSituations = picturePoints(result, "all").length > 0;
  const pointsOf = (name) => hasSituations ? picturePoints(result, name) : policyPoints(result);
  if (pointsOf("all").length === 0) return [];
  const box = el("div", { class: "picture" });
  let chosen = "all";
  const redrawPicture = () => drawPicture(box, pointsOf(chosen));
  const radios = choices.map(([name, words]) => {
    const input = el("input", { type: "radio", name: "picture", value: name,
                                checked: name === chosen });
    input.addEventListener("change", () => { chosen = name; redrawPicture(); });
    return el("label", {}, input, " " + words);
  });
  queueMicrotask(redrawPicture);  // when the section is in the page and has a width
  new ResizeObserver(redrawPicture).observe(box);
  return el("section", { id: "picture" }, el("h2", {}, "What each carries, and what it harms"),
            hasSituations ? el("fieldset", { class: "choices" },
                               el("legend", {}, "Situation"), radios) : [],
            box,
            el("p", { class: "note" }, "Filled: TIME_WAIT memory at the server; ring: at the client; " +
               "a point: none. The line is the Pareto front: nothing carries more with less harm " +
               "(bold in the list). Rates are the experiments\u2019, harm is the simulator\u2019s. " +
               "Where no harm was seen, only the height of a dot means something."));
}
