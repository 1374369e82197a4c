/** The first thirty seconds: what is on the picture, what each button does, and what it costs. */

import { $ } from "./panels.js";
import { recall, remember } from "./scores.js";
import { figure, filled } from "./texts.js";

export function closeGuide() {
  $("guide").hidden = true;
  document.body.classList.remove("guided");
}

export class Guide {
  constructor(game, data) {
    Object.assign(this, { game, data, step: 0 });
    $("guide-next").addEventListener("click", () => this.go(1));
    $("guide-back").addEventListener("click", () => this.go(-1));
    $("guide-skip").addEventListener("click", () => this.end());
  }

  /** Show the demonstration, where this browser has not shown it yet; whether it did. */
  greet() {
    if (recall("springdrift.seen", []).includes?.(this.game.about.engine)) return false;
    this.begin();
    return true;
  }

  /** Show the demonstration: a world that changes while nobody does anything. */
  begin() {
    const { game, data } = this;
    this.engine = game.about.engine;
    this.shown = data.demonstrations[this.engine];
    const { env, scenario, world } = this.shown;
    const begun = game.worlds.get(env).open(scenario, world);
    this.episode = begun.play(Array(begun.cycles).fill(0));
    this.change = this.episode.changed[0];
    this.step = 0;
    $("guide").hidden = false;
    document.body.classList.add("guided");
    this.show();
    $("guide-next").focus({ preventScroll: true });
  }

  get steps() {
    return this.data.texts.kinds[this.engine].steps;
  }

  go(way) {
    this.step += way;
    if (this.step >= this.steps.length) {
      this.end();
      const level = this.data.levels.find((one) => one.id === this.shown.level);
      this.game.play(level.env, level.scenario, BigInt(level.world), level);
      return;
    }
    this.show();
  }

  show() {
    const { game, data, step } = this;
    const { guide, free } = data.texts;
    const { about } = this.episode.world;
    const price = (name) => figure(about.prices.find((one) => one.name === name).value);
    const values = { ...about, wait: free, intervene: price("intervene"), retrain: price("retrain") };
    $("guide-text").textContent = filled(this.steps[step], values);
    $("guide-step").textContent = filled(guide.of, { step: step + 1, steps: this.steps.length });
    $("guide-back").hidden = step === 0;
    $("guide-next").textContent = step === this.steps.length - 1 ? guide.play : guide.next;
    const from = step < this.shown.calm ? Math.max(0, this.change - 12) : this.change + 2;
    game.watch(this.episode, guide.title, from);
    game.paused = game.still;
    game.show();
  }

  end() {
    closeGuide();
    remember("springdrift.seen", [...new Set([recall("springdrift.seen", []), this.engine].flat())]);
    this.game.leave();
  }
}
