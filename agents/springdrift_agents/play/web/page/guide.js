/** The first thirty seconds: what is on the picture, what each button does, and what it costs. */

import { Episode } from "./episode.js";
import { $ } from "./panels.js";
import { remember } from "./scores.js";
import { figure, filled } from "./texts.js";

export function closeGuide() {
  $("guide").hidden = true;
  document.body.classList.remove("guided");
  remember("springdrift.seen", true);
}

export class Guide {
  constructor(game, data) {
    Object.assign(this, { game, data, step: 0 });
    $("guide-next").addEventListener("click", () => this.go(1));
    $("guide-back").addEventListener("click", () => this.go(-1));
    $("guide-skip").addEventListener("click", () => this.end());
  }

  /** Show the demonstration: a world that changes while nobody does anything. */
  begin() {
    const { game, data } = this;
    const { scenario, world: seed } = data.demonstration;
    const world = game.worlds.get(data.first);
    const begun = new Episode(world, scenario, BigInt(seed));
    this.episode = begun.play(Array(begun.cycles).fill(0));
    this.change = this.episode.changed[0];
    this.step = 0;
    $("guide").hidden = false;
    document.body.classList.add("guided");
    this.show();
    $("guide-next").focus({ preventScroll: true });
  }

  go(way) {
    this.step += way;
    if (this.step >= this.data.texts.guide.steps.length) {
      this.end();
      const level = this.data.levels.find((one) => one.id === "drift");
      this.game.play(level.scenario, BigInt(level.world), level);
      return;
    }
    this.show();
  }

  show() {
    const { game, data, step } = this;
    const { guide, free } = data.texts;
    const { about } = this.episode.world;
    const price = (name) => figure(about.prices.find((one) => one.name === name).value);
    const values = { ...about, wait: free, push: price("intervene"), retrain: price("retrain") };
    $("guide-text").textContent = filled(guide.steps[step], values);
    $("guide-step").textContent = filled(guide.of, { step: step + 1, steps: guide.steps.length });
    $("guide-back").hidden = step === 0;
    $("guide-next").textContent = step === guide.steps.length - 1 ? guide.play : guide.next;
    const from = step < 2 ? Math.max(0, this.change - 12) : this.change + 2;
    game.watch(this.episode, guide.title, from);
    game.paused = game.still;
    game.show();
  }

  end() {
    closeGuide();
    this.game.leave();
  }
}
