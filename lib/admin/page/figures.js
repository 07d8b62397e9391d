"use strict";
// The figures of the page: what each shows, of which numbers of a sample, and what it means.

const MINUTES = 10;

const STATES = ["SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT",
  "CLOSING", "LAST_ACK"];

/** A chart: `series` are [label, colour variable, number of a sample]; null leaves a gap. */
const CHARTS = [
  {
    id: "rate", title: "Connections a second", wide: true, unit: "/s",
    // The flags stand above the lines.
    most: s => 1.25 * Math.max(s.cps, s.load ? s.load.offered_cps : 0, refused(s)),
    help: "Connections that ended with both FINs exchanged, in each second. A generator in the "
      + "same process adds what it offers. A flag marks each change of the settings.",
    series: [
      ["completed", "--measured", s => s.cps, { fillGraph: true, strokeWidth: 2 }],
      ["offered", "--wanted", s => s.load ? s.load.offered_cps : null, { strokePattern: [5, 4] }],
      ["refused SYNs", "--bad", s => refused(s)],
    ],
  },
  {
    id: "time-wait", title: "TIME_WAIT entries",
    // Little's line may be far above the table: it leaves the chart, and its legend has the number.
    most: s => 1.4 * Math.max(s.time_wait.capacity, s.time_wait.now),
    help: "The entries held, against the room for them. Little's law says how many this rate "
      + "fills: entries = connections a second × hold. Where that line is above the capacity, "
      + "the table is too small, the hold too long or the rate too high.",
    series: [
      ["entries", "--measured", s => s.time_wait.now, { fillGraph: true, strokeWidth: 2 }],
      ["capacity", "--limit", s => s.time_wait.capacity, { strokePattern: [6, 4] }],
      ["rate × hold", "--second", s => s.time_wait.little],
      ["at the client", "--wanted", s => s.client ? s.client.time_wait.now : null],
    ],
  },
  {
    id: "latency", title: "Latency", unit: " ms", optional: s => s.load !== undefined,
    help: "From the intended start of a connection to the last octet of its answer, of those that "
      + "ended since the last point: half of them were faster than p50, 99 % faster than p99. A "
      + "failed connection counts as at least what it waited.",
    log: true,
    series: [
      ["p50", "--measured", s => s.latency_us ? s.latency_us.p50 / 1e3 : null, { strokeWidth: 2 }],
      ["p99", "--second", s => s.latency_us ? s.latency_us.p99 / 1e3 : null],
    ],
  },
  {
    id: "states", title: "Connections by state", stacked: true,
    help: "Live connections by TCP state, stacked, at the moment of the sample. Short ones are "
      + "rarely caught. SYN_RECEIVED: the handshake is under way. FIN_WAIT_1 and FIN_WAIT_2: "
      + "closed here first, the peer's FIN is awaited. CLOSE_WAIT and LAST_ACK: the peer closed "
      + "first. TIME_WAIT has its own chart: there are many more of them.",
    series: STATES.map((name, i) => [name, `--state-${i}`, s => s.by_state[name.toLowerCase()]]),
  },
  {
    id: "busy", title: "Busy cores", unit: " %", top: 100,
    help: "The share of each core's cycles that went into polls which did work. Near 100 % the core "
      + "carries no more; the rest is waiting.",
    series: [],
  },
  {
    id: "harm", title: "Harm", unit: "/s",
    help: "What a short TIME_WAIT does to others: RSTs that answered the FIN of a connection which "
      + "had ended well, our own connections reset in LAST_ACK, and SYNs dropped because another "
      + "host behind the same address has a newer timestamp (recycle).",
    series: [
      ["RST to a last ACK", "--bad", s => s.harm.rst_to_last_ack],
      ["reset in LAST_ACK", "--second", s => s.harm.reset_in_last_ack],
      ["SYN recycled away", "--limit", s => s.harm.syn_recycled_away],
    ],
  },
];

const REFUSALS = ["time_wait_full", "table_full", "half_open_full", "overload",
  "time_wait_recycle", "tcp_draining"];
const refused = s => REFUSALS.reduce((sum, why) => sum + (s.drops[why] || 0), 0);

/** The numbers at the top: [title, value, words below]. */
const TILES = [
  { title: "connections/s", value: s => whole(s.cps), below: s => s.load
    ? `of ${whole(s.load.offered_cps)} offered` : `${whole(s.accepted_cps)} accepted` },
  { title: "TIME_WAIT", value: s => whole(s.time_wait.now),
    below: s => `${percent(s.time_wait.now, s.time_wait.capacity)} of ${short(s.time_wait.capacity)}`,
    bad: s => s.time_wait.now >= 0.98 * s.time_wait.capacity },
  { title: "rate × hold", value: s => short(s.time_wait.little),
    below: s => `${short(s.time_wait.opened_cps)}/s × ${time(s.time_wait.hold_s)}`,
    bad: s => s.time_wait.little > s.time_wait.capacity },
  { title: "p50", optional: s => s.load !== undefined, value: s => s.latency_us ? time(s.latency_us.p50 / 1e6) : "–",
    below: () => "of the last second" },
  { title: "p99", optional: s => s.load !== undefined, value: s => s.latency_us ? time(s.latency_us.p99 / 1e6) : "–",
    below: s => `${whole(s.load.failed_cps)} fail a second`, bad: s => s.load.failed_cps > 0 },
  { title: "refused SYNs/s", value: s => whole(refused(s)), bad: s => refused(s) > 0,
    below: s => `${whole(s.connections)} connections now` },
  { title: "busiest core", value: s => percent(Math.max(0, ...s.busy), 1),
    below: s => `${whole(s.rx_pps)} frames/s in` },
];

const AGES = ["< 1 s", "1–2 s", "2–4 s", "4–8 s", "8–16 s", "16–32 s", "32–64 s", "1–2 min",
  "2–4 min", "older"];

const LISTS = [
  {
    id: "ages", title: "TIME_WAIT by age",
    help: "The entries by the time since they were made, from the rate at which they were made: "
      + "they leave in the order in which they came, save the few that a SYN or an RST ends. If "
      + "the oldest are younger than the hold, the table is too small.",
    empty: "no entries",
    rows: s => s.time_wait.ages.map((n, i) => [AGES[i], n]).filter(([, n]) => n > 0),
    value: short,
  },
  {
    id: "drops", title: "Drops by reason",
    help: "Frames and segments dropped in the last second, by reason. doc/drops.md says of each "
      + "what it means.",
    empty: "nothing is dropped",
    rows: s => Object.entries(s.drops).sort((a, b) => b[1] - a[1]).slice(0, 8)
      .map(([why, n]) => [why.replaceAll("_", " "), n]),
    value: n => `${whole(n)}/s`,
  },
];

function whole(n) { return n === null ? "–" : Math.round(n).toLocaleString("en-US"); }
function short(n) {
  if (n === null) return "–";
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]])
    if (n >= size) return `${Number((n / size).toPrecision(3))} ${unit}`;
  return String(n < 10 ? Number(n.toPrecision(2)) : Math.round(n));
}
function percent(part, all) { return all > 0 ? `${Math.round(100 * part / all)} %` : "0 %"; }
function time(s) {
  if (s === 0) return "0 s";
  if (s < 1e-3) return `${Number((s * 1e6).toPrecision(3))} µs`;
  if (s < 1) return `${Number((s * 1e3).toPrecision(3))} ms`;
  return `${Number(s.toPrecision(3))} s`;
}
