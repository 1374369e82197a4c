/** The picture and the panels around it, drawn from a frame. */

import { drawGauge, drawStrip, drawTimeline, goesBack } from "./charts.js";
import { PATHS, palette } from "./palette.js";
import { drawIncline } from "./scene.js";
import { drawSeries } from "./series_scene.js";
import { figure, filled, termOf } from "./texts.js";

const SCENES = { incline: drawIncline, series: drawSeries };

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children; texts go in as text, never as HTML. */
export function make(name, attributes = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in found && key !== "list") found[key] = value;
    else found.setAttribute(key, value);
  }
  found.append(...children);
  return found;
}

/** A shape as a small picture of its own. */
export function mark(name, colour) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("class", "shape");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  if (colour) path.setAttribute("fill", colour);
  svg.append(path);
  return svg;
}

/** Parts of a cost side by side, each as long as its value. */
export function fillStack(box, sums, full, terms, colours) {
  while (box.children.length < sums.length) box.append(make("div"));
  sums.forEach((value, k) => {
    box.children[k].style.width = `${(100 * value) / full}%`;
    box.children[k].style.background = colours.of(terms[k].colour);
  });
}

/** The picture of a kind of world; `below` CSS pixels at its lower end are covered. */
export function drawScene(context, width, frame, about, colours, truth, below = 0) {
  SCENES[about.engine](context, width, frame, about, colours, truth, below);
}

/** A canvas as sharp as the screen; returns its context and its size in CSS pixels. */
export function surface(canvas) {
  const sharp = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [w, h] = [Math.round(width * sharp), Math.round(height * sharp)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(sharp, 0, 0, sharp, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width, height];
}

export class Panels {
  constructor(data) {
    this.texts = data.texts;
    this.given = data.colours;
    this.written = "";
    this.look("auto");
  }

  /** Choose the ground: "auto" asks the system. */
  look(name) {
    const asks = (what) => window.matchMedia(what).matches;
    const system = asks("(prefers-contrast: more)") ? "contrast" : asks("(prefers-color-scheme: dark)") ? "dark" : "light";
    this.colours = palette(this.given, name === "auto" ? system : name);
    const root = document.documentElement;
    root.dataset.ground = this.colours.ground;
    root.style.colorScheme = this.colours.ground === "dark" ? "dark" : "light";
    for (const [key, value] of Object.entries(this.colours)) if (typeof value === "string") root.style.setProperty(`--${key}`, value);
    this.written = "";
  }

  /** Everything of a frame; the texts only where they have changed. */
  draw(frame, about, truth, goal) {
    const { colours } = this;
    if (this.dressed !== about) this.dress(about);
    if (truth) this.truth(frame);
    $("truth").hidden = !truth;
    const [scene, wide] = surface($("scene"));
    drawScene(scene, wide, frame, about, colours, truth, truth && about.engine === "series" ? $("truth").offsetHeight : 0);
    drawStrip(...surface($("strip")), frame, about, colours, truth);
    drawTimeline(...surface($("timeline")), frame, about, colours, truth);
    const key = [frame.episode.scenario, frame.episode.seed, frame.ended, frame.decided, frame.time === Math.floor(frame.time), truth, goal, frame.version].join();
    if (key !== this.written) {
      this.write(frame, about, goal, truth);
      this.gauges(frame);
      this.written = key;
    }
    $("progress").value = frame.time / frame.cycles;
  }

  /** The texts that a kind of world has of its own. */
  dress(about) {
    const said = this.texts.kinds[about.engine];
    document.body.dataset.engine = about.engine;
    document.body.toggleAttribute("data-lineage", goesBack(about));
    $("scene").setAttribute("aria-label", said.label);
    for (const name of ["measured", "ghost", "third", "error", "gauge", "strip"]) $(`${name}-name`).textContent = said[name];
    this.dressed = about;
    this.written = "";
  }

  gauges(frame) {
    const { colours } = this;
    const both = frame.episode.gauges(frame);
    ["error", "gauge"].forEach((name, k) => {
      const one = both[k];
      drawGauge(...surface($(`${name}-chart`)), one, colours[one.colour], colours);
      $(name).textContent = one.latest;
      $(name).style.color = colours[one.colour];
    });
  }

  write(frame, about, goal, truth) {
    const { texts, colours } = this;
    const drawn = truth && frame.drawn !== frame.scenario ? ` · ${frame.drawn}` : "";
    $("world-name").textContent = `${frame.scenario}${drawn} · ${texts.levels.world.toLowerCase()} ${frame.episode.seed}`;
    $("left").textContent = filled(texts.left, { count: Math.round(frame.cycles - frame.time) });
    $("total").textContent = figure(frame.cost);
    const full = Math.max(goal ?? 0, 20 * Math.ceil(frame.cost / 20 + 1e-9), 20);
    fillStack($("bar"), frame.sums, full, about.terms, colours);
    $("terms").replaceChildren(
      ...about.terms.map((term, k) => {
        const name = termOf(texts, about, term.name);
        return make("li", {}, mark(term.shape, colours.of(term.colour)), name, make("b", {}, figure(frame.sums[k])));
      }),
    );
    $("goal").textContent = goal === null ? "" : filled(texts.panels.goal, { goal: figure(goal) });
    $("version").textContent = filled(texts.panels.version, { version: frame.version });
    $("age").textContent = filled(texts.panels.age, { age: frame.age });
    const { none, training, waiting } = texts.panels;
    $("training").textContent = Number.isNaN(frame.training) ? none : frame.training ? filled(training, { count: frame.training }) : waiting;
    const action = about.actions[frame.action];
    const { byHand, byModel, untouched } = texts.kinds[about.engine];
    $("pusher").textContent = !action ? untouched : action.name === "INTERVENE" ? byHand : byModel;
    $("pusher").style.color = action?.name === "INTERVENE" ? colours.hand : colours.model;
  }

  /** What no operator can see. */
  truth(frame) {
    const names = this.texts.truth;
    const facts = frame.episode.hidden(frame);
    const box = $("truth");
    if (box.children.length !== facts.length) box.replaceChildren(...facts.map(() => make("div", {}, make("dt"), make("dd"))));
    facts.forEach(([name, value], k) => {
      box.children[k].firstChild.textContent = names[name];
      box.children[k].lastChild.textContent = value;
    });
  }

  /** A sentence for screen readers: what a glance at the picture tells. */
  say(frame, about) {
    if (!frame.ended) return;
    const [error, gauge] = frame.episode.gauges(frame).map((one) => one.latest);
    const values = { scenario: frame.scenario, cycle: frame.ended, cycles: frame.cycles, error, gauge, cost: figure(frame.cost) };
    $("status").textContent = filled(this.texts.kinds[about.engine].status, values);
  }
}
