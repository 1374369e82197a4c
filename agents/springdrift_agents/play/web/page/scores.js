/** Scores: those of this browser, and those of a class, whose games are played anew before they count. */

import { bitsOf, gameOf } from "./link.js";
import { $, make } from "./panels.js";
import { figure, filled } from "./texts.js";

const KEPT = "springdrift.scores";
const MOST = 500;

/** What the browser remembers, or `other` where it remembers nothing or may not. */
export function recall(key, other) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? other;
  } catch {
    return other;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // a browser that keeps nothing: the game goes on
  }
}

/** A finished game as a line of the scores; `others` are the games of rivals in its world. */
export function scoreOf(episode, others, player, truth, link) {
  const cost = (name) => others.find(([other]) => other === name)?.[1].cost ?? "";
  const time = new Date().toISOString().replace(/\.\d+Z$/, "+00:00");
  const world = { env: episode.world.about.id, scenario: episode.scenario, seed: String(episode.seed), cost: episode.cost };
  return { time, player, ...world, never: cost("never"), threshold: cost("threshold@mix"), cycles: episode.cycles, truth, link };
}

export function keep(score) {
  remember(KEPT, [...recall(KEPT, []), score].slice(-MOST));
}

/** Scores as CSV; a cell that a spreadsheet would take for a formula is made text. */
export function csvOf(scores, fields) {
  const cell = (value) => {
    const text = typeof value === "boolean" ? (value ? "True" : "False") : String(value ?? "");
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const columns = [...fields, "env", "link"];
  return [columns.join(","), ...scores.map((one) => columns.map((name) => cell(one[name])).join(",")), ""].join("\n");
}

/** Play the game of a link anew; its episode, or an Error whose message is a key of the texts. */
export function replay(link, worlds) {
  const game = gameOf(link, [...worlds.values()].map((world) => world.about));
  const episode = worlds.get(game.about.id).open(game.scenario, game.seed, game.player).play(game.decisions);
  if (bitsOf(episode.cost) !== bitsOf(game.cost)) {
    throw Object.assign(new Error("linkCost"), { values: { claimed: figure(game.cost, 3), cost: figure(episode.cost, 3) } });
  }
  return { game, episode };
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const anchor = make("a", { href: url, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function fillTable(table, scores, columns) {
  const kind = (one) => one.env ?? ""; // scores of earlier pages do not say
  const sorted = [...scores].sort((a, b) => kind(a).localeCompare(kind(b)) || a.scenario.localeCompare(b.scenario) || a.seed.localeCompare(b.seed) || a.truth - b.truth || a.cost - b.cost);
  const shown = (value) => (typeof value === "number" && !Number.isInteger(value) ? figure(value) : value === true ? "✓" : value === false ? "" : String(value));
  table.replaceChildren(
    make("tr", {}, ...Object.values(columns).map((name) => make("th", { scope: "col" }, name))),
    ...sorted.map((one) => make("tr", {}, ...Object.keys(columns).map((name) => make("td", {}, shown(one[name] ?? ""))))),
  );
}

/** The dialog of scores. */
export class Scores {
  constructor(data, worlds) {
    Object.assign(this, { data, worlds, checked: [] });
    $("player").value = recall("springdrift.player", "");
    $("player").addEventListener("change", () => remember("springdrift.player", $("player").value));
    $("scores-csv").addEventListener("click", () => download("springdrift-scores.csv", csvOf(recall(KEPT, []), data.scores)));
    $("scores-clear").addEventListener("click", () => {
      remember(KEPT, []);
      this.show();
    });
    $("links-check").addEventListener("click", () => this.check());
    $("links-csv").addEventListener("click", () => download("springdrift-class.csv", csvOf(this.checked, data.scores)));
  }

  show() {
    const kept = recall(KEPT, []);
    fillTable($("score-table"), kept, this.data.texts.scores.columns);
    for (const id of ["scores-csv", "scores-clear"]) $(id).disabled = !kept.length;
    if (!kept.length) $("score-table").replaceChildren(make("tr", {}, make("td", {}, this.data.texts.scores.none)));
    if (!$("scores").open) $("scores").showModal();
  }

  /** Play every pasted game anew. */
  check() {
    const said = this.data.texts;
    const lines = $("links").value.split("\n").map((line) => line.trim());
    const wrong = [];
    this.checked = [];
    lines.forEach((line, k) => {
      if (!line) return;
      try {
        const { game, episode } = replay(line, this.worlds);
        const never = episode.world.open(game.scenario, game.seed).play(Array(episode.cycles).fill(0));
        const known = this.data.references[game.about.id]?.[game.scenario]?.["threshold@mix"]?.[Number(game.seed)];
        const others = [["never", never], ...(known ? [["threshold@mix", known]] : [])];
        this.checked.push({ ...scoreOf(episode, others, game.player, game.truth, line), cycles: episode.records.length });
      } catch (error) {
        const why = filled(said.refused[error.message] ?? said.refused.linkShape, error.values);
        wrong.push(filled(said.scores.line, { line: k + 1, why }));
      }
    });
    const all = this.checked.length + wrong.length;
    $("links-said").textContent = [filled(said.scores.checked, { good: this.checked.length, all }), ...wrong].join("\n");
    $("links-csv").hidden = !this.checked.length;
    fillTable($("class-table"), this.checked, said.scores.columns);
  }
}
