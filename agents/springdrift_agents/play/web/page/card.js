/** The score card: what a game cost, beside what others pay in the same world. */

import { lessonOf } from "./lesson.js";
import { decisionsOf } from "./link.js";
import { $, fillStack, make } from "./panels.js";
import { figure, filled, termOf } from "./texts.js";

const NEVER = "never";

/** The known games of others in an episode's world, best first: [name, episode]. */
export function rivals(episode, references) {
  const { world, scenario, seed, cycles } = episode;
  const { actions } = world.about;
  const known = references[world.about.id]?.[scenario] ?? {};
  const found = [];
  for (const [name, games] of Object.entries(known)) {
    if (seed >= BigInt(games.length)) continue;
    const decisions = decisionsOf(games[Number(seed)].plan, actions, cycles);
    found.push([name, world.open(scenario, seed, name).play(decisions)]);
  }
  if (!found.length) found.push([NEVER, world.open(scenario, seed, NEVER).play(Array(cycles).fill(0))]);
  return found.sort(([, a], [, b]) => a.cost - b.cost);
}

/** Show the card; `others` are the rivals' games, `watch` opens one of them. */
export function showCard({ episode, others, goal, truth, texts, colours, references, watch }) {
  const { about } = episode.world;
  const said = texts.card;
  const won = goal === null ? null : episode.cost <= goal;
  $("card-title").textContent = won === null ? said.title : won ? said.reached : said.missed;
  const chosen = about.scenarios.find((one) => one.name === episode.drawn);
  const lines = [filled(said.about, { scenario: episode.scenario, world: episode.seed, cycles: episode.cycles })];
  if (episode.drawn !== episode.scenario) lines.push(filled(said.drawn, { drawn: episode.drawn, remedy: chosen?.remedy ?? "" }));
  else if (chosen?.remedy) lines.push(filled(said.remedy, { remedy: chosen.remedy }));
  if (truth) lines.push(said.shown);
  $("card-about").textContent = lines.join(" ");
  const rows = [[said.you, episode, true], ...others.map(([name, one]) => [said.policies[name] ?? name, one, false])];
  const full = Math.max(...rows.map(([, one]) => one.cost), 1e-9);
  const head = [said.who, said.cost, ...about.terms.map((term) => termOf(texts, about, term.name)), ""];
  $("card-table").replaceChildren(
    make("tr", {}, ...head.map((name, k) => make("th", { scope: "col", className: partOf(k, about) }, name))),
    ...rows.map(([name, one, mine]) => {
      const stack = make("div", { className: "stack" });
      fillStack(stack, one.sums, full, about.terms, colours);
      const show = make("button", { type: "button", onclick: () => watch(one, name) }, said.watch);
      const figures = [one.cost, ...one.sums].map((value, k) => make("td", { className: partOf(k + 1, about) }, figure(value)));
      return make("tr", { className: mine ? "mine" : "" }, make("td", {}, name, stack), ...figures, make("td", {}, show));
    }),
  );
  $("card-lesson").textContent = lessonOf(episode, chosen?.cold ?? false, texts.sentences);
  const known = Object.values(references[about.id]?.[episode.scenario] ?? {})[0]?.length ?? 0;
  $("card-note").textContent = others.length === 1 && known ? filled(said.only, { last: known - 1 }) : "";
  if (!$("card").open) $("card").showModal();
  $("card-again").focus();
}

/** A column of the terms is left out where the page is narrow: their bar stays. */
function partOf(column, about) {
  return column > 1 && column < 2 + about.terms.length ? "part" : "";
}
