/** What the operator reads: the strip chart, the gauges, the decisions on a time line. */

import { lengthsOf, shape } from "./palette.js";

const SPAN = 10; // cycles of the strip chart
const RECENT = 60; // cycles of a gauge
const DOTS = 16; // measurements in a cycle that are drawn one by one, at most
const LINEAGE = 24; // height of the versions under the time line
const FONT = "11px system-ui, sans-serif";

function line(context, points, colour, width, dash = []) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.setLineDash(dash);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
  context.setLineDash([]);
}

function label(context, text, x, y, colour, align = "left", font = FONT) {
  context.font = font;
  context.fillStyle = colour;
  context.textAlign = align;
  context.textBaseline = "middle";
  context.fillText(text, x, y);
}

/** Measurements against forecasts over the last cycles. */
export function drawStrip(context, width, height, frame, about, colours, truth) {
  const { episode, axis } = frame;
  const n = about.measurements;
  const [x, w] = [46, width - 54];
  const right = Math.max(frame.time, SPAN);
  const level = (value) => (height * (axis.high - value)) / (axis.high - axis.low);
  const held = (value) => Math.min(Math.max(level(value), 2), height - 2);
  const at = (time) => x + (w * (time - right + SPAN)) / SPAN;
  context.fillStyle = colours.paper;
  context.fillRect(x, 0, w, height);
  for (const [mark, text] of axis.marks) {
    line(context, [[x, level(mark)], [x + w, level(mark)]], colours.line, 1);
    label(context, text, x - 6, level(mark), colours.faint, "right");
  }
  context.save();
  context.beginPath();
  context.rect(x, 0, w, height);
  context.clip();
  const marks = [...episode.deployed.map((cycle) => [cycle, colours.train, []])];
  if (truth) marks.push(...episode.changed.map((cycle) => [cycle, colours.hidden, [5, 4]]));
  for (const [cycle, colour, dash] of marks) if (cycle <= frame.time) line(context, [[at(cycle), 0], [at(cycle), height]], colour, 2, dash);
  const timeOf = (k) => (k + 1 - episode.before) / n;
  // each cycle has a forecast of its own: nothing was forecast between the end of one and the next
  for (let first = frame.first; first < frame.seen; ) {
    const end = Math.min(frame.seen, first + n - (((first - episode.before) % n) + n) % n);
    const drawn = (values, colour) => line(context, values.slice(first, end).map((value, k) => [at(timeOf(first + k)), held(value)]), colour, 1.8);
    drawn(episode.forecast, colours.model);
    if (episode.overrode?.[Math.floor((first - episode.before) / n)]) drawn(episode.baseline, colours.hand);
    if (truth && episode.true) drawn(episode.true, colours.hidden);
    first = end;
  }
  const points = episode.measured.slice(frame.first, frame.seen).map((value, k) => [at(timeOf(frame.first + k)), held(value)]);
  if (n > DOTS) line(context, points, colours.ink, 1.5);
  else for (const [px, py] of points) dot(context, px, py, 2.2, colours.ink);
  context.restore();
}

function dot(context, x, y, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** The last cycles of a number from 0 to `full`, with a dashed line at its mark, where it has one. */
export function drawGauge(context, width, height, { values, mark, full }, colour, colours) {
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, width, height);
  const level = (value) => height * (1 - Math.min(value, full) / full);
  if (mark !== null) line(context, [[0, level(mark)], [width, level(mark)]], colours.faint, 1, [5, 4]);
  const recent = values.slice(-RECENT);
  const first = RECENT - recent.length;
  const points = recent.map((value, k) => [(width * (first + k)) / (RECENT - 1), level(value)]);
  line(context, points, colour, 2);
  if (!points.length) return;
  const [x, y] = points[points.length - 1];
  dot(context, Math.min(x, width - 3), Math.min(Math.max(y, 3), height - 3), 3, colour);
}

/** Where on the time line a time lies, and back. */
export function timeScale(width, cycles) {
  const [left, right] = [10, width - 14];
  return {
    at: (time) => left + ((right - left) * time) / cycles,
    time: (x) => Math.min(cycles, Math.max(0, ((x - left) * cycles) / (right - left))),
  };
}

/** Every decision of the episode, deployments, versions that can be gone back to, and with `truth` when the world changed. */
export function drawTimeline(context, width, height, frame, about, colours, truth) {
  const { episode } = frame;
  const scale = timeScale(width, frame.cycles);
  const lineage = goesBack(about);
  const base = height - 16 - (lineage ? LINEAGE : 0);
  line(context, [[scale.at(0), base], [scale.at(frame.cycles), base]], colours.line, 1.5);
  const wide = width / frame.cycles;
  const step = [1, 2, 5, 10, 20, 50, 100].find((one) => one * wide >= 34) ?? 100;
  for (let mark = 0; mark <= frame.cycles; mark += step) label(context, `${mark}`, scale.at(mark), base + 9, colours.faint, "center");
  const bar = (cycle, colour, dash = []) => line(context, [[scale.at(cycle), 4], [scale.at(cycle), base]], colour, 2, dash);
  if (truth) for (const cycle of episode.changed) if (cycle <= frame.time) bar(cycle, colours.hidden, [4, 3]);
  for (const cycle of episode.deployed) if (cycle <= frame.time) bar(cycle, colours.train);
  const size = Math.max(7, Math.min(11, wide));
  for (let cycle = 0; cycle < frame.decided; cycle += 1) {
    const action = about.actions[episode.decisions[cycle]];
    if (!action.fee) continue;
    stamp(context, action.shape, scale.at(cycle + 0.5), base - 8 - 9 * ((action.value - 1) % 2), size, colours.of(action.colour));
  }
  if (lineage) drawLineage(context, frame, about, scale, height - LINEAGE + 8, colours);
  const now = scale.at(frame.time);
  line(context, [[now, 0], [now, base]], colours.ink, 1.5);
  stamp(context, "triangle", now, base + 4, 7, colours.ink);
}

/** Whether the versions of a kind of world can be gone back to: it is shown then which served when. */
export function goesBack(about) {
  return about.actions.some((one) => one.name === "ROLLBACK");
}

function stamp(context, name, x, y, size, colour) {
  shape(context, name, x, y, size);
  context.fillStyle = colour;
  context.fill();
}

/** The versions as boxes in time, and over them an arrow back for each rollback. */
function drawLineage(context, frame, about, scale, top, colours) {
  const shown = frame.episode.services.filter((one) => one.since < (one.back ? frame.decided : frame.ended + 1));
  const colourOf = (name) => colours.of(about.actions.find((one) => one.name === name).colour);
  const high = LINEAGE - 10;
  const held = new Map(); // where the last service of a version ended
  shown.forEach((one, k) => {
    const [left, right] = lengthsOf(scale.at(one.since), scale.at(shown[k + 1]?.since ?? frame.time));
    const colour = one.tuned ? colourOf("FINE_TUNE") : colours.model;
    context.globalAlpha = 0.25;
    context.fillStyle = colour;
    context.fillRect(left, top, right - left, high);
    context.globalAlpha = 1;
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.strokeRect(left, top, right - left, high);
    if (right - left > 6 + 6 * `${one.number}`.length) label(context, `${one.number}`, (left + right) / 2, top + high / 2, colours.ink, "center");
    if (one.back && held.has(one.number)) {
      const [goal, back] = [held.get(one.number) - 1, colourOf("ROLLBACK")];
      line(context, [[left, top], [left, top - 5], [goal, top - 5], [goal, top - 1]], back, 1.5);
      stamp(context, "triangle", goal, top - 3, -6, back);
    }
    held.set(one.number, right);
  });
}
