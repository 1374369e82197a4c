// What the page makes of games, as JSON: node games.mjs PAGE_FOLDER ASKED_JSON
// Asked for are {about, kernels, sentences, games: [{scenario, seed, decisions, player, truth, times}], links: [text]}.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder, asked] = process.argv.slice(2);
const module = (name) => import(pathToFileURL(path.join(folder, name)));
const { load } = await module("worlds.js");
const { gameOf, linkOf } = await module("link.js");
const { lessonOf } = await module("lesson.js");
const { about, kernels, sentences, games, links } = JSON.parse(fs.readFileSync(asked));
const world = await load(about, kernels);
const NUMBERS = ["x", "ghost", "push", "version", "age", "cost", "ended", "tilt", "ahead", "naive", "candidate", "fits", "facts"];

function seen(episode, frame) {
  const shown = Object.fromEntries(NUMBERS.map((name) => [name, frame[name]]));
  for (const name of ["measured", "forecast", "baseline", "true"]) shown[name] = episode[name]?.slice(frame.first, frame.seen);
  const past = episode.records.slice(0, frame.ended);
  const services = episode.services.filter((one) => one.since < (one.back ? frame.decided : frame.ended + 1));
  return {
    ...shown,
    training: Number.isNaN(frame.training) ? null : frame.training,
    services: services.map(({ number, since, tuned, back }) => ({ number, since, tuned, back })),
    short: past.map((one) => one.short),
    errors: past.map((one) => one.error),
  };
}

const played = games.map(({ scenario, seed, decisions, player, truth, times }) => {
  const episode = world.open(scenario, seed).play(decisions);
  const cold = about.scenarios.find((one) => one.name === episode.drawn).cold;
  const frames = times.map((time) => seen(episode, episode.frame(time)));
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
