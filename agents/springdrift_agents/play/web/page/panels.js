/** The picture and the panels around it, drawn from a frame. */

import { drawGauge, drawStrip, drawTimeline } from "./charts.js";
import { PATHS, palette } from "./palette.js";
import { drawIncline } from "./scene.js";
import { figure, filled } from "./texts.js";

const SCENES = { incline: drawIncline };
export const SHAPES = ["dot", "diamond", "triangle", "square", "arrow", "dot"]; // of the cost terms, in their order

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

/** The picture of a kind of world. */
export function drawScene(context, width, frame, about, colours, truth) {
  SCENES[about.engine](context, width, frame, about, colours, truth);
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
    const [scene, wide] = surface($("scene"));
    drawScene(scene, wide, frame, about, colours, truth);
    drawStrip(...surface($("strip")), frame, about, colours, truth);
    drawTimeline(...surface($("timeline")), frame, about, colours, truth);
    const key = [frame.episode.scenario, frame.episode.seed, frame.ended, frame.decided, frame.time === Math.floor(frame.time), truth, goal, frame.version].join();
    if (key !== this.written) {
      this.write(frame, about, truth, goal);
      this.gauges(frame);
      this.written = key;
    }
    if (truth) this.truth(frame);
    $("progress").value = frame.time / frame.cycles;
  }

  gauges(frame) {
    const past = frame.episode.records.slice(0, frame.ended);
    const { colours } = this;
    drawGauge(...surface($("error-gauge")), past.map((one) => one.error), 1, colours.model, colours);
    drawGauge(...surface($("swing-gauge")), past.map((one) => one.swing / frame.target), 1, colours.good, colours);
    const last = past[past.length - 1];
    $("error").textContent = last ? last.error.toFixed(2) : "–";
    $("swing").textContent = last ? `${Math.round((100 * last.swing) / frame.target)} %` : "–";
  }

  write(frame, about, truth, goal) {
    const { texts, colours } = this;
    const drawn = truth && frame.drawn !== frame.scenario ? ` · ${frame.drawn}` : "";
    $("world-name").textContent = `${frame.scenario}${drawn} · ${texts.levels.world.toLowerCase()} ${frame.episode.seed}`;
    $("left").textContent = filled(texts.left, { count: Math.round(frame.cycles - frame.time) });
    $("total").textContent = figure(frame.cost);
    const full = Math.max(goal ?? 0, 20 * Math.ceil(frame.cost / 20 + 1e-9), 20);
    fillStack($("bar"), frame.sums, full, about.terms, colours);
    $("terms").replaceChildren(
      ...about.terms.map((term, k) => {
        const name = texts.terms[term.name] ?? term.name;
        return make("li", {}, mark(SHAPES[k], colours.of(term.colour)), name, make("b", {}, figure(frame.sums[k])));
      }),
    );
    $("goal").textContent = goal === null ? "" : filled(texts.panels.goal, { goal: figure(goal) });
    $("version").textContent = filled(texts.panels.version, { version: frame.version });
    $("age").textContent = filled(texts.panels.age, { age: frame.age });
    const { none, training, waiting } = texts.panels;
    $("training").textContent = Number.isNaN(frame.training) ? none : frame.training ? filled(training, { count: frame.training }) : waiting;
    const action = about.actions[frame.action];
    const { byHand, byModel, untouched } = texts.scene;
    $("pusher").textContent = !action ? untouched : action.name === "INTERVENE" ? byHand : byModel;
    $("pusher").style.color = action?.name === "INTERVENE" ? colours.hand : colours.model;
    $("truth").hidden = !truth;
  }

  /** What no operator can see. */
  truth(frame) {
    const names = this.texts.truth;
    const facts = [
      [names.drawn, frame.drawn],
      [names.stiffness, `${figure(frame.stiffness)} N/m`],
      [names.friction, figure(frame.friction, 3)],
      [names.tilt, `${figure((frame.tilt * 180) / Math.PI)}°`],
      [names.magnet, `${Math.round(100 * frame.magnet)} %`],
      [names.drive, `${figure(frame.drive, 2)} N`],
      [names.driver_key, `${frame.driver_key}`],
    ];
    const box = $("truth");
    if (box.children.length !== 2 * facts.length) box.replaceChildren(...facts.flatMap(() => [make("dt"), make("dd")]));
    facts.forEach(([name, value], k) => {
      box.children[2 * k].textContent = name;
      box.children[2 * k + 1].textContent = value;
    });
  }

  /** A sentence for screen readers: what a glance at the picture tells. */
  say(frame) {
    const last = frame.episode.records[frame.ended - 1];
    if (!last) return;
    const values = { scenario: frame.scenario, cycle: frame.ended, cycles: frame.cycles, error: last.error.toFixed(2) };
    const swing = Math.round((100 * last.swing) / frame.target);
    $("status").textContent = filled(this.texts.status, { ...values, swing, cost: figure(frame.cost) });
  }
}
