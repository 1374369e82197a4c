/** A comparison on one page: ranking, costs, habits, and its episodes side by side. */

import { drawStrip, drawTimeline, goesBack } from "./charts.js";
import { decisionsOf } from "./link.js";
import { $, drawScene, fillStack, make, mark, surface } from "./panels.js";
import { palette } from "./palette.js";
import { filled, figure, termOf } from "./texts.js";
import { load } from "./worlds.js";

const SPEED = 3; // cycles a second
const SIDE = 3; // replays side by side at first

/** An SVG element. */
function draw(name, attributes, ...children) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}

function table(id, head, rows, words = 1) {
  const kind = (k) => (k < words ? "text" : "");
  $(id).replaceChildren(
    make("tr", {}, ...head.map((name, k) => make("th", { scope: "col", className: kind(k) }, name))),
    ...rows.map((row) => make("tr", {}, ...row.map((cell, k) => make("td", { className: kind(k) }, cell ?? "")))),
  );
}

/** A value with its interval on an axis that ends at `most`. */
function whisker(one, most, colour) {
  const at = (value) => Math.min(Math.max((300 * value) / most, 0), 300);
  return draw(
    "svg",
    { viewBox: "-4 0 308 14", class: "plot", "aria-hidden": "true", preserveAspectRatio: "none" },
    draw("rect", { x: 0, y: 3, width: at(one.value), height: 8, fill: colour, opacity: 0.75 }),
    draw("line", { x1: at(one.low), x2: at(one.high), y1: 7, y2: 7, class: "whisker" }),
    draw("line", { x1: at(one.low), x2: at(one.low), y1: 3, y2: 11, class: "whisker" }),
    draw("line", { x1: at(one.high), x2: at(one.high), y1: 3, y2: 11, class: "whisker" }),
  );
}

class Report {
  constructor(data, world) {
    Object.assign(this, { data, world, time: 0, paused: true, truth: false, last: 0, games: [] });
    this.said = data.texts.report;
    this.look("auto");
  }

  look(name) {
    const asks = (what) => window.matchMedia(what).matches;
    const system = asks("(prefers-contrast: more)") ? "contrast" : asks("(prefers-color-scheme: dark)") ? "dark" : "light";
    this.colours = palette(this.data.colours, name === "auto" ? system : name);
    document.documentElement.dataset.ground = this.colours.ground;
    document.documentElement.style.colorScheme = this.colours.ground === "dark" ? "dark" : "light";
    for (const [key, value] of Object.entries(this.colours)) if (typeof value === "string") document.documentElement.style.setProperty(`--${key}`, value);
    this.dirty = true;
  }

  write() {
    const { found } = this.data;
    $("about").textContent = found.ranking.length ? filled(this.said.about, found.about) : found.about.made;
    this.ranking();
    this.terms();
    this.panels();
    this.profiles();
    table("habits", [this.said.policy, ...found.habits.names], found.habits.rows);
    const { names, rows } = found.summary;
    table("data-table", names, rows.map((row) => row.map((cell) => (typeof cell === "number" ? figure(cell, 2) : cell))), 2);
    table("manifest", ["", ""], Object.entries(found.manifest), 2);
  }

  ranking() {
    const { ranking } = this.data.found;
    const most = Math.max(...ranking.map((one) => one.cost.high));
    const interval = (one) => (one ? `${figure(one.value)} [${figure(one.low)}, ${figure(one.high)}]` : "");
    const share = (value) => (value === null ? "" : `${Math.round(100 * value)} %`);
    const { policy, cost, iqm, difference, better, gap } = this.said;
    table(
      "ranking",
      [policy, "", cost, iqm, filled(difference, this.data.found.about), better, gap],
      ranking.map((one) => {
        const box = make("div", {}, whisker(one.cost, most, this.colours.model));
        return [one.policy, box, interval(one.cost), interval(one.iqm), interval(one.difference), one.better === null ? "" : one.better.toFixed(2), share(one.gap)];
      }),
    );
  }

