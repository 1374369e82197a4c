/** What a player's episode teaches, in one sentence; as `feedback.py` tells it. */

import { filled } from "./texts.js";

export function lessonOf(episode, cold, sentences) {
  const { decisions, changed, records } = episode;
  const { target, window, actions } = episode.world.about;
  const value = (name) => actions.find((one) => one.name === name).value;
  const cyclesOf = (action) => decisions.flatMap((one, cycle) => (one === value(action) ? [cycle] : []));
  const swings = records.map((one) => one.swing);
  const [retrains, pushes] = [cyclesOf("RETRAIN"), cyclesOf("INTERVENE")];
  const times = (count) => (count === 1 ? sentences.once : filled(sentences.times, { count }));
  const cycles = (count) => filled(count === 1 ? sentences.cycle : sentences.cycles, { count });
  const calm = pushes.filter((cycle) => cycle > 0 && Math.abs(swings[cycle - 1] / target - 1) < 0.2);
  if (cold && (!retrains.length || retrains[0] > 2 * window)) {
    const until = retrains.length ? filled(sentences.until, { cycle: retrains[0] }) : sentences.end;
    return filled(sentences.cold, { until });
  }
  if (!changed.length && retrains.length > (cold ? 1 : 0)) {
    return filled(sentences.vain, { times: times(retrains.length - (cold ? 1 : 0)) });
  }
  if (calm.length > Math.max(5, Math.floor(pushes.length / 2))) {
    return filled(sentences.calm, { times: times(calm.length) });
  }
  for (const change of changed) {
    const after = retrains.filter((cycle) => cycle >= change);
    if (!after.length) {
      const least = Math.min(...swings.slice(change), target);
      if (least < 0.6 * target) return filled(sentences.unlearned, { change });
      continue;
    }
    const wait = after[0] - change;
    if (wait < window - 1 && after.length < 2) return filled(sentences.mixed, { wait: cycles(wait) });
    if (wait > 4 * window) return filled(sentences.late, { change, wait: cycles(wait) });
  }
  if (retrains.length > 3 * Math.max(1, changed.length)) {
    const changes = changed.length === 1 ? sentences.change : filled(sentences.changes, { count: changed.length });
    return filled(sentences.often, { times: times(retrains.length), changes });
  }
  return sentences.well;
}
