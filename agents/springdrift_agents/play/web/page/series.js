/** One forecast in service on a series, moved by the very kernel that moves it in Python, and its episodes. */

import { Episode } from "./episode.js";

const GIVEN = ["lanes.seeds", "lanes.y", "lanes.seen", "lanes.truth"]; // what an episode brings, once
const MOVES = ["lanes.episodes", "lanes.state", "lanes.notes", "lanes.models", "lanes.versions"]; // what moves
const CHARTED = 10; // cycles whose values the charts have room for
const MANY = 100; // values of which the wildest are cut off
const USELESS = 0.5; // how far a model falls short of the baseline before it is of no use

export class Series {
  constructor(about, kernel) {
    Object.assign(this, { about, kernel });
    this.fields = kernel.values("lanes.state");
    this.outputs = ["out.obs", "out.costs", "out.reward", "out.over", "out.truth"].map((name) => kernel.values(name));
  }

  /** Start an episode of a seed, a BigInt below 2^64; `who` is told on the picture. */
  open(scenario, seed, who = "") {
    return new SeriesEpisode(this, scenario, BigInt(seed), who);
  }

  begin(scenario, seed) {
    const { about, kernel } = this;
    kernel.values("starts").fill(BigInt(about.scenarios.find((one) => one.name === scenario).row));
    kernel.values("lanes.seeds")[0] = seed;
    kernel.values("lanes.episodes")[0] = 0;
    kernel.call("draw_series");
    kernel.call("begin");
    this.drawn = kernel.save(GIVEN);
  }

  /** One cycle; returns whether the episode is over. */
  advance(action) {
    this.kernel.values("action")[0] = BigInt(action);
    this.kernel.call("advance");
    return this.kernel.values("out.over")[0] > 0n;
  }

  /** What the last cycle cost, term by term. */
  terms() {
    return [...this.kernel.values("out.costs")];
  }

  /** Minus the reward of the last cycle. */
  cost() {
    return -this.kernel.values("out.reward")[0];
  }

  /** A field of the state by its name. */
  field(name) {
    return this.fields[this.about.fields[name]];
  }

  /** A field of a version's record: of the one in service, in training, or before. */
  version(which, name) {
    const { versions, record } = this.about;
    return this.kernel.values("lanes.versions")[versions[which] * record.length + record.indexOf(name)];
  }

  /** What is known of the model and the clock, as every world tells it. */
  state() {
    const { keeps } = this.about;
    const served = (which) => {
      if (!keeps) return {};
      const [number, tuned, from, to] = ["number", "tuned", "fitted_from", "fitted_to"].map((name) => this.version(which, name));
      return { number, tuned: tuned > 0, window: [from, to] };
    };
    return {
      training: this.field("in_flight") > 0 ? Math.max(0, this.field("ready") - this.field("cycle")) : NaN,
      version: keeps ? this.version("deployed", "number") : 0,
      age: this.field("model_age"),
      serving: served("deployed"),
      before: served("before"),
      back: keeps && this.field("since_rollback") === 0,
      fitted: this.field("version"),
      candidate: keeps ? served("trained").window : this.field("candidate"),
    };
  }

  /** How far the model fell short of the baseline in a cycle, as its note says; below 0: it was better. */
  spared(cycle) {
    const { ring, noted, spared } = this.about.notes;
    return this.kernel.values("lanes.notes")[(cycle % ring) * noted + spared];
  }

  /** What the version in service, or the one before, and the safe baseline say of a cycle of the series. */
  said(place, which) {
    const { kernel, about } = this;
    const models = kernel.arrays["lanes.models"];
    const first = BigInt(place);
    kernel.call("say_all", { first, model: models.place + about.versions[which] * about.coefficients * models.values.BYTES_PER_ELEMENT });
    const model = [...kernel.values("said")];
    kernel.call("baseline_all", { first });
    return { model, naive: [...kernel.values("said")] };
  }

  /** A cycle of the series, as measured ("lanes.seen") or as it was ("lanes.y"). */
  samples(name, place) {
    const { period } = this.about;
    return [...this.kernel.values(name).subarray(place * period, (place + 1) * period)];
  }

  save() {
    return { drawn: this.drawn, moved: this.kernel.save(MOVES) };
  }

  restore({ drawn, moved }) {
    if (this.drawn !== drawn) this.kernel.restore(GIVEN, drawn);
    this.drawn = drawn;
    this.kernel.restore(MOVES, moved);
  }
}

class SeriesEpisode extends Episode {
  opening() {
    const { world } = this;
    this.cycles = world.field("deadline");
    this.row = world.field("row");
    this.place = world.field("start"); // of the first cycle in the series
    this.before = 0;
    Object.assign(this, { measured: [], forecast: [], baseline: [], true: [], overrode: [] });
    this.fits = []; // when each version went live, and what it was fitted on
    this.serve(0, this.start);
    this.first = world.said(this.place, "deployed");
    this.opened = this.facts(0);
  }

  serve(since, { fitted, serving }) {
    this.fits.push({ since, number: serving.number ?? this.fits.length, window: serving.window ?? this.window(fitted) });
  }

