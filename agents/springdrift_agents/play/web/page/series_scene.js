/** A forecast in service: the cycle under way, forecast and served, and the versions of the model in time. */

import { lengthsOf } from "./palette.js";

const [ACROSS, TALL] = [510, 334]; // of the design
const LEFT = 46;
const RIGHT = 500;
const FINE = 48; // measurements in a cycle up to which dots are large
const LATEST = 40; // versions that are drawn at most

/** The picture in a canvas `width` wide, 0.655 as high; `below` CSS pixels at its lower end stay free. */
export function drawSeries(context, width, frame, about, colours, truth, below = 0) {
  const scale = width / ACROSS;
  const size = Math.max(12, 11 / scale);
  context.save();
  context.scale(scale, scale);
  context.lineJoin = "round";
  context.font = `${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, ACROSS, TALL);
  const strip = 44 + size; // of the versions
  const room = { context, colours, scale, size, top: 12, bottom: TALL - strip - below / scale - 8 };
  cycles(room, frame, about, truth);
  versions(room, frame, room.bottom + 14);
  context.restore();
}

function stroke({ context, scale }, points, colour, width) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.strokeStyle = colour;
  context.lineWidth = Math.max(width, 1 / scale);
  context.stroke();
}

/** The last cycle and the one under way: measured, forecast as a band, and what is served. */
function cycles(room, frame, about, truth) {
  const { context, colours, size, top, bottom } = room;
  const { episode, cycle, axis } = frame;
  const n = about.period;
  const at = (time) => LEFT + ((RIGHT - LEFT) * (time - cycle + 1)) / 2;
  const level = (value) => top + ((bottom - top) * (axis.high - Math.min(Math.max(value, axis.low), axis.high))) / (axis.high - axis.low);
  const timeOf = (k) => (k + 1) / n; // of sample k of the episode
  const points = (values, first) => values.map((value, k) => [at(timeOf(first + k)), level(value)]);
  context.fillStyle = colours.paper;
  context.fillRect(LEFT, top, RIGHT - LEFT, bottom - top);
  context.textAlign = "right";
  for (const [mark, text] of axis.marks) {
    stroke(room, [[LEFT, level(mark)], [RIGHT, level(mark)]], colours.line, 1);
    context.fillStyle = colours.faint;
    context.fillText(text, LEFT - 5, level(mark));
  }
  stroke(room, [[at(cycle), top], [at(cycle), bottom]], colours.faint, 1);
  const band = points(frame.ahead, cycle * n);
  context.globalAlpha = 0.27;
  stroke(room, band, colours.model, 11);
  context.globalAlpha = 1;
  stroke(room, band, colours.model, 1.6);
  stroke(room, frame.overrode ? points(frame.naive, cycle * n) : band, frame.overrode ? colours.hand : colours.model, 3.4);
  const before = Math.max(0, (cycle - 1) * n);
  if (cycle > 0) {
    stroke(room, points(episode.forecast.slice(before, cycle * n), before), colours.model, 1.2);
    if (episode.overrode[cycle - 1]) stroke(room, points(episode.baseline.slice(before, cycle * n), before), colours.hand, 1.6);
  }
  if (truth) stroke(room, points(episode.true.slice(before, frame.seen), before), colours.hidden, 2);
  context.fillStyle = colours.ink;
  const radius = n <= FINE ? 2.6 : 1.6;
  for (const [x, y] of points(episode.measured.slice(before, frame.seen), before)) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }
  stroke(room, [[at(frame.time), top], [at(frame.time), bottom]], colours.ink, 1);
  context.textAlign = "left";
  context.fillStyle = colours.faint;
  for (const one of [cycle - 1, cycle]) if (one >= 0) context.fillText(`${one}`, at(one) + 4, bottom - size / 2 - 2);
}

/** Each version as a box over the cycles that it served, and a line above over those it was fitted on. */
function versions(room, frame, top) {
  const { context, colours, size } = room;
  const shown = frame.fits.slice(-LATEST);
  const first = Math.min(0, ...shown.map((one) => one.window[0]));
  const at = (cycle) => 12 + ((RIGHT - 12) * (cycle - first)) / (frame.cycles - first);
  const high = size + 6;
  stroke(room, [[at(0), top - 3], [at(0), top + high + 4]], colours.faint, 1);
  context.textAlign = "center";
  shown.forEach(({ since, number }, k) => {
    const [left, right] = lengthsOf(at(since), at(shown[k + 1]?.since ?? frame.time));
    const live = k === shown.length - 1;
    context.globalAlpha = live ? 1 : number % 2 ? 0.25 : 0.45;
    context.fillStyle = colours.model;
    context.fillRect(left, top, right - left, high);
    context.globalAlpha = 1;
    if (right - left < size * (0.4 + 0.6 * `${number}`.length)) return;
    context.fillStyle = live ? colours.panel : colours.ink;
    context.fillText(`${number}`, (left + right) / 2, top + high / 2);
  });
  const windows = [shown[shown.length - 1].window, ...(frame.candidate ? [frame.candidate] : [])];
  for (const [from, to] of windows) stroke(room, [[at(from), top - 5], [at(Math.max(to, from + 1)), top - 5]], colours.train, 3);
  if (frame.candidate) {
    context.strokeStyle = colours.train;
    context.lineWidth = 2;
    context.strokeRect(at(frame.time), top, Math.max(7, at(2) - at(0)), high);
  }
  context.fillStyle = colours.faint;
  for (const [cycle, side] of [[0, "left"], [frame.cycles, "right"]]) {
    context.textAlign = side;
    context.fillText(`${cycle}`, at(cycle), top + high + size / 2 + 3);
  }
}
