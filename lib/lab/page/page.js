// Puts the page together from the one piece of data in it.

function pageOf(result) {
  const stories = Object.entries(result.stories);
  const told = new Set(stories.flatMap(([, story]) => story.experiments));
  const of = (story) => result.experiments.filter((e) => story.experiments.includes(e.name));
  const rest = result.experiments.filter((e) => !told.has(e.name) && !e.situation);
  const { situations } = result;
  const hasPolicies = result.experiments.length > 0 && result.policies.length > 0;
  return [
    masthead(result),
    el("main", {},
       situations.length > 0 ? answerSection(situations)
                             : adviceSection(result.advice, result.policies.length > 0),
       el("p", { class: "summary" }, result.summary),
       pictureSection(result), situations.map((one) => situationSection(one, result)),
       hasPolicies && situations.length === 0 ? policyTable(result) : [], glance(stories),
       stories.map(([number, story]) => storySection(number, story, of(story))),
       moreSection(rest, stories.length === 0), hazardSection(result.hazards),
       originSection(result)),
  ].flat(Infinity);
}

const result = JSON.parse(document.getElementById("result").textContent);
document.title = "Mayfly lab" + (result.origin.config_name ? ": " + result.origin.config_name : "");
document.getElementById("page").replaceChildren(...pageOf(result));
watchCharts();
watchTables();