  terms() {
    const { terms } = this.world.about;
    const { byTerm } = this.data.found;
    $("terms-key").replaceChildren(...terms.flatMap((term) => [mark(term.shape, this.colours.of(term.colour)), termOf(this.data.texts, this.world.about, term.name)]));
    const most = Math.max(...byTerm.map((one) => one.sums.reduce((a, b) => a + b, 0)), 1e-9);
    const bars = make("div", { className: "bars" });
    for (const { policy, sums } of byTerm) {
      const stack = make("div", { className: "stack" });
      fillStack(stack, sums, most, terms, this.colours);
      bars.append(make("span", {}, policy), stack, make("b", {}, figure(sums.reduce((a, b) => a + b, 0))));
    }
    $("term-bars").replaceChildren(bars);
  }

  panels() {
    const { scenarios } = this.data.found;
    $("panels").replaceChildren(
      ...scenarios.map(({ scenario, costs }) => {
        const most = Math.max(...costs.map((one) => one.high), 1e-9);
        const bars = make("div", { className: "bars" });
        for (const one of costs) bars.append(make("span", {}, one.policy), make("div", {}, whisker(one, most, this.colours.model)), make("b", {}, figure(one.value)));
        return make("div", {}, make("h3", {}, scenario), bars);
      }),
    );
  }

