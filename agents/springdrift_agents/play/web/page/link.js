/** Games as text: decisions run by run, and links that carry a world and what was decided in it. */

const SHAPE = /^1\/([\w-]+)\/([\w-]+)\/(\d{1,20})\/((?:[a-z]\d{0,4})*)\/([01])\/([0-9a-f]{16})\/([^/]{0,240})\/([0-9a-z]{1,7})$/;
const LONGEST_LINK = 6000;
const FIRST_SEED = 2n ** 64n;

/** A letter for each decision and how often it comes in a row: "w22rw5". */
export function textOf(decisions, actions) {
  let text = "";
  for (let k = 0; k < decisions.length; ) {
    let end = k;
    while (end < decisions.length && decisions[end] === decisions[k]) end += 1;
    text += actions[decisions[k]].letter + (end - k > 1 ? end - k : "");
    k = end;
  }
  return text;
}

/** The decisions of such a text; a letter that is no action's, or more than `most` of them, is an error. */
export function decisionsOf(text, actions, most) {
  const decisions = [];
  for (const [, letter, count] of text.matchAll(/([a-z])(\d*)/g)) {
    const action = actions.findIndex((one) => one.letter === letter);
    const times = count === "" ? 1 : Number(count);
    if (action < 0 || times < 1 || decisions.length + times > most) throw new Error("decisions");
    for (let k = 0; k < times; k += 1) decisions.push(action);
  }
  return decisions;
}

/** FNV-1a over the characters' bytes, to notice damage; who forges a cost is found out by playing. */
export function checkOf(text) {
  let sum = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return sum.toString(36);
}

/** A number's 64 bits as 16 hexadecimal digits. */
export function bitsOf(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

function numberOf(bits) {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

/** What stands behind the # of a link to a game. */
export function linkOf(episode, player = "", truth = false) {
  const { about } = episode.world;
  const name = encodeURIComponent([...player].slice(0, 20).join("")).replaceAll("'", "%27");
  const parts = [1, about.id.split("/")[1], episode.scenario, episode.seed, textOf(episode.decisions, about.actions)];
  const text = [...parts, truth ? 1 : 0, bitsOf(episode.cost), name].join("/");
  return `${text}/${checkOf(text)}`;
}

/**
 * The game of a link, checked letter by letter; its world is not played yet.
 * Throws an Error whose message is a key of the texts: what is wrong with the link.
 */
export function gameOf(link, worlds) {
  const text = link.slice(link.indexOf("#") + 1).trim();
  if (text.length > LONGEST_LINK || !SHAPE.test(text)) throw new Error("linkShape");
  const [, kind, scenario, seed, plan, truth, bits, name, check] = SHAPE.exec(text);
  if (checkOf(text.slice(0, text.lastIndexOf("/"))) !== check) throw new Error("linkDamaged");
  const about = worlds.find((one) => one.id.split("/")[1] === kind);
  const chosen = about?.scenarios.find((one) => one.name === scenario);
  if (!chosen || BigInt(seed) >= FIRST_SEED) throw new Error("linkUnknown");
  try {
    const decisions = decisionsOf(plan, about.actions, chosen.cycles);
    return { about, scenario, seed: BigInt(seed), decisions, truth: truth === "1", cost: numberOf(bits), player: decodeURIComponent(name) };
  } catch {
    throw new Error("linkDecisions");
  }
}
