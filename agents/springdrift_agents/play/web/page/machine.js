/** One inclined mass, moved by the very kernel that moves it in Python, and the episodes that it plays. */

import { Episode } from "./episode.js";

const MACHINE = ["real", "keys"]; // all that decides what comes
const SHOWN = 12; // cycles of measurements that a frame holds at most
const FORCES = ["stiffness", "friction", "tilt", "magnet", "drive", "cubic", "damping", "driver_key"];
const CALM = 0.2; // of the target, within which the swing is near it
const DEAD = 0.6; // of the target

export class Machine {
  constructor(about, kernel) {
    Object.assign(this, { about, kernel });
    this.real = kernel.values("real");
    this.bill = kernel.values("bill");
    this.path = kernel.values("advance.path");
    this.outputs = ["obs", "bill", "truth"].map((name) => kernel.values(name));
  }

  /** Start an episode of a seed, a BigInt below 2^64; `who` is told on the picture. */
  open(scenario, seed, who = "") {
    return new MachineEpisode(this, scenario, BigInt(seed), who);
  }

  begin(scenario, seed) {
    const { about, kernel } = this;
    const keys = kernel.values("keys");
    const row = about.scenarios.find((one) => one.name === scenario).row;
    kernel.values("starts").fill(BigInt(row));
    this.real.fill(0);
    keys.fill(0);
    keys[about.keys.indexOf("seed0") * about.lanes] = Number(seed & 0xffffffffn);
    keys[about.keys.indexOf("seed1") * about.lanes] = Number(seed >> 32n);
    kernel.call("begin");
    for (const values of [this.real, keys]) {
      // idle lanes do as the first does
      for (let row = 0; row < values.length; row += about.lanes) values.fill(values[row], row, row + about.lanes);
    }
  }

  /** One cycle; returns whether the episode is over. */
  advance(action) {
    this.kernel.values("action")[0] = BigInt(action);
    this.kernel.call("advance");
    return this.bill[this.about.bill.over] > 0;
  }

  /** Where the mass went in the last cycle, substep by substep, m. */
  places() {
    const { lanes } = this.about;
    return Float64Array.from({ length: this.path.length / lanes }, (_, n) => this.path[n * lanes]);
  }

  /** What the last cycle cost, term by term. */
  terms() {
    return [...this.bill.subarray(0, this.about.terms.length)];
  }

  /** Minus the reward of the last cycle. */
  cost() {
    return -this.bill[this.about.bill.reward];
  }

  /** A field of the state by its name; element `place` of an array. */
  field(name, place = 0) {
    return this.real[(this.about.fields[name][0] + place) * this.about.lanes];
  }

  /** A ring of measurements or forecasts, oldest first. */
  ring(name) {
    const size = this.about.fields[name][1];
    const first = (this.field("turn") + 1) * this.about.measurements;
    return Array.from({ length: size }, (_, n) => this.field(name, (first + n) % size));
  }

  /** What is known of the model and the clock, as every world tells it. */
  state() {
    const flying = this.field("in_flight") > 0;
    const served = (before) => ({ number: this.field(`${before}version`), tuned: this.field(`${before}tuned`) > 0 });
    return {
      training: flying ? this.field("training") : NaN,
      version: this.field("version"),
      age: this.field("model_age"),
      serving: served(""),
      before: served("previous_"),
      back: this.field("since_rollback") === 0,
    };
  }

  save() {
    return this.kernel.save(MACHINE);
  }

  restore(moment) {
    this.kernel.restore(MACHINE, moment);
  }
}

/** Catmull-Rom through evenly spaced values: what a model that forecasts measurements means between. */
export function smooth(share, values) {
  const last = values.length - 1;
  const k = Math.min(Math.floor(share * last), last - 1);
  const u = share * last - k;
  const [a, b] = [values[k], values[k + 1]];
  const left = k ? values[k - 1] : 2 * a - b;
  const right = k + 2 <= last ? values[k + 2] : 2 * b - a;
  const [slopeA, slopeB] = [(b - left) / 2, (right - a) / 2];
  const v = 1 - u;
  return a * (1 + 2 * u) * v * v + b * u * u * (3 - 2 * u) + slopeA * u * v * v + slopeB * u * u * (u - 1);
}

