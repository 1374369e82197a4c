// Play a whole game on screens by key presses and touches: node drive.mjs CHROMIUM PROFILE PAGE FORGED_JSON OUT SCREEN...
// FORGED_JSON holds links that are wrong. Says as JSON what happened on each screen; pictures of it lie in OUT.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "./browser.mjs";

const [program, profile, file, wrong, out, ...names] = process.argv.slice(2);
const url = pathToFileURL(file).href;
const forged = JSON.parse(fs.readFileSync(wrong));
const SCREENS = [
  { name: "phone", width: 360, height: 640, touch: true, sharp: 2, env: "springdrift/TimeSeries-v0", decide: ["WAIT", "RETRAIN", "INTERVENE"] },
  { name: "tablet", width: 820, height: 1180, touch: true, env: "springdrift/InclinedMass-v0", decide: ["INTERVENE", "WAIT", "RETRAIN"] },
  { name: "desktop", width: 1920, height: 1080, env: "springdrift/InclinedMassOps-v0", decide: ["INTERVENE", "RETRAIN", "WAIT", "WAIT", "WAIT", "FINE_TUNE", "WAIT", "ROLLBACK", "RETRAIN"] },
];
const KEYS = { WAIT: " ", INTERVENE: "ArrowUp", RETRAIN: "ArrowRight", FINE_TUNE: "f", ROLLBACK: "ArrowLeft" };
const OVER = "document.querySelector('#card').open";
const MESSAGE = "document.querySelector('#message').open && document.querySelector('#message-text').textContent";
const SQUEEZED = "[...document.querySelectorAll('#actions button')].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)";
// what must be seen together: the picture, the sentence of the guide and the buttons
const OUTSIDE = `["picture", "guide", "actions"].filter((id) => {
  const box = document.getElementById(id).getBoundingClientRect();
  return box.height && (box.top < -1 || box.bottom > innerHeight + 1 || box.left < -1 || box.right > innerWidth + 1);
})`;

const browser = new Browser(program, profile);

async function drive({ name, touch, env, decide, ...size }) {
  const page = await browser.page({ ...size, touch });
  const picture = (what) => page.picture(path.join(out, `${name}-${what}.png`));
  const act = (selector, key) => (touch ? page.tap(selector) : key ? page.press(key) : page.value(`document.querySelector("${selector}").click()`));
  const found = { name, ready: await page.open(url), outside: [], wide: 0 };
  const look = async (what) => {
    await page.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    found.wide = Math.max(found.wide, await page.value("document.documentElement.scrollWidth - innerWidth"));
    await picture(what);
  };
  const guide = async (what) => {
    const steps = await page.value("game.data.texts.kinds[game.about.engine].steps.length");
    for (let step = 0; step < steps; step += 1) {
      await look(`${what}-${step}`);
      found.outside.push(...(await page.value(OUTSIDE)));
      await act("#guide-next", "Enter"); // it has the keyboard
    }
  };
  await guide("guide");
  await act("#turns", "m");
  await act("#levels-open");
  await look("levels");
  await page.value(`(() => { const kind = document.querySelector("#kind"); kind.value = "${env}"; kind.onchange(); document.querySelector("#scenario").value = "poc"; })()`);
  await act("#free-start");
  if (await page.value("!document.querySelector('#guide').hidden")) {
    await guide("second");
    await act("#levels-open");
    await page.value(`document.querySelector("#scenario").value = "poc"`);
    await act("#free-start");
  }
  for (let k = 0; k < 3; k += 1) await act("#faster", "+");
  for (const [cycle, action] of decide.entries()) {
    const value = await page.value(`game.about.actions.find((one) => one.name === "${action}").value`);
    await act(`#actions button[value="${value}"]`, KEYS[action]);
    await page.until(`game.episode.records.length === ${cycle + 1} && game.time === ${cycle + 1}`);
  }
  await act("#reveal", "h");
  await look("game");
  for (let k = 0; k < 3; k += 1) await act("#slower", "-");
  await act("#turns", "m");
  const frames = "new Promise((done) => { let count = 0; const start = performance.now(); const one = (now) => { count += 1; if (now - start > 1000) done((1000 * count) / (now - start)); else requestAnimationFrame(one); }; requestAnimationFrame(one); })";
  found.frames = await page.value(frames);
  found.asleep = await page.sleep("game.time");
  await page.until(`game.time > ${found.asleep[1]}`);
  for (let k = 0; k < 3; k += 1) await act("#faster", "+");
  await page.until(OVER);
  await look("card");
  Object.assign(found, await page.value("({ link: game.link(), decisions: game.episode.decisions, cost: game.episode.cost })"));
  found.card = await page.value("[...document.querySelectorAll('#card-table tr')].map((row) => [...row.children].slice(0, 2).map((cell) => cell.textContent))");
  found.refused = [];
  for (const link of forged) {
    await page.open(`${url}#${link}`);
    found.refused.push(await page.value(MESSAGE));
  }
  await page.open(url + found.link.slice(found.link.indexOf("#")));
  found.sent = await page.value(MESSAGE);
  await act("#message-buttons button:nth-child(2)");
  await page.until("game.watching && game.time > 1");
  await look("watched");
  found.squeezed = [];
  for (const id of await page.value("[...game.worlds.keys()]")) {
    await page.value(`game.play("${id}", "mix", 0n), game.pause(true)`);
    await look(`mix-${id.split("/")[1]}`);
    found.squeezed.push(...(await page.value(SQUEEZED)));
  }
  return { ...found, said: page.said };
}

let all = [];
try {
  all = await Promise.all(SCREENS.filter((one) => names.includes(one.name)).map(drive)); // at the same time: a game waits most of its time
} finally {
  await browser.close();
}
console.log(JSON.stringify(all));
