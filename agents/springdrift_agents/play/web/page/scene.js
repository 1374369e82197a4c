/** The machine: incline, spring, mass and ghost, electromagnet, and who pushes. */

const WIDE = 510;
const HIGH = 334; // of the design
const CENTRE = [236, 164]; // the place on the slope that stays put when it tilts

class Sketch {
  constructor(context, width, frame, drawn, colours) {
    Object.assign(this, { context, frame, drawn, colours, scale: width / WIDE });
    [this.cosine, this.sine] = [Math.cos(frame.tilt), Math.sin(frame.tilt)];
  }

  /** Design place of the point `x` m down the slope and `above` m off its surface. */
  at(x, above = 0) {
    const along = (x - this.drawn.middle) * this.drawn.metre;
    const off = above * this.drawn.metre;
    return [CENTRE[0] + along * this.cosine + off * this.sine, CENTRE[1] + along * this.sine - off * this.cosine];
  }

  trace(points) {
    this.context.beginPath();
    for (const [x, y] of points) this.context.lineTo(x, y);
  }

  fill(points, colour, alpha = 1) {
    this.trace(points);
    this.context.globalAlpha = alpha;
    this.context.fillStyle = colour;
    this.context.fill();
    this.context.globalAlpha = 1;
  }

  stroke(points, colour, width = 1) {
    this.trace(points);
    this.context.strokeStyle = colour;
    this.context.lineWidth = Math.max(width, 1 / this.scale);
    this.context.stroke();
  }

  disc([x, y], radius, colour, alpha = 1) {
    const { context } = this;
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
  }

  on(points) {
    return points.map(([x, above]) => this.at(x, above));
  }
}

/** The picture in a canvas `width` wide, 0.655 as high; with `truth`, what no operator can see. */
export function drawIncline(context, width, frame, about, colours, truth) {
  const sketch = new Sketch(context, width, frame, about.drawn, colours);
  context.save();
  context.scale(sketch.scale, sketch.scale);
  context.lineJoin = "round";
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, WIDE, HIGH);
  slope(sketch);
  stops(sketch);
  target(sketch);
  spring(sketch);
  magnet(sketch, about);
  block(sketch, frame.ghost, colours.model, true);
  block(sketch, frame.x, colours.mass, false);
  const action = about.actions[frame.action];
  const byHand = action?.name === "INTERVENE";
  const above = about.drawn.block / 2 + 0.16;
  arrow(sketch, frame.push, byHand ? colours.hand : colours.model, byHand ? 5.5 : 2.5, above);
  if (truth) arrow(sketch, frame.push * frame.magnet, colours.hidden, 2, above + 0.2);
  context.restore();
}

function slope(sketch) {
  const { frame, drawn, colours, context } = sketch;
  const low = -drawn.block / 2;
  const surface = sketch.on([[drawn.anchor - 0.25, low], [drawn.bumpers[1] + 0.42, low]]);
  sketch.fill([...surface, [surface[1][0], HIGH + 30], [surface[0][0], HIGH + 30]], colours.earth);
  sketch.stroke(surface, colours.ink, 2);
  const scratches = Math.min(90, Math.round((6 * frame.friction) / drawn.friction));
  for (let n = 0; n < scratches; n += 1) {
    const x = drawn.anchor + 0.9 + 3 * ((n * 0.6180339887) % 1);
    const depth = 0.03 + 0.05 * ((n * 0.7548776662) % 1);
    sketch.stroke(sketch.on([[x, low - 0.02], [x - 0.05, low - 0.02 - depth]]), colours.faint, 1);
  }
  if (frame.tilt < 0.1) return;
  const [x, y] = surface[1];
  const turns = Array.from({ length: 12 }, (_, n) => (frame.tilt * n) / 11);
  sketch.stroke(turns.map((turn) => [x - 84 * Math.cos(turn), y - 84 * Math.sin(turn)]), colours.faint, 1);
  sketch.stroke([[x - 96, y], [x, y]], colours.faint, 1);
  const size = Math.max(12, 11 / sketch.scale);
  context.font = `${size}px system-ui, sans-serif`;
  context.fillStyle = colours.faint;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const reach = 100 + size;
  context.fillText(`${Math.round((frame.tilt * 180) / Math.PI)}°`, x - reach * Math.cos(frame.tilt / 2), y - reach * Math.sin(frame.tilt / 2));
}

function stops(sketch) {
  const { drawn } = sketch;
  const half = drawn.block / 2;
  for (const [edge, out, top] of [[drawn.bumpers[0], -1, -0.05], [drawn.bumpers[1], 1, 0.12]]) {
    const foot = edge + out * half;
    sketch.fill(sketch.on([[foot, -half], [foot + out * 0.07, -half], [foot + out * 0.07, top], [foot, top]]), "#9a948a");
  }
}