function along(share, values) {
  const place = share * (values.length - 1);
  const k = Math.min(Math.floor(place), values.length - 2);
  return values[k] + (values[k + 1] - values[k]) * (place - k);
}

class MachineEpisode extends Episode {
  opening() {
    const { world } = this;
    const before = 2 * world.about.measurements; // what the operator saw of commissioning
    this.cycles = world.field("deadline");
    this.row = world.field("scenario");
    this.measured = world.ring("window_y").slice(-before);
    this.forecast = world.ring("window_f").slice(-before);
    this.before = this.measured.length;
    this.home = world.field("home");
    this.still = { ...this.forces(), x: world.field("x"), ghost: this.home, push: 0 };
  }

  forces() {
    return Object.fromEntries(FORCES.map((name) => [name, this.world.field(name)]));
  }

  outcome(cycle) {
    const { world } = this;
    const n = world.about.measurements;
    const [ghost, push, seen] = ["window_f", "window_u", "window_y"].map((name) => world.ring(name).slice(-n));
    const last = this.measured[this.measured.length - 1];
    this.measured.push(...seen);
    this.forecast.push(...ghost);
    if (world.field("last_change") === cycle) this.changed.push(cycle);
    const [error, swing] = [world.field("error_fast"), world.field("measured_swing")];
    const share = swing / world.about.target;
    const said = { error, swing, calm: Math.abs(share - 1) < CALM, lost: share < DEAD };
    return { ...said, forces: this.forces(), path: world.places(), ghost: [last, ...ghost], push };
  }

  picture(time, cycle, share) {
    const { about } = this.world;
    const n = about.measurements;
    const common = { level: this.home, target: about.target, strongest: about.strongest };
    if (cycle < 0) return { ...common, ...this.still, first: 0, seen: this.before, axis: this.axis() };
    const record = this.records[cycle];
    const interval = Math.min(Math.max(Math.floor(share * n - 1e-9), 0), n - 1);
    const seen = this.before + n * cycle + Math.floor(share * n + 1e-9);
    return {
      ...common,
      ...record.forces,
      x: along(share, record.path),
      ghost: smooth(share, record.ghost),
      push: record.push[interval],
      first: Math.max(0, seen - SHOWN * n),
      seen,
      axis: this.axis(),
    };
  }

  /** Of the strip chart: its range, and what stands at its marks. */
  axis() {
    const { target } = this.world.about;
    const marks = [[target, `+${target} m`], [0, ""], [-target, `−${target} m`]].map(([off, text]) => [this.home + off, text]);
    return { low: this.home - 0.75, high: this.home + 0.75, marks };
  }

  /** What the two gauges show at a moment. */
  gauges(frame) {
    const past = this.records.slice(0, frame.ended);
    const { target } = this.world.about;
    const last = past[past.length - 1];
    return [
      { values: past.map((one) => one.error), latest: last ? last.error.toFixed(2) : "–", mark: 1, full: 2, colour: "model" },
      { values: past.map((one) => one.swing / target), latest: last ? `${Math.round((100 * last.swing) / target)} %` : "–", mark: 1, full: 2, colour: "good" },
    ];
  }

  /** What no operator can see, by name. */
  hidden(frame) {
    return [
      ["drawn", frame.drawn],
      ["stiffness", `${frame.stiffness.toFixed(1)} N/m`],
      ["friction", frame.friction.toFixed(3)],
      ["tilt", `${((frame.tilt * 180) / Math.PI).toFixed(1)}°`],
      ["magnet", `${Math.round(100 * frame.magnet)} %`],
      ["drive", `${frame.drive.toFixed(2)} N`],
      ["driver_key", `${frame.driver_key}`],
    ];
  }
}
