/** The game: a world, the player's decisions, time that flows or waits, and what the keys do. */

import { rivals, showCard } from "./card.js";
import { timeScale } from "./charts.js";
import { linkOf } from "./link.js";
import { $ } from "./panels.js";
import { keep, recall, remember, scoreOf } from "./scores.js";
import { filled } from "./texts.js";

const RATE = 1.875; // cycles a second at speed 1
const TEMPOS = [0.25, 0.5, 1, 2, 4, 8];
const LONGEST_FRAME = 0.1; // seconds of a frame: a tab that slept goes on where it was

export class Game {
  /** `fit` puts the buttons of another kind of world in their places. */
  constructor(data, worlds, panels, fit) {
    Object.assign(this, { data, worlds, panels, tempo: 1, paused: true, truth: false });
    this.fit = () => fit(this);
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.turns = this.still;
    this.level = null;
    this.last = 0;
  }

  get about() {
    return this.episode.world.about;
  }

  /** Begin a world of a kind for the player. */
  play(id, scenario, seed, level = null) {
    this.watching = false;
    this.level = level;
    this.kept = null;
    this.others = null;
    this.open(this.worlds.get(id).open(scenario, seed));
    this.told = this.truth;
    this.asked = null;
    this.paused = false;
    this.goal = this.known(id, level?.goal ?? this.data.rules[id], scenario, seed)?.cost ?? null;
    this.show();
  }

  /** What somebody decided and paid in a world, where it is known. */
  known(id, policy, scenario, seed) {
    return seed < 2n ** 32n ? this.data.references[id]?.[scenario]?.[policy]?.[Number(seed)] : undefined;
  }

  /** Show a game that was played, with a slider through its time. */
  watch(episode, who, from = 0) {
    if (!this.watching) this.kept = [this.episode, this.time];
    this.watching = true;
    this.open(episode, from);
    this.who = who;
    this.paused = false;
    $("scrub").max = episode.records.length;
    this.show();
  }

  /** Back from watching to the player's own game. */
  leave() {
    this.watching = false;
    const [episode, time] = this.kept ?? [this.episode, 0];
    this.open(episode, time);
    this.paused = true;
    this.finished = episode.over;
    this.show();
    if (episode.over && this.others) this.card();
  }

  open(episode, time = 0) {
    Object.assign(this, { episode, time, stepping: false, dirty: true, finished: false });
    if (this.fitted !== this.about) this.fit();
    this.fitted = this.about;
  }

  /** Decide for the next cycle. */
  ask(action) {
    if (this.watching || this.episode.over || action >= this.about.actions.length) return;
    this.asked = this.asked === action && !this.turns ? null : action;
    this.show();
  }

  /** What time does between two pictures. */
  tick(now) {
    const seconds = Math.min((now - this.last) / 1000, LONGEST_FRAME);
    this.last = now;
    if (this.episode && !document.querySelector("dialog[open]")) this.flow(seconds);
    if (this.dirty && this.episode) {
      this.dirty = false;
      const frame = this.episode.frame(this.still ? this.shown() : this.time);
      this.panels.draw(frame, this.about, this.truth, this.watching ? null : this.goal);
      if (this.turns && frame.ended !== this.spoken) this.panels.say(frame, this.about);
      this.spoken = frame.ended;
      if (this.watching) $("scrub").value = this.time;
    }
  }

  /** With motion reduced, a picture for each measurement. */
  shown() {
    const n = this.about.measurements;
    return Math.ceil(this.time * n - 1e-9) / n;
  }

  flow(seconds) {
    if (this.paused && !this.stepping) return;
    const played = this.episode.records.length;
    if (this.time >= played) {
      if (this.watching || this.episode.over) return this.finish();
      if (this.turns && this.asked === null && !this.stepping) return this.note();
      this.episode.decide(this.asked ?? 0);
      this.asked = null;
      this.show();
    }
    const end = this.stepping ? Math.floor(this.time) + 1 : this.episode.records.length;
    this.time = Math.min(this.time + seconds * RATE * this.tempo, end, this.episode.records.length);
    this.dirty = true;
    if (this.stepping && this.time >= end) {
      this.stepping = false;
      this.show();
    }
    if (this.time >= this.episode.records.length && this.episode.over) this.finish();
    return undefined;
  }

