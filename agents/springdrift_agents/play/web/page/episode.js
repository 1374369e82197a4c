/** The history of one world, cycle by cycle, and what it looks like at any moment of it. */

const SHOWN = 12; // cycles of measurements that a frame holds at most
const FORCES = ["stiffness", "friction", "tilt", "magnet", "drive", "cubic", "damping", "driver_key"];

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

export class Episode {
  /** Begin the world of a seed; `who` is told on the picture. */
  constructor(world, scenario, seed, who = "") {
    Object.assign(this, { world, scenario, seed: BigInt(seed), who });
    const { about } = world;
    world.begin(scenario, this.seed);
    this.cycles = world.field("deadline");
    this.over = false;
    this.cost = 0;
    this.sums = about.terms.map(() => 0);
    this.decisions = [];
    this.records = [];
    this.deployed = [];
    this.changed = [];
    const before = 2 * about.measurements; // what the operator saw of commissioning
    this.measured = world.ring("window_y").slice(-before);
    this.forecast = world.ring("window_f").slice(-before);
    this.before = this.measured.length;
    this.home = world.field("home");
    this.start = this.state();
    const kind = about.scenarios.find((one) => one.row === world.field("scenario"));
    this.drawn = kind ? kind.name : scenario;
    this.moment = world.save();
  }

  state() {
    const { world } = this;
    const flying = world.field("in_flight") > 0;
    const found = {
      training: flying ? world.field("training") : NaN,
      version: world.field("version"),
      age: world.field("model_age"),
      x: world.field("x"),
    };
    for (const name of FORCES) found[name] = world.field(name);
    return found;
  }

  /** Play one cycle. Several episodes may share a world: each puts its own moment back first. */
  decide(action) {
    const { world } = this;
    if (this.over) throw new Error("the episode is over");
    world.restore(this.moment);
    const before = this.state();
    this.over = world.advance(action);
    const path = world.places();
    const n = world.about.measurements;
    const [ghost, push, seen] = ["window_f", "window_u", "window_y"].map((name) => world.ring(name).slice(-n));
    const done = this.records.length;
    const terms = world.terms();
    terms.forEach((value, k) => (this.sums[k] += value));
    this.cost += world.cost();
    if (world.field("last_change") === done) this.changed.push(done);
    const after = this.state();
    if (after.version > before.version) this.deployed.push(done + 1);
    const last = this.measured[this.measured.length - 1];
    this.measured.push(...seen);
    this.forecast.push(...ghost);
    this.decisions.push(action);
    const [error, swing] = [world.field("error_fast"), world.field("measured_swing")];
    const sums = [...this.sums];
    this.records.push({ before, after, path, ghost: [last, ...ghost], push, error, swing, terms, sums, cost: this.cost });
    this.moment = world.save();
    return this.over;
  }

  /** Play decisions, or one action to the deadline; returns the episode. */
  play(decisions) {
    for (const action of decisions) if (!this.over) this.decide(action);
    return this;
  }

  /** What a picture shows at `time`, in cycles from the start up to as many as were played. */
  frame(time) {
    const { about } = this.world;
    const done = this.records.length;
    const t = Math.min(Math.max(time, 0), done);
    const n = about.measurements;
    if (!done || t === 0) return { ...this.common(0), ...this.still() };
    const cycle = Math.min(Math.ceil(t) - 1, done - 1);
    const share = t - cycle;
    const record = this.records[cycle];
    const ended = share >= 1 ? cycle + 1 : cycle;
    const interval = Math.min(Math.max(Math.floor(share * n - 1e-9), 0), n - 1);
    const seen = this.before + n * cycle + Math.floor(share * n + 1e-9);
    const state = share >= 1 ? record.after : record.before;
    return {
      ...this.common(t),
      ...Object.fromEntries(FORCES.map((name) => [name, record.after[name]])),
      x: along(share, record.path),
      ghost: smooth(share, record.ghost),
      push: record.push[interval],
      action: this.decisions[cycle],
      first: Math.max(0, seen - SHOWN * n),
      seen,
      ended,
      decided: cycle + 1,
      training: state.training,
      version: state.version,
      age: state.age,
      sums: ended ? this.records[ended - 1].sums : this.sums.map(() => 0),
      cost: ended ? this.records[ended - 1].cost : 0,
    };
  }

  common(time) {
    const { about } = this.world;
    const names = { scenario: this.scenario, drawn: this.drawn, cycles: this.cycles, who: this.who };
    return { ...names, time, level: this.home, target: about.target, strongest: about.strongest, episode: this };
  }

  still() {
    const { start } = this;
    const nothing = { push: 0, action: null, first: 0, ended: 0, decided: 0, cost: 0 };
    return { ...start, ...nothing, ghost: this.home, seen: this.before, sums: this.sums.map(() => 0) };
  }
}
