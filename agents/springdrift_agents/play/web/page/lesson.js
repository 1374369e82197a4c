/** What a player's episode teaches, in one sentence; as `feedback.py` tells it. */

import { filled } from "./texts.js";

export function lessonOf(episode, cold, sentences) {
  const { decisions, changed, records } = episode;
  const { window, actions } = episode.world.about;
  const cyclesOf = (...names) => decisions.flatMap((one, cycle) => (names.includes(actions[one].name) ? [cycle] : []));
  const [retrains, pushes] = [cyclesOf("RETRAIN"), cyclesOf("INTERVENE")];
  const repairs = cyclesOf("RETRAIN", "FINE_TUNE", "ROLLBACK");
  const times = (count) => (count === 1 ? sentences.once : filled(sentences.times, { count }));
  const cycles = (count) => filled(count === 1 ? sentences.cycle : sentences.cycles, { count });
  const calm = pushes.filter((cycle) => cycle > 0 && records[cycle - 1].calm);
  if (cold && (!retrains.length || retrains[0] > 2 * window)) {
    const until = retrains.length ? filled(sentences.until, { cycle: retrains[0] }) : sentences.end;
    return filled(sentences.cold, { until });
  }
  if (!changed.length && retrains.length > (cold ? 1 : 0)) {
    return filled(sentences.vain, { times: times(retrains.length - (cold ? 1 : 0)) });
  }
  if (calm.length > Math.max(5, Math.floor(pushes.length / 2))) {
    return filled(episode.world.about.engine === "series" ? sentences.spared : sentences.calm, { times: times(calm.length) });
  }
  for (const change of changed) {
    const after = retrains.filter((cycle) => cycle >= change);
    if (!after.length) {
      const lost = records.slice(change).some((one) => one.lost);
      if (lost && !repairs.some((cycle) => cycle >= change)) return filled(sentences.unlearned, { change });
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
