"""Record an episode of every scenario bit for bit; ``python tests/golden/record.py`` writes the file anew.

Write it anew only together with a new version of the env, or in a change that says why not.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from springdrift import ENV_ID, OPS_ID, SERIES_ID, SERIES_OPS_ID, WORLDS, Action

IDS = (ENV_ID, SERIES_ID, OPS_ID, SERIES_OPS_ID)
SEED = 20_26


def decision(cycle: int, allowed: int = 3) -> int:
    """Waits mostly, pushes in stretches, retrains now and then; fine-tunes and rolls back where it can."""
    if allowed > Action.ROLLBACK and cycle % 23 == 9:
        return Action.FINE_TUNE
    if allowed > Action.ROLLBACK and cycle % 41 in (25, 33):
        return Action.ROLLBACK
    return 2 if cycle % 37 == 12 else int(cycle % 11 > 7)


def file_of(id: str) -> Path:
    """Where the episodes of a world are kept."""
    return Path(__file__).with_name(id.split("/")[1] + ".json")


def scenarios_of(id: str) -> list[str]:
    """The scenarios that ship with a world."""
    return list(WORLDS[id].scenarios)


def record(scenario: str, id: str = ENV_ID, modes: Iterable[str] = ()) -> dict:
    """Digests of the observations and rewards of an episode, and every tenth reward to read.

    It is played once for each way to observe, or for some of them alone.
    """
    entry: dict = {}
    for observe in modes or WORLDS[id].world.observations:
        env = WORLDS[id].env(scenario, observe=observe)
        obs, _ = env.reset(seed=SEED)
        seen, rewards, done = [obs], [], False
        while not done:
            obs, reward, done, _, _ = env.step(decision(len(rewards), WORLDS[id].actions.n))
            seen.append(obs)
            rewards.append(reward)
        entry[observe] = hashlib.sha256(np.array(seen, "<f4").tobytes()).hexdigest()
    entry["rewards"] = hashlib.sha256(np.array(rewards, "<f8").tobytes()).hexdigest()
    entry["every tenth reward"] = rewards[::10]
    return entry


if __name__ == "__main__":
    for id in sys.argv[1:] or IDS:
        entries = {scenario: record(scenario, id) for scenario in scenarios_of(id)}
        file_of(id).write_text(json.dumps(entries, indent=1) + "\n")
        print(f"written: {file_of(id)}")