  finish() {
    if (this.finished) return;
    this.finished = true;
    this.paused = true;
    this.show();
    if (this.watching) return;
    const others = rivals(this.episode, this.data.references);
    const score = scoreOf(this.episode, others, $("player").value, this.told, this.link());
    keep(score);
    if (this.level && this.goal !== null && this.episode.cost <= this.goal) {
      const done = recall("springdrift.done", {});
      const best = Math.min(this.episode.cost, done[this.level.id] ?? Infinity);
      remember("springdrift.done", { ...done, [this.level.id]: best });
    }
    this.others = others;
    this.card();
  }

  card() {
    const { episode, others, goal, told: truth } = this;
    const { texts, references } = this.data;
    const watch = (one, who) => {
      $("card").close();
      this.watch(one, who);
    };
    showCard({ episode, others, goal, truth, texts, colours: this.panels.colours, references, watch });
  }

  /** The link to the game as far as it was played. */
  link() {
    return `${location.href.split("#")[0]}#${linkOf(this.episode, $("player").value, this.told)}`;
  }

  pause(paused = !this.paused) {
    this.paused = paused;
    if (this.watching && !paused && this.time >= this.episode.records.length) this.time = 0;
    this.finished = this.finished && !this.watching;
    this.show();
  }

  step() {
    this.paused = this.stepping = true;
    this.show();
  }

  faster(way) {
    const place = TEMPOS.indexOf(this.tempo) + way;
    this.tempo = TEMPOS[Math.min(Math.max(place, 0), TEMPOS.length - 1)];
    this.show();
  }

  wait() {
    this.turns = !this.turns;
    this.show();
  }

  reveal() {
    this.truth = !this.truth;
    this.told = this.told || this.truth;
    this.show();
  }

  again() {
    const { world, scenario, seed } = this.watching && this.kept?.[0] ? this.kept[0] : this.episode;
    this.play(world.about.id, scenario, seed, this.level);
  }

  next() {
    const { scenario, seed } = this.episode;
    this.play(this.about.id, scenario, (seed + 1n) % 2n ** 64n);
  }

  /** Go to the moment of a place on the time line. */
  scrub(time) {
    if (!this.watching) return;
    Object.assign(this, { time: Math.min(time, this.episode.records.length), paused: true, dirty: true });
    this.show();
  }

  scrubTo(event) {
    const box = $("timeline").getBoundingClientRect();
    this.scrub(timeScale(box.width, this.episode.cycles).time(event.clientX - box.left));
  }

  note() {
    const { scene } = this.data.texts;
    const asks = !this.watching && this.turns && this.asked === null && this.time >= this.episode.records.length && !this.episode.over;
    const text = this.watching ? filled(scene.watching, { who: this.who }) : this.paused && !this.stepping && !this.episode.over ? scene.paused : asks ? scene.decision : "";
    $("note").hidden = !text;
    if ($("note").textContent !== text) $("note").textContent = text;
  }

  /** Put the state of the game into the buttons. */
  show() {
    const { controls } = this.data.texts;
    this.dirty = true;
    $("pause").textContent = this.paused ? controls.resume : controls.pause;
    $("tempo").textContent = filled(controls.tempo, { tempo: this.tempo });
    $("turns").setAttribute("aria-pressed", this.turns);
    $("reveal").setAttribute("aria-pressed", this.truth);
    $("scrub").hidden = $("leave").hidden = !this.watching;
    for (const id of ["step", "turns", "next"]) $(id).hidden = this.watching;
    for (const button of $("actions").children) {
      button.setAttribute("aria-pressed", this.asked === Number(button.value));
      button.disabled = this.watching || this.episode.over;
    }
    this.note();
  }
}
