/** The list of levels, and the choice of any world. */

import { closeGuide } from "./guide.js";
import { $, make } from "./panels.js";
import { recall } from "./scores.js";
import { figure, filled } from "./texts.js";

export function showLevels(game, data, begun) {
  const { levels, card, worlds } = data.texts;
  const done = recall("springdrift.done", {});
  const begin = (id, scenario, seed, level) => {
    $("levels").close();
    closeGuide();
    game.play(id, scenario, seed, level);
    begun();
  };
  $("level-list").replaceChildren(
    ...data.levels.map((level) => {
      const goal = game.known(level.env, level.goal, level.scenario, BigInt(level.world));
      const aim = filled(levels.goal, { policy: card.policies[level.goal] ?? level.goal, cost: figure(goal.cost) });
      const reached = level.id in done ? make("span", { className: "done" }, ` ✓ ${filled(levels.done, { cost: figure(done[level.id]) })}`) : "";
      const act = () => begin(level.env, level.scenario, BigInt(level.world), level);
      const title = make("span", {}, make("strong", {}, levels[level.id].title), reached);
      const about = make("small", {}, levels[level.id].intro, " ", aim, ".");
      return make("li", {}, make("button", { type: "button", onclick: act }, filled(levels.lesson, { lesson: level.lesson }), title, about));
    }),
  );
  const offer = () => {
    const { about } = game.worlds.get($("kind").value);
    $("scenario").replaceChildren(...about.scenarios.map((one) => make("option", { value: one.name }, `${one.name}: ${one.summary}`)));
  };
  $("kind").replaceChildren(...[...game.worlds.keys()].map((id) => make("option", { value: id }, worlds[id.split("/")[1]])));
  $("kind").value = game.about.id;
  $("kind").onchange = offer;
  offer();
  $("scenario").value = game.episode.scenario;
  $("free-start").onclick = (event) => {
    event.preventDefault();
    if (!/^\d{1,20}$/.test($("world").value) || BigInt($("world").value) >= 2n ** 64n) return $("world").select();
    return begin($("kind").value, $("scenario").value, BigInt($("world").value), null);
  };
  $("levels").showModal();
}
