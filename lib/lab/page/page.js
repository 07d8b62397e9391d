// Puts the page together from the one piece of data in it.

function pageOf(result) {
  const stories = Object.entries(result.stories);
  const told = new Set(stories.flatMap(([, story]) => story.experiments));
  const of = (story) => result.experiments.filter((e) => story.experiments.includes(e.name));
  const rest = result.experiments.filter((e) => !told.has(e.name));
  return [
    masthead(result), glance(stories),
    el("main", {},
       result.experiments.length > 0 && result.policies.length > 0 ? policyTable(result) : [],
       stories.map(([number, story]) => storySection(number, story, of(story))),
       moreSection(rest, stories.length === 0), hazardSection(result.hazards),
       adviceSection(result.advice, result.policies.length > 0), originSection(result)),
  ].flat(Infinity);
}

const result = JSON.parse(document.getElementById("result").textContent);
document.title = "Mayfly lab" + (result.origin.config_name ? ": " + result.origin.config_name : "");
document.getElementById("page").replaceChildren(...pageOf(result));
watchCharts();