  /** First and last cycle that a fit saw, counted from the start of the episode. */
  window(fitted) {
    const { about } = this.world;
    if (about.keeps) return fitted; // its record tells
    const cold = about.scenarios.find((one) => one.row === this.row).cold && fitted >= this.place;
    return [Math.min(Math.max(cold ? this.place : 0, fitted - about.window), fitted) - this.place, fitted - this.place];
  }

  /** The truth of a cycle, by name. */
  facts(cycle) {
    const { truths } = this.world.about;
    const all = this.world.kernel.values("lanes.truth");
    const first = (this.place + cycle) * truths.length;
    return Object.fromEntries(truths.map((name, k) => [name, all[first + k]]));
  }

  /** What is said of the cycle that begins: asked before it is over. */
  asked(action, before) {
    const { about } = this.world;
    const back = about.actions[action].name === "ROLLBACK" && before.before.number >= 0;
    return this.world.said(this.place + this.records.length, back ? "before" : "deployed");
  }

  outcome(cycle, action, said) {
    const { world } = this;
    const overrode = world.about.actions[action].name === "INTERVENE";
    this.measured.push(...world.samples("lanes.seen", this.place + cycle));
    this.true.push(...world.samples("lanes.y", this.place + cycle));
    this.forecast.push(...said.model);
    this.baseline.push(...said.naive);
    this.overrode.push(overrode);
    const facts = this.facts(cycle);
    if (facts.last_change === cycle) this.changed.push(cycle);
    const state = world.state();
    if (state.back) this.serve(cycle, state.age === 0 ? { serving: state.before } : state);
    if (state.age === 0) this.serve(cycle + 1, state);
    const short = Math.max(0, world.spared(cycle));
    return { error: world.field("error_fast"), short, calm: short === 0, lost: short > USELESS, said, facts, overrode };
  }

  picture(time, cycle, share) {
    const { about } = this.world;
    const n = about.period;
    const at = Math.max(cycle, 0);
    const record = this.records[cycle];
    const said = record?.said ?? this.first;
    const seen = cycle < 0 ? 0 : n * cycle + Math.floor(share * n + 1e-9);
    const first = Math.max(0, n * (at - CHARTED));
    const state = record ? record[share >= 1 ? "after" : "before"] : this.start;
    const live = this.fits.filter(({ since }) => since <= (share >= 1 && cycle >= 0 ? at + 1 : at));
    return {
      ...{ cycle: at, ahead: said.model, naive: said.naive, first, seen, overrode: record?.overrode ?? false },
      facts: record?.facts ?? this.opened,
      fits: live,
      version: live[live.length - 1].number,
      candidate: Number.isNaN(state.training) ? null : this.window(state.candidate),
      axis: this.axis(time, said, first, seen),
    };
  }

  /** Of the charts: their range, steady while values move, and what stands at their marks. */
  axis(time, said, first, seen) {
    const n = this.world.about.period;
    const from = Math.max(first, Math.ceil((time - CHARTED) * n) - 1, 0);
    const values = [...said.model, ...said.naive, ...this.measured.slice(from, seen), ...this.forecast.slice(from, seen)].sort((a, b) => a - b);
    // a forecast gone wild is cut off at the edge: what happened stays legible
    const cut = values.length > MANY ? Math.round(0.01 * (values.length - 1)) : 0;
    const [least, most] = [values[cut], values[values.length - 1 - cut]];
    const spread = most - least || Math.abs(most) || 1;
    let step = 10 ** Math.floor(Math.log10(spread / 2));
    step *= [1, 2, 5, 10].find((factor) => factor * step >= spread / 4);
    const low = Math.floor(least / step - 0.2) * step;
    const high = Math.ceil(most / step + 0.2) * step;
    const count = Math.round((high - low) / step) - 1;
    const marks = Array.from({ length: count }, (_, k) => low + (k + 1) * step);
    return { low, high, marks: marks.map((mark) => [mark, `${Number(mark.toPrecision(6))}`.replace("-", "−")]) };
  }

  /** What the two gauges show at a moment. */
  gauges(frame) {
    const past = this.records.slice(0, frame.ended);
    const last = past[past.length - 1];
    return [
      { values: past.map((one) => one.error), latest: last ? last.error.toFixed(2) : "–", mark: null, full: 2, colour: "model" },
      { values: past.map((one) => one.short), latest: last ? `${Math.round(100 * last.short)} %` : "–", mark: null, full: 1, colour: "hand" },
    ];
  }

  /** What no operator can see, by name. */
  hidden(frame) {
    const { facts } = frame;
    const said = (name, unit = "") => [name, `${facts[name].toFixed(2)}${unit}`];
    return [
      ["drawn", frame.drawn],
      ...[said("level"), said("amplitude"), said("shape"), said("lag", " cycles"), said("long"), said("effect"), said("noise", " ×")],
      ["driver_key", `${facts.driver_key}`],
      ["promotion", facts.promotion ? facts.promotion.toFixed(2) : "–"],
      ["faults", `${facts.faults}`],
    ].map(([name, value]) => [name, value.replace("-", "−")]);
  }
}
