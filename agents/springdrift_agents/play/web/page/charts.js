/** What the operator reads: the strip chart, the gauges, the decisions on a time line. */

import { shape } from "./palette.js";

const SPAN = 10; // cycles of the strip chart
const RECENT = 60; // cycles of a gauge
const FULL = 2; // of a gauge
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
  const { episode } = frame;
  const n = about.measurements;
  const [x, w] = [46, width - 54];
  const right = Math.max(frame.time, SPAN);
  const place = (time, value) => [x + (w * (time - right + SPAN)) / SPAN, height * (0.5 - (value - frame.level) / 1.5)];
  context.fillStyle = colours.paper;
  context.fillRect(x, 0, w, height);
  for (const [offset, text] of [[frame.target, `+${frame.target} m`], [0, ""], [-frame.target, `−${frame.target} m`]]) {
    const [, y] = place(0, frame.level + offset);
    line(context, [[x, y], [x + w, y]], colours.line, 1);
    label(context, text, x - 6, y, colours.faint, "right");
  }
  context.save();
  context.beginPath();
  context.rect(x, 0, w, height);
  context.clip();
  const marks = [...episode.deployed.map((cycle) => [cycle, colours.train, []])];
  if (truth) marks.push(...episode.changed.map((cycle) => [cycle, colours.hidden, [5, 4]]));
  for (const [cycle, colour, dash] of marks) {
    const [at] = place(cycle, 0);
    if (cycle <= frame.time) line(context, [[at, 0], [at, height]], colour, 2, dash);
  }
  const timeOf = (k) => (k + 1 - episode.before) / n;
  // each cycle has a forecast of its own: nothing was forecast between the end of one and the next
  for (let first = frame.first; first < frame.seen; ) {
    const end = Math.min(frame.seen, first + n - (((first - episode.before) % n) + n) % n);
    const points = [];
    for (let k = first; k < end; k += 1) points.push(place(timeOf(k), episode.forecast[k]));
    line(context, points, colours.model, 1.8);
    first = end;
  }
  context.fillStyle = colours.ink;
  for (let k = frame.first; k < frame.seen; k += 1) {
    const [at, y] = place(timeOf(k), episode.measured[k]);
    context.beginPath();
    context.arc(at, Math.min(Math.max(y, 2), height - 2), 2.2, 0, 2 * Math.PI);
    context.fill();
  }
  context.restore();
}

/** The last cycles of a number from 0 to 2, with a dashed line at `mark`. */
export function drawGauge(context, width, height, values, mark, colour, colours) {
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, width, height);
  const level = (value) => height * (1 - Math.min(value, FULL) / FULL);
  line(context, [[0, level(mark)], [width, level(mark)]], colours.faint, 1, [5, 4]);
  const recent = values.slice(-RECENT);
  const first = RECENT - recent.length;
  const points = recent.map((value, k) => [(width * (first + k)) / (RECENT - 1), level(value)]);
  line(context, points, colour, 2);
  if (points.length) {
    const [x, y] = points[points.length - 1];
    context.fillStyle = colour;
    context.beginPath();
    context.arc(Math.min(x, width - 3), Math.min(Math.max(y, 3), height - 3), 3, 0, 2 * Math.PI);
    context.fill();
  }
}

/** Where on the time line a time lies, and back. */
export function timeScale(width, cycles) {
  const [left, right] = [10, width - 14];
  return {
    at: (time) => left + ((right - left) * time) / cycles,
    time: (x) => Math.min(cycles, Math.max(0, ((x - left) * cycles) / (right - left))),
  };
}

/** Every decision of the episode, deployments, and with `truth` when the world changed. */
export function drawTimeline(context, width, height, frame, about, colours, truth) {
  const { episode } = frame;
  const scale = timeScale(width, frame.cycles);
  const base = height - 16;
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
    shape(context, action.shape, scale.at(cycle + 0.5), base - 8 - 9 * ((action.value - 1) % 2), size);
    context.fillStyle = colours.of(action.colour);
    context.fill();
  }
  const now = scale.at(frame.time);
  line(context, [[now, 0], [now, base]], colours.ink, 1.5);
  shape(context, "triangle", now, base + 4, 7);
  context.fillStyle = colours.ink;
  context.fill();
}
