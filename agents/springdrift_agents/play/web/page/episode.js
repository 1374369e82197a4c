/** The history of one world, cycle by cycle, and what it looks like at any moment of it. */

/**
 * An episode of any kind of world. A kind adds `opening` (how it looks at the start; sets cycles and row),
 * `outcome` (what is kept of a cycle that has ended), `picture` (what its scene shows), `axis`, `gauges`
 * and `hidden`.
 */
export class Episode {
  constructor(world, scenario, seed, who) {
    Object.assign(this, { world, scenario, seed, who });
    const { about } = world;
    world.begin(scenario, seed);
    Object.assign(this, { over: false, cost: 0, sums: about.terms.map(() => 0) });
    Object.assign(this, { decisions: [], records: [], deployed: [], changed: [] });
    this.start = world.state();
    this.services = [{ ...this.start.serving, since: 0, back: false }]; // of versions, one after the other
    this.opening();
    this.drawn = about.scenarios.find((one) => one.row === this.row)?.name ?? scenario;
    this.moment = world.save();
  }

  /** Play one cycle. Several episodes may share a world: each puts its own moment back first. */
  decide(action) {
    const { world } = this;
    if (this.over) throw new Error("the episode is over");
    world.restore(this.moment);
    const before = world.state();
    const asked = this.asked?.(action, before);
    this.over = world.advance(action);
    const done = this.records.length;
    const terms = world.terms();
    terms.forEach((value, k) => (this.sums[k] += value));
    this.cost += world.cost();
    const after = world.state();
    this.decisions.push(action);
    this.records.push({ before, after, terms, sums: [...this.sums], cost: this.cost, ...this.outcome(done, action, asked) });
    const shipped = after.age === 0; // of a version that was rolled back to it is 1 by now
    if (after.back) this.services.push({ ...(shipped ? after.before : after.serving), since: done, back: true });
    if (shipped) {
      this.deployed.push(done + 1);
      this.services.push({ ...after.serving, since: done + 1, back: false });
    }
    this.moment = world.save();
    return this.over;
  }

  /** Play decisions, up to the deadline at most; returns the episode. */
  play(decisions) {
    for (const action of decisions) if (!this.over) this.decide(action);
    return this;
  }

  /** What a picture shows at `time`, in cycles from the start up to as many as were played. */
  frame(time) {
    const played = this.records.length;
    const t = Math.min(Math.max(time, 0), played);
    const names = { scenario: this.scenario, drawn: this.drawn, cycles: this.cycles, who: this.who, episode: this, time: t };
    if (t === 0) {
      const { training, version, age } = this.start;
      const nothing = { action: null, ended: 0, decided: 0, cost: 0, sums: this.sums.map(() => 0) };
      return { ...names, training, version, age, ...nothing, ...this.picture(0, -1, 1) };
    }
    const cycle = Math.min(Math.ceil(t) - 1, played - 1);
    const share = t - cycle;
    const ended = share >= 1 ? cycle + 1 : cycle;
    const { training, version, age } = this.records[cycle][share >= 1 ? "after" : "before"];
    const paid = ended ? this.records[ended - 1] : { sums: this.sums.map(() => 0), cost: 0 };
    return {
      ...names,
      ...{ training, version, age, ended, decided: cycle + 1, sums: paid.sums, cost: paid.cost },
      action: this.decisions[cycle],
      ...this.picture(t, cycle, share),
    };
  }
}
