// What the page makes of games, as JSON: node games.mjs PAGE_FOLDER ASKED_JSON
// Asked for are {about, sentences, games: [{scenario, seed, decisions, player, truth, times}], links: [text]}.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder, asked] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(folder, name)));
const { World } = await load("world.js");
const { Episode } = await load("episode.js");
const { gameOf, linkOf } = await load("link.js");
const { lessonOf } = await load("lesson.js");
const { about, sentences, games, links } = JSON.parse(fs.readFileSync(asked));
const world = await World.load(about);

const played = games.map(({ scenario, seed, decisions, player, truth, times }) => {
  const episode = new Episode(world, scenario, BigInt(seed)).play(decisions);
  const cold = about.scenarios.find((one) => one.name === episode.drawn).cold;
  const frames = times.map((time) => {
    const { x, ghost, push, version, training, age, cost, seen, first, ended, tilt } = episode.frame(time);
    const measured = episode.measured.slice(first, seen);
    const forecast = episode.forecast.slice(first, seen);
    return { x, ghost, push, version, training: Number.isNaN(training) ? null : training, age, cost, measured, forecast, ended, tilt };
  });
  const { cost, sums, changed, deployed, drawn } = episode;
  const link = linkOf(episode, player, truth);
  return { cost, sums, changed, deployed, drawn, frames, link, lesson: lessonOf(episode, cold, sentences) };
});
const opened = links.map((link) => {
  try {
    const game = gameOf(link, [about]);
    return { ...game, about: undefined, seed: String(game.seed) };
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify({ played, opened }));