function target(sketch) {
  const { frame, drawn, colours } = sketch;
  const half = drawn.block / 2;
  for (const [offset, colour, reach] of [
    [-frame.target, colours.good, 0.12],
    [frame.target, colours.good, 0.12],
    [0, colours.faint, 0.07],
  ]) {
    const x = frame.level + offset;
    sketch.fill(sketch.on([[x, -half - 0.02], [x - 0.035, -half - reach], [x + 0.035, -half - reach]]), colour);
  }
}

function spring(sketch) {
  const { frame, drawn, colours } = sketch;
  const half = drawn.block / 2;
  const ratio = Math.min(2, Math.max(0, frame.stiffness / drawn.stiffness));
  const [start, end, coils] = [drawn.anchor, frame.x - half, 13];
  const body = end - start - 0.2;
  const points = [[start, 0], [start + 0.1, 0]];
  for (let n = 0; n < 2 * coils; n += 1) points.push([start + 0.1 + (body * (n + 0.5)) / (2 * coils), n % 2 ? 0.085 : -0.085]);
  points.push([end - 0.1, 0], [end, 0]);
  const shade = Math.round(colours.ground === "dark" ? 120 + 40 * ratio : 165 - 55 * ratio);
  const colour = colours.ground === "contrast" ? colours.ink : `rgb(${shade}, ${shade}, ${shade})`;
  sketch.stroke(sketch.on(points), colour, 1.2 + 2.2 * ratio);
  sketch.fill(sketch.on([[start, -half], [start, 0.2], [start - 0.1, 0.2], [start - 0.1, -half]]), "#6f6a62");
}

/** Its glow is what is asked of it: how wide, and which way. What it delivers is the machine's secret. */
function magnet(sketch, about) {
  const { frame, drawn, colours } = sketch;
  const share = Math.abs(frame.push) / frame.strongest;
  const byHand = about.actions[frame.action]?.name === "INTERVENE";
  const colour = byHand ? colours.hand : colours.model;
  const [here, half] = [drawn.magnet, drawn.block / 2];
  if (share > 0.01) for (const ring of [1, 0.75, 0.5]) sketch.disc(sketch.at(here, 0.02), (16 + 46 * Math.min(1.2, share)) * ring, colour, 0.14);
  sketch.fill(sketch.on([[here - 0.09, -half], [here + 0.12, -half], [here + 0.12, 0.16], [here - 0.09, 0.16]]), "#55606b");
  for (let n = 0; n < 4; n += 1) {
    const x = here - 0.06 + 0.05 * n;
    sketch.stroke(sketch.on([[x, -half], [x, 0.16]]), "#c58b3b", 2.4);
  }
  if (share <= 0.01) return;
  const [way, size] = [Math.sign(frame.push), 0.05 + 0.07 * Math.min(1, share)];
  for (const n of [-1, 0, 1]) {
    const tip = here + 0.015 + n * 1.3 * size + (way * size) / 2;
    const points = [[tip - way * size, 0.29 + size], [tip, 0.29], [tip - way * size, 0.29 - size]];
    sketch.stroke(sketch.on(points), colour, 1.6 + 1.8 * Math.min(1, share));
  }
}

function block(sketch, x, colour, ghost) {
  const half = sketch.drawn.block / 2;
  const corners = sketch.on([[x - half, -half], [x + half, -half], [x + half, half], [x - half, half]]);
  sketch.fill(corners, colour, ghost ? 0.27 : 1);
  if (ghost) {
    sketch.context.setLineDash([5, 3]);
    sketch.stroke([...corners, corners[0]], colour, 1.8);
    sketch.context.setLineDash([]);
  } else sketch.disc(sketch.at(x), 3, sketch.colours.panel);
}

/** A force on the mass: thin from the controller, thick by hand; its length is its size. */
function arrow(sketch, force, colour, thick, above) {
  const { frame, drawn } = sketch;
  const length = (drawn.arrow * force) / frame.strongest;
  if (Math.abs(length) < 1) return;
  const half = Math.min(thick, Math.abs(length) / 2.2) / drawn.metre;
  const end = length / drawn.metre;
  const neck = end - Math.sign(length) * 2.2 * half;
  const parts = [
    [[0, -half], [neck, -half], [neck, half], [0, half]],
    [[neck, -2.4 * half], [end, 0], [neck, 2.4 * half]],
  ];
  for (const part of parts) sketch.fill(sketch.on(part.map(([a, b]) => [frame.x + a, above + b])), colour);
}
