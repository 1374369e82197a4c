/** Put the page together: buttons, keys, guide, levels, links. */

import { Game } from "./game.js";
import { Guide } from "./guide.js";
import { showLevels } from "./levels.js";
import { $, Panels, make, mark } from "./panels.js";
import { Scores, recall, remember, replay } from "./scores.js";
import { figure, filled } from "./texts.js";
import { load } from "./worlds.js";

const KEYS = { " ": 0, arrowdown: 0, arrowup: 1, arrowright: 2, arrowleft: 4 }; // beside each decision's letter

function message(title, text, buttons, link = "") {
  $("message-title").textContent = title;
  $("message-text").textContent = text;
  $("message-link").hidden = !link;
  $("message-link").value = link;
  $("message-buttons").replaceChildren(
    ...buttons.map(([label, act], k) => make("button", { onclick: act ?? (() => {}), className: k ? "main" : "" }, label)),
  );
  $("message").showModal();
}

/** The buttons of a world's decisions: shape, name, price, key. */
function fillActions(game, data) {
  const { texts } = data;
  const { about } = game;
  $("actions").replaceChildren(
    ...about.actions.map((action) => {
      const said = texts.kinds[about.engine].actions[action.name];
      const price = action.fee ? figure(about.prices.find((one) => one.name === action.fee).value) : texts.free;
      const button = make(
        "button",
        { type: "button", value: action.value, "aria-keyshortcuts": action.letter, onclick: () => game.ask(action.value) },
        mark(action.shape),
        make("strong", {}, said.label, make("kbd", {}, said.keys)),
        make("span", { className: "price" }, price),
        make("small", {}, filled(said.does, about)),
      );
      button.addEventListener("pointerdown", (event) => event.preventDefault()); // the keys stay the game's
      return button;
    }),
  );
  $("shapes").replaceChildren(
    ...about.actions.filter((one) => one.fee).flatMap((one) => [mark(one.shape, game.panels.colours.of(one.colour)), texts.kinds[about.engine].actions[one.name].label]),
  );
  const keys = about.actions.map((one) => texts.kinds[about.engine].actions[one.name].keys).join(", ");
  $("keys").textContent = filled(texts.controls.keys, { keys });
  colourActions(game);
}

function colourActions(game) {
  for (const button of $("actions").children) {
    button.style.setProperty("--own", game.panels.colours.of(game.about.actions[button.value].colour));
  }
}

function listen(game, guide, data) {
  const open = { levels: () => showLevels(game, data, () => game.about.engine === "series" && guide.greet()), scores: () => data.board.show(), guide: () => guide.begin() };
  const clicks = {
    pause: () => game.pause(), step: () => game.step(), slower: () => game.faster(-1), faster: () => game.faster(1),
    turns: () => game.wait(), reveal: () => game.reveal(), again: () => game.again(), next: () => game.next(), leave: () => game.leave(),
    "guide-open": open.guide, "levels-open": open.levels, "scores-open": open.scores, share: () => share(game, data),
    "card-again": () => closed("card", () => game.again()), "card-next": () => closed("card", () => game.next()),
    "card-levels": () => closed("card", open.levels), "card-share": () => share(game, data),
  };
  for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
  $("scrub").addEventListener("input", () => game.scrub(Number($("scrub").value)));
  $("timeline").addEventListener("pointerdown", (event) => game.scrubTo(event));
  $("timeline").addEventListener("pointermove", (event) => event.buttons && game.scrubTo(event));
  $("look").value = recall("springdrift.look", "auto");
  const look = () => {
    remember("springdrift.look", $("look").value);
    game.panels.look($("look").value);
    fillActions(game, data);
    game.show();
  };
  $("look").addEventListener("change", look);
  for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) window.matchMedia(query).addEventListener("change", look);
  look();
  new ResizeObserver(() => {
    game.panels.written = "";
    game.dirty = true;
  }).observe($("picture"));
  document.addEventListener("keydown", (event) => press(event, game));
}

function closed(id, then) {
  $(id).close();
  then();
}

/** Keys decide and steer, except where one is typing or a control has the keyboard. */
function press(event, game) {
  const at = event.target.tagName;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (["INPUT", "TEXTAREA", "SELECT"].includes(at) || (at === "BUTTON" && [" ", "Enter"].includes(event.key))) return;
  const key = event.key.toLowerCase();
  const letter = game.about.actions.find((one) => one.letter === key);
  const steer = {
    p: () => game.pause(), s: () => game.step(), "+": () => game.faster(1), "=": () => game.faster(1), "-": () => game.faster(-1),
    m: () => game.wait(), h: () => game.reveal(), t: () => game.again(), n: () => game.next(),
  };
  const act = key in KEYS || letter ? () => game.ask(letter ? letter.value : KEYS[key]) : steer[key];
  if (!act) return;
  event.preventDefault();
  if (!event.repeat) act();
}

async function share(game, data) {
  const { shared } = data.texts;
  if (!game.episode.records.length) return message(data.texts.menu.share, shared.nothing, [[shared.close]]);
  const link = game.link();
  let said = shared.copied;
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    said = shared.copyByHand;
  }
  return message(data.texts.menu.share, said, [[shared.close]], link);
}

/** Open the game of the address's fragment, or say what is wrong with it; false where there is none. */
function openLink(game, data) {
  const { texts } = data;
  if (location.hash.length < 2) return false;
  try {
    const { game: sent, episode } = replay(location.hash, data.worldMap);
    const values = { player: sent.player || texts.shared.nobody, scenario: sent.scenario, world: sent.seed, cost: figure(episode.cost), cycles: episode.records.length };
    game.play(sent.about.id, sent.scenario, sent.seed);
    game.pause(true);
    message(texts.shared.title, filled(texts.shared.by, values), [
      [texts.shared.play, () => game.pause(false)],
      [texts.shared.watch, () => game.watch(episode, values.player)],
    ]);
  } catch (error) {
    const why = texts.refused[error.message];
    if (!why) throw error;
    message(texts.refused.title, filled(why, error.values), [[texts.shared.close]]);
    return false;
  }
  return true;
}

async function start() {
  const data = JSON.parse($("data").textContent);
  const worlds = new Map();
  try {
    for (const about of data.worlds) worlds.set(about.id, await load(about, data.kernels));
  } catch (error) {
    document.querySelector("main").replaceChildren(make("p", { className: "refusal" }, data.texts.tooOld));
    throw error;
  }
  data.worldMap = worlds;
  const panels = new Panels(data);
  const game = new Game(data, worlds, panels, () => fillActions(game, data));
  data.board = new Scores(data, worlds);
  const guide = new Guide(game, data);
  const begin = (level) => {
    game.play(level.env, level.scenario, BigInt(level.world), level);
    game.pause(true);
  };
  begin(data.levels.find((one) => one.id === "drift"));
  listen(game, guide, data);
  if (!openLink(game, data) && location.hash.length < 2) {
    const wanted = data.levels.find((one) => `?level=${one.id}` === location.search);
    if (wanted) begin(wanted);
    if (!wanted || wanted.env !== data.worlds[0].id) guide.greet();
  }
  window.addEventListener("hashchange", () => openLink(game, data));
  const draw = (now) => {
    game.tick(now);
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
  return { game, ready: performance.now() };
}

window.springdrift = start();
