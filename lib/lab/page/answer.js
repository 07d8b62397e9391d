// The first screen: the situations, the policy for each, and the command that serves with it.

function answerSection(situations) {
  if (situations.length === 0) return [];
  const rows = situations.map((one) => el(
      "li", { class: "answer" },
      el("div", { class: "who" }, el("h3", {}, el("a", { href: "#situation-" + one.name }, one.title)),
         el("p", {}, one.words)),
      one.policy ? el("div", { class: "what" }, el("span", { class: "policy" }, one.policy),
                      el("code", {}, one.command))
          : el("div", { class: "what" }, el("span", {}, "not measured")),
      el("p", { class: "why" }, one.why)));
  return el("section", { id: "answer" }, el("h2", {}, "Your situation, and the policy for it"),
            el("ol", { class: "answers" }, rows),
            el("p", { class: "note" }, "By rule: of the policies that carry at least 90 % of the " +
               "best rate and keep at most 1 % of the newcomers out, the one with the least harm; " +
               "then with the fewest kept out; then with the least harm in all situations; then " +
               "with the least memory at the server. What needs both ends is for a proxy alone."));
}

/** Of a situation: what its figures are made of. */
function situationConditions(one, calibration) {
  if (!isNumber(one.offered_cps)) return "Nothing ran at line rate: the rates are not measured.";
  const parts = ["offered " + count(one.offered_cps) + "/s"];
  if (one.share > 0 && calibration) {
    parts.push(`${percent(one.share)} of the ${count(calibration.cps)}/s that this machine ` +
               "carries without TIME_WAIT");
  }
  parts.push("a table of " + count(one.capacity) + " entries", count(one.source_pairs) + " sources");
  if (one.clock > 1) parts.push(`holds divided by ${count(one.clock)}`);
  return `${one.at_line_rate ? one.at_line_rate + ": " : ""}${parts.join(", ")}.`;
}

const AT_LINE_RATE = [["sustained_cps", "sustained\u00a0/\u00a0s", count],
                      ["of_calibration", "of what the machine carries", percent],
                      ["swing", "unevenness (sd/mean)", ratio], ["p99_us", "p99 \u00b5s", count],
                      ["refused", "refused\u00a0/\u00a0s", count],
                      ["exhausted", "no free source port\u00a0/\u00a0s", count],
                      ["server_bytes", "memory at the server", bytes],
                      ["client_bytes", "memory at the client", bytes]];
const KEPT_OUT = [["kept_out", "newcomers kept out", count],
                  ["kept_out_longest_s", "at most for", (s) => isNumber(s) ? seconds(s) : NOT_MEASURED]];

function situationTable(one, legend) {
  const group = (columns, title, edge) => el(
      "th", { scope: "colgroup", colspan: columns, class: edge ? "edge" : null }, title);
  const head = [
    [el("td", {}), group(AT_LINE_RATE.length, "experiment, at line rate", false),
     group(KEPT_OUT.length, "simulator", true), group(legend.length, "simulator: harm in a million", true)],
    [column("policy", { class: "text" }), AT_LINE_RATE.map(([, title]) => column(title)),
     KEPT_OUT.map(([, title], i) => column(title, { class: i === 0 ? "wrap edge" : "wrap" })),
     legend.map((harm, i) => column(harm.title, { class: i === 0 ? "wrap edge" : "wrap" }))],
  ];
  const cells = (columns, policy, edge) => columns.map(([key, , format], i) => cell(
      format(policy[key]), { bad: policy.marks.includes(key), edge: edge && i === 0 }));
  const rows = one.policies.map((policy) => [
    rowHead(policy.policy, policy.policy === one.policy ? mark(true, "recommended") : ""),
    cells(AT_LINE_RATE, policy, false), cells(KEPT_OUT, policy, true),
    legend.map((harm, i) => cell(count(policy.per_million[harm.key]),
                                 { bad: policy.marks.includes(harm.key), edge: i === 0 })),
  ]);
  return table(one.title + ": all policies, the same load", head, rows);
}

function situationSection(one, result) {
  const own = result.experiments.filter((e) => e.situation === one.name);
  const scales = own.length > 0 ? scalesOf(own) : null;
  const simulated = one.policies.find((policy) => isNumber(policy.connections));
  return el("section", { class: "situation", id: "situation-" + one.name },
            el("h2", {}, one.title), el("p", {}, one.words),
            el("p", { class: "note" }, "At line rate, server and generator as two cores: ",
               situationConditions(one, result.calibration)),
            simulated ? el("p", { class: "note" }, `Simulated, ${count(simulated.connections)} ` +
                           "connections under each policy: ", one.simulated) : [],
            situationTable(one, result.hazards.legend),
            own.length > 0 ? folded(own, () => scales) : []);
}
