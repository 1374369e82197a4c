// Play games in Node with the page's own code: node play.mjs WORLD_JS ABOUT_JSON GAMES_JSON OUT
// A game is [scenario, seed, decisions]; out come observation, terms and truth of its start and every cycle.
import fs from "node:fs";
import { pathToFileURL } from "node:url";

const [source, about, games, out] = process.argv.slice(2);
const { World } = await import(pathToFileURL(source));
const world = await World.load(JSON.parse(fs.readFileSync(about)));
const file = fs.openSync(out, "w");

function note() {
  for (const { values } of [world.obs, world.bill, world.truthValues]) {
    fs.writeSync(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
}

for (const [scenario, seed, decisions] of JSON.parse(fs.readFileSync(games))) {
  world.bill.values.fill(0);
  world.begin(scenario, BigInt(seed));
  note();
  for (const action of decisions) {
    world.advance(action);
    note();
  }
}
fs.closeSync(file);
