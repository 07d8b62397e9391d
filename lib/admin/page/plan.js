"use strict";
// The plan: what a load would need, by the same arithmetic as `mayfly plan`. The server calculates.

const PLAN = {  // the least, the most, how it is asked for and shown
  rate: [100, 1e8, n => String(Math.round(n)), n => `${short(n)}/s`],
  hold: [.01, 600, s => `${Math.max(1, Math.round(s * 1e3))}ms`, time],
  capacity: [1e3, 1e9, n => String(Math.round(n)), short],
  clients: [1, 1e6, n => String(Math.round(n)), short],
};

function planned(name) {
  const [low, high] = PLAN[name];
  const value = between(low, high, Number($(`plan-${name}`).value) / 1000);
  return Number(value.toPrecision(2));
}

/** The sliders begin at what is so now. */
function startPlan(sample) {
  const now = { rate: sample.load ? sample.load.offered_cps : sample.cps,
    hold: sample.time_wait.hold_s, capacity: sample.time_wait.capacity, clients: 100 };
  for (const [name, [low, high]] of Object.entries(PLAN))
    $(`plan-${name}`).value = Math.round(1000 * shareOf(low, high, now[name] || low));
}

function showPlanned() {
  for (const [name, [, , , words]] of Object.entries(PLAN))
    document.querySelector(`output[for=plan-${name}]`).textContent = words(planned(name));
}

async function askPlan() {
  showPlanned();
  const query = Object.entries(PLAN).map(([name, [, , text]]) => `${name}=${text(planned(name))}`);
  try {
    showPlan(await ask(`api/plan?${query.join("&")}`));
  } catch (error) {
    $("plan-needs").textContent = error.message;
  }
}

function showPlan(plan) {
  $("plan-needs").textContent = `${whole(plan.entries)} entries: ${short(plan.demand.rate)}/s × `
    + `${time(plan.demand.hold_s)}; ${short(plan.bytes)}B of memory for those of the table. If the `
    + `clients close first they need ${whole(plan.client_first.addresses_needed)} addresses.`;
  $("plan-shortages").replaceChildren(...plan.shortages.map(one =>
    make("li", { class: "bad", text: one.words })));
  if (plan.shortages.length === 0)
    $("plan-shortages").append(make("li", { class: "good", text: "There is enough of everything." }));
  $("plan-fits").replaceChildren(...plan.policies.map(one => make("li", { class: one.fit },
    make("b", { text: one.name }), make("span", { class: "mark", text: FITS[one.fit] }),
    make("span", { class: "below", text: one.because }))));
}
const FITS = { fits: "fits", harms: "fits, but", fails: "does not fit" };

function bindPlan() {
  let waiting = 0;
  for (const name of Object.keys(PLAN))
    $(`plan-${name}`).addEventListener("input", () => {
      showPlanned();
      clearTimeout(waiting);
      waiting = setTimeout(askPlan, 120);
    });
  $("plan").addEventListener("toggle", () => {
    if (!$("plan").open || samples.length === 0) return;
    startPlan(samples.at(-1));
    askPlan();
  });
}
