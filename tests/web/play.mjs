// Play games in Node with the page's own code: node play.mjs PAGE_FOLDER ABOUT_JSON GAMES_JSON OUT
// ABOUT_JSON is {about, kernels}; a game is [scenario, seed, decisions]. Out come observation, terms and truth of
// its start and of every cycle.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder, described, games, out] = process.argv.slice(2);
const { load } = await import(pathToFileURL(path.join(folder, "worlds.js")));
const { about, kernels } = JSON.parse(fs.readFileSync(described));
const world = await load(about, kernels);
const file = fs.openSync(out, "w");

function note() {
  for (const values of world.outputs) {
    fs.writeSync(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
}

for (const [scenario, seed, decisions] of JSON.parse(fs.readFileSync(games))) {
  for (const values of world.outputs.slice(1)) values.fill(typeof values[0] === "bigint" ? 0n : 0);
  world.begin(scenario, BigInt(seed));
  note();
  for (const action of decisions) {
    world.advance(action);
    note();
  }
}
fs.closeSync(file);