  /** For each policy, the share of episodes that cost at most so much. */
  profiles() {
    const { profiles } = this.data.found;
    const most = Math.max(...profiles.map((one) => one.costs[Math.floor(0.95 * (one.costs.length - 1))]), 1e-9);
    const [wide, high] = [900, 240];
    const at = (cost, share) => `${40 + (wide - 50) * Math.min(cost / most, 1)},${high - 24 - (high - 34) * share}`;
    const tones = ["#0072b2", "#d55e00", "#009e73", "#e69f00", "#a8508a", "#56b4e9", "#6f6f6f", "#8a6d1f"];
    const dashes = ["", "7 4", "2 3", "9 3 2 3"];
    const svg = draw("svg", { viewBox: `0 0 ${wide} ${high}`, class: "plot", role: "img", "aria-label": this.said.profiles });
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append(draw("polyline", { points: `${at(0, share)} ${at(most, share)}`, class: "axis", fill: "none" }));
      svg.append(draw("text", { x: 34, y: high - 20 - (high - 34) * share, "text-anchor": "end" }, `${100 * share} %`));
    }
    for (let k = 0; k <= 4; k += 1) svg.append(draw("text", { x: 40 + ((wide - 50) * k) / 4, y: high - 8, "text-anchor": "middle" }, figure((most * k) / 4, 0)));
    const key = make("p", { className: "key" });
    profiles.forEach(({ policy, costs }, k) => {
      const colour = this.colours.of(tones[k % tones.length]);
      const dash = dashes[Math.floor(k / tones.length + k) % dashes.length];
      const points = costs.map((cost, n) => [cost, n / (costs.length - 1)]).filter(([cost]) => cost <= most);
      svg.append(draw("polyline", { points: points.map(([cost, share]) => at(cost, share)).join(" "), fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash }));
      key.append(draw("svg", { viewBox: "0 0 26 6", width: 26, height: 6 }, draw("line", { x1: 0, x2: 26, y1: 3, y2: 3, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash })), policy);
    });
    $("profiles").replaceChildren(svg, key);
  }

  /** Offer the replays of a scenario: which world, and whose. */
  offer() {
    const { replays } = this.data.found;
    const games = replays[$("scenario").value];
    const names = Object.keys(games.plans);
    $("world").replaceChildren(...games.seeds.map((seed, k) => make("option", { value: k }, seed)));
    const kept = [...$("shown").querySelectorAll("input:checked")].map((box) => box.value);
    const ranked = this.data.found.ranking.map((one) => one.policy).filter((name) => names.includes(name));
    const chosen = kept.length ? kept : (ranked.length ? ranked : names).slice(0, SIDE);
    $("shown").replaceChildren(
      ...names.map((name) => make("label", {}, make("input", { type: "checkbox", value: name, checked: chosen.includes(name), onchange: () => this.open() }), ` ${name}`)),
    );
    this.open();
  }

  open() {
    const { replays } = this.data.found;
    const { about } = this.world;
    const scenario = $("scenario").value;
    const place = Number($("world").value);
    const names = [...$("shown").querySelectorAll("input:checked")].map((box) => box.value);
    this.games = names.map((name) => {
      const most = about.scenarios.find((one) => one.name === scenario).cycles;
      const episode = this.world.open(scenario, replays[scenario].seeds[place], name);
      return episode.play(decisionsOf(replays[scenario].plans[name][place], about.actions, most));
    });
    $("replays").replaceChildren(
      ...this.games.map((episode) => {
        const canvases = ["scene", "strip", "line"].map((kind) => make("canvas", { className: `replay-${kind}`, role: "img", "aria-label": `${kind}: ${episode.who}` }));
        return make("figure", {}, make("h3", {}, episode.who, " ", make("output", {})), make("div", { className: "stack" }), ...canvases);
      }),
    );
    this.cycles = Math.max(1, ...this.games.map((one) => one.records.length));
    this.full = Math.max(1e-9, ...this.games.map((one) => one.cost));
    $("scrub").max = this.cycles;
    this.go(Math.min(this.time, this.cycles));
  }

  go(time) {
    this.time = time;
    this.dirty = true;
  }

  tick(now) {
    const seconds = Math.min((now - this.last) / 1000, 0.1);
    this.last = now;
    if (!this.paused) {
      this.go(Math.min(this.time + SPEED * seconds, this.cycles));
      if (this.time >= this.cycles) this.pause(true);
    }
    if (!this.dirty) return;
    this.dirty = false;
    const { about } = this.world;
    $("scrub").value = this.time;
    $("moment").textContent = filled(this.said.moment, { cycle: Math.floor(this.time) });
    this.games.forEach((episode, k) => {
      const box = $("replays").children[k];
      const frame = episode.frame(this.time);
      const [scene, strip, line] = box.querySelectorAll("canvas");
      const [context, wide] = surface(scene);
      drawScene(context, wide, frame, about, this.colours, this.truth);
      drawStrip(...surface(strip), frame, about, this.colours, this.truth);
      drawTimeline(...surface(line), frame, about, this.colours, this.truth);
      box.querySelector("output").textContent = figure(frame.cost);
      fillStack(box.querySelector(".stack"), frame.sums, this.full, about.terms, this.colours);
    });
  }

  pause(paused = !this.paused) {
    if (!paused && this.time >= this.cycles) this.time = 0;
    this.paused = paused;
    $("pause").textContent = paused ? this.said.play : this.data.texts.controls.pause;
  }

  reveal() {
    this.truth = !this.truth;
    $("reveal").setAttribute("aria-pressed", this.truth);
    this.dirty = true;
  }

  csv() {
    const { names, rows } = this.data.found.summary;
    const quoted = (cell) => (/[",\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell ?? ""));
    const url = URL.createObjectURL(new Blob([[names, ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n"], { type: "text/csv" }));
    make("a", { href: url, download: "summary.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}

async function start() {
  const data = JSON.parse($("data").textContent);
  const report = new Report(data, await load(data.worlds[0], data.kernels));
  report.write();
  const names = Object.keys(data.found.replays);
  document.body.toggleAttribute("data-lineage", goesBack(report.world.about));
  $("replay-part").hidden = !names.length;
  for (const id of ["ranking-part", "terms-part", "panels-part", "profile-part", "habits-part", "data-part"]) $(id).hidden = !data.found.ranking.length;
  if (names.length) {
    $("scenario").replaceChildren(...names.map((name) => make("option", {}, name)));
    report.offer();
  }
  const redraw = () => {
    report.look($("look").value);
    report.write();
  };
  for (const [id, kind, act] of [
    ["look", "change", redraw], ["scenario", "change", () => report.offer()], ["world", "change", () => report.open()],
    ["pause", "click", () => report.pause()], ["reveal", "click", () => report.reveal()], ["csv", "click", () => report.csv()],
    ["scrub", "input", () => { report.pause(true); report.go(Number($("scrub").value)); }],
  ]) $(id).addEventListener(kind, act);
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "h" && !event.ctrlKey && !event.metaKey) report.reveal();
    if (event.key === " " && event.target === document.body) {
      event.preventDefault();
      report.pause();
    }
  });
  new ResizeObserver(() => (report.dirty = true)).observe($("replays"));
  const frame = (now) => {
    report.tick(now);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return report;
}

window.springdriftReport = start();
