// The page's sections, each made from a part of the result.

function masthead(result) {
  const { origin } = result;
  const known = [["made", origin.when], ["machine", origin.machine], ["version", origin.version],
                 ["commit", origin.commit], ["configuration", origin.config_name]];
  const drawing = svg("svg", { class: "drawing", viewBox: "0 0 222 118", "aria-hidden": "true" },
                      svg("use", { href: "#mayfly" }));
  const label = el("dl", { class: "label" }, known.filter(([, value]) => value).map(
      ([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  return el("header", { class: "masthead" },
            el("div", { class: "name" }, drawing, el("h1", {}, "Mayfly"),
               el("p", { class: "what" }, "Ways out of TIME_WAIT: the gain and the harm of each")),
            label.childElementCount > 0 ? el("details", { class: "made" },
                                             el("summary", {}, "how it was made"), label) : null);
}

function storyMark(holds) {
  return mark(holds, holds === null ? "not judged" : holds ? "holds" : "does not hold");
}

function glance(stories) {
  if (stories.length === 0) return [];
  return el("nav", { "aria-label": "Stories" }, el("ol", { class: "glance" }, stories.map(
      ([number, story]) => el("li", {}, el(
          "a", { href: "#story-" + number },
          el("span", { class: "title" }, number + ". " + story.title), storyMark(story.holds))))));
}

/** The columns of the policy table that an experiment fills. */
const BOUGHT = [["sustained_cps", "sustained\u00a0/\u00a0s", count], ["swing", "unevenness (sd/mean)", ratio],
                ["p99_us", "p99 \u00b5s", count],
                ["server_bytes", "memory at the server", bytes],
                ["client_bytes", "memory at the client", bytes], ["refused", "refused\u00a0/\u00a0s", count]];

function policyTable(result) {
  const { legend } = result.hazards;
  const head = [
    [el("td", {}), el("th", { scope: "colgroup", colspan: BOUGHT.length }, "what it buys"),
     el("th", { scope: "colgroup", colspan: legend.length, class: "edge" }, "what it harms")],
    [column("policy", { class: "text" }), BOUGHT.map(([, title]) => column(title)),
     legend.map((harm, i) => column(harm.title, { class: i === 0 ? "wrap edge" : "wrap" }))],
  ];
  const rows = result.policies.map((policy) => [
    rowHead(policy.name, policy.interrupted ? " (interrupted)" : ""),
    BOUGHT.map(([key, , format]) => cell(format(policy[key]),
                                         { bad: policy.marks.includes(key) })),
    legend.map((harm, i) => cell(count(policy[harm.key]),
                                 { bad: policy.marks.includes(harm.key), edge: i === 0 })),
  ]);
  return el("section", { id: "policies" }, el("h2", {}, "Policy by policy"),
            table("Each policy in its experiment and in the hazard lab", head, rows,
                  "\u25b2 marks what should make you think: less than 97 % of the offered rate, " +
                  "an unevenness of 0.1 or more, connections refused, harm. Unevenness is the " +
                  "standard deviation of the rate over its mean. \u2013 is not measured."),
            counters(result.policies));
}

/** [[name, number], ...] of an object's numbers. */
function numbers(object) {
  return Object.entries(object || {}).filter(([, value]) => isNumber(value))
      .map(([key, value]) => [key.replace(/_/g, " "), value]);
}

/** The median of [{below: milliseconds, count}, ...], whose classes double. */
function medianAge(classes) {
  const all = (classes || []).reduce((sum, one) => sum + one.count, 0);
  if (all === 0) return NOT_MEASURED;
  let sum = 0;
  const middle = classes.find((one) => (sum += one.count) >= all / 2);
  return "below " + seconds(middle.below / 1000);
}

/** How the server's entries began and ended, under each policy that ran. */
function counters(policies) {
  const known = policies.filter((policy) => policy.time_wait);
  if (known.length === 0) return [];
  const of = (policy) => [...numbers(policy.time_wait), ...numbers(policy.wire_harm)];
  const names = [...new Set(known.flatMap((policy) => of(policy).map(([name]) => name)))];
  const rows = known.map((policy) => {
    const values = new Map(of(policy));
    return [rowHead(policy.name), names.map((name) => cell(count(values.get(name)))),
            cell(medianAge(policy.time_wait.evicted_age_ms))];
  });
  return el("details", {}, el("summary", {}, "How the server\u2019s entries ended"),
            table("TIME_WAIT at the server, counted over the whole run",
                  [column("policy", { class: "text" }), names.map((name) => column(name)),
                   column("median age of the evicted")], rows));
}

function conditionsOf(experiment) {
  const c = experiment.conditions;
  const first = { server: "server closes first", client: "client closes first",
                  reset: "closed by RST" }[c.closes_first];
  const parts = [experiment.policy ? "policy " + experiment.policy : "", first];
  if (c.holder !== "nobody") {
    const hold = c.balance && c.holder === "server" ? "hold balanced, at least " : "hold ";
    parts.push(c.hold_s > 0 ? hold + seconds(c.hold_s) + " at the " + c.holder : "no hold");
  }
  if (c.holder === "server" && c.hold_s > 0) {
    parts.push(whole.format(c.capacity) + " entries, then " + c.on_full.replace("_", " "));
  }
  parts.push(whole.format(c.source_pairs) + " sources");
  return parts.filter(Boolean).join(" \u00b7 ");
}

function verdictOf(experiment) {
  if (experiment.interrupted) return mark(null, experiment.verdict);
  if (experiment.expect === "none") return mark(null, "nothing was predicted");
  return mark(experiment.holds, `${experiment.expect}: ${experiment.verdict}`);
}

const EXTENTS = { cps: "measured / s", offered: "offered / s",
                  server_time_wait: "entries, server", client_time_wait: "entries, client",
                  little: "rate \u00d7 hold" };

/** What the charts show, for those who do not see them. */
function chartFigures(experiment) {
  const rows = Object.entries(experiment.extents).map(([key, extent]) => [
    rowHead(EXTENTS[key] || key), cell(count(extent.min)), cell(count(extent.mean)),
    cell(count(extent.max))]);
  if (rows.length === 0) return [];
  return el("details", {}, el("summary", {}, "The charts in figures"), table(
      `${experiment.name}: all ${experiment.samples} samples, warm-up included`,
      [column("series", { class: "text" }), column("min"), column("mean"), column("max")], rows));
}

function experimentCard(experiment, scales) {
  return el("article", { class: "experiment", "data-experiment": experiment.name },
            el("h3", {}, experiment.title),
            experiment.title === experiment.name ? null
                : el("span", { class: "name" }, experiment.name),
            el("p", { class: "conditions" }, conditionsOf(experiment)),
            el("p", { class: "verdict" }, verdictOf(experiment)),
            el("div", { class: "plots" }, rateChart(experiment, scales),
               entriesChart(experiment, scales), statesChart(experiment),
               latencyPlot(experiment)),
            chartFigures(experiment));
}

function expectedOf(experiment) {
  if (experiment.expect === "collapse") {
    return "at most half of " + count(experiment.offered_cps) + ", swinging";
  }
  return experiment.expected_cps > 0 ? experiment.because : NOT_MEASURED;
}

function experimentTable(caption, experiments) {
  const rows = experiments.map((e) => [
    rowHead(e.name), cell(e.expect === "none" ? NOT_MEASURED : e.expect, { kind: "text" }),
    cell(expectedOf(e), { kind: "text" }), cell(e.judged_samples ? count(e.sustained_cps)
                                                                 : NOT_MEASURED),
    cell(e.judged_samples ? ratio(e.swing) : NOT_MEASURED), cell(count(e.p99_us)),
    cell(count(e.server_peak)), cell(count(e.client_peak)), cell(count(e.refused)),
    cell(count(e.exhausted)), cell(e.judged_samples ? count(e.failed + e.reset) : NOT_MEASURED),
    el("td", { class: "text" }, e.interrupted ? mark(null, "interrupted")
       : e.holds === null ? mark(null, "not judged")
       : mark(e.holds, e.holds ? "as predicted" : "not as predicted"))]);
  const names = ["sustained\u00a0/\u00a0s", "unevenness (sd/mean)", "p99 \u00b5s",
                 "most TIME_WAIT, server", "most TIME_WAIT, client", "refused\u00a0/\u00a0s",
                 "no free source port\u00a0/\u00a0s", "failed or reset\u00a0/\u00a0s"];
  return table(caption, [column("experiment", { class: "text" }),
                         column("predicted", { class: "text" }),
                         column("arithmetic", { class: "text" }),
                         names.map((name) => column(name)),
                         column("verdict", { class: "text" })], rows);
}

/** A story's own figure: what its test reads. */
function storyFigure(number, story) {
  if (number === "1") {
    return `Rate ${story.halved ? "halved or worse" : "not halved"}; unevenness ${ratio(story.swing)}.`;
  }
  if (number === "2") return `Error of the bound: ${percent(story.error_of_bound)}.`;
  return `Largest unevenness where a flat rate was predicted: ${ratio(story.swing_max)}.`;
}

function storySection(number, story, experiments) {
  const scales = scalesOf(experiments);
  const stamp = storyMark(story.holds);
  stamp.classList.add("stamp");
  return el("section", { class: "story", id: "story-" + number },
            el("header", {}, el("span", { class: "number", "aria-hidden": "true" }, number),
               el("h2", {}, el("span", { class: "unseen" }, `Story ${number}: `), story.title),
               stamp),
            el("p", {}, story.words), el("p", { class: "note" }, storyFigure(number, story)),
            multiples(experiments, () => scales));
}

/** The table, the key and the cards. `scalesFor` gives the scales that an experiment shares. */
function multiples(experiments, scalesFor) {
  const cards = experiments.map((one) => experimentCard(one, scalesFor(one)));
  return [experimentTable("Predicted and measured", experiments), foldedCards(experiments, cards)];
}

function foldedCards(experiments, cards) {
  return el("details", { class: "charts", open: experiments.length === 1 },
            el("summary", {}, "Charts of each experiment"), chartKey(experiments),
            el("div", { class: "experiments" }, cards));
}

/** The cards alone. */
function folded(experiments, scalesFor) {
  return foldedCards(experiments, experiments.map((one) => experimentCard(one, scalesFor(one))));
}

function moreSection(experiments, isOnly) {
  if (experiments.length === 0) return [];
  return el("section", { id: "more" }, el("h2", {}, isOnly ? "Experiments" : "More experiments"),
            multiples(experiments, (one) => scalesOf([one])));
}

function hazardSection({ seed, seeds, ledger, legend }) {
  if (ledger.length === 0) return [];
  const head = [column("policy", { class: "text" }), column("connections"),
                column("whole and unharmed"),
                legend.map((harm, i) => column(harm.title, { class: i ? "wrap" : "wrap edge" })),
                column("all harm", { class: "wrap edge" }),
                column("newcomers kept out", { class: "wrap edge" }), column("at most for"),
                column("challenges"),
                column("ended for newcomers", { class: "wrap" }), column("peak TIME_WAIT")];
  const rows = ledger.map((row) => [
    rowHead(row.policy), cell(count(row.connections)), cell(count(row.completed)),
    legend.map((harm, i) => cell(count(row[harm.key]), { bad: row[harm.key] > 0, edge: i === 0 })),
    cell(count(row.harms), { bad: row.harms > 0, edge: true }),
    cell(count(row.kept_out), { bad: row.kept_out > 0, edge: true }),
    cell(seconds(row.kept_out_longest_s)), cell(count(row.challenges)),
    cell(count(row.killed_after_syn)), cell(count(row.peak_time_wait))]);
  return el("section", { id: "hazards" }, el("h2", {}, "The hazard ledger"),
            el("p", {}, "All situations together: the same policies over a simulated link that loses, " +
               "delays, duplicates and reorders, with the same table for each. In " +
               "simulated time: " +
               (seeds > 1 ? `seeds ${seed} to ${seed + seeds - 1} give` : `seed ${seed} gives`) +
               " the same ledger each time."),
            table("What each policy did to its connections, counted from both ends", head, rows,
                  "Kept out are honest newcomers whose SYN met silence, or a refusal after their " +
                  "reset. Challenges are ACKs sent in TIME_WAIT for a refused segment: not a harm, but what " +
                  "the protocol requires (RFC 9293 3.10.7.4)."),
            el("dl", { class: "harms" }, legend.map((harm) => el(
                "div", {}, el("dt", {}, harm.title), el("dd", {}, harm.meaning),
                el("dd", { class: "clause" }, harm.clause)))));
}

function adviceSection(advice, hasMeasured) {
  if (!hasMeasured) return [];
  return el("section", { id: "advice" }, el("h2", {}, "Whom it suits"),
            el("p", { class: "note" }, "Derived from this result by rule: of the policies that " +
               "suit and carried their load evenly, the one with the least harm."),
            el("div", { class: "advice" }, advice.map((one) => el(
                "article", {}, el("h3", {}, one.user),
                el("p", { class: "situation" }, one.situation),
                one.policy ? el("span", { class: "policy" }, one.policy) : null,
                el("p", {}, one.words)))));
}

function originSection({ origin }) {
  return el("section", { id: "origin" }, el("h2", {}, "How it was made"),
            el("p", {}, "Server and generator ran as cores of one process, each experiment on " +
               "its own. A sample is taken at fixed times; a figure is the mean of the samples " +
               "after the warm-up; only the latency is that of the whole run. In the folder of " +
               "this page are also summary.json, with all figures of the page, and samples.csv."),
            el("p", { class: "note" }, [origin.when, origin.machine, origin.version &&
               "version " + origin.version, origin.commit && "commit " + origin.commit]
               .filter(Boolean).join(" \u00b7 ")),
            origin.config ? el("details", {},
                               el("summary", {}, "The configuration" + (origin.config_name
                                  ? ", " + origin.config_name : "")),
                               el("pre", { tabindex: "0" }, origin.config)) : null);
}
