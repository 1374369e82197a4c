"""Record an episode of every scenario bit for bit; ``python tests/golden/record.py`` writes the file anew.

Write it anew only together with a new version of the env, or in a change that says why not.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from springdrift import ENV_ID, SCENARIOS, InclinedMassEnv
from springdrift.incline.observation import OBSERVE

FILE = Path(__file__).with_name(ENV_ID.split("/")[1] + ".json")
SEED = 20_26


def decision(cycle: int) -> int:
    """Waits mostly, pushes in stretches, retrains now and then."""
    return 2 if cycle % 37 == 12 else int(cycle % 11 > 7)


def record(scenario: str) -> dict:
    """Digests of the observations and rewards of an episode, and every tenth reward to read."""
    entry: dict = {}
    for observe in OBSERVE:
        env = InclinedMassEnv(scenario, observe=observe)
        obs, _ = env.reset(seed=SEED)
        seen, rewards, done = [obs], [], False
        while not done:
            obs, reward, done, _, _ = env.step(decision(len(rewards)))
            seen.append(obs)
            rewards.append(reward)
        entry[observe] = hashlib.sha256(np.array(seen, "<f4").tobytes()).hexdigest()
    entry["rewards"] = hashlib.sha256(np.array(rewards, "<f8").tobytes()).hexdigest()
    entry["every tenth reward"] = rewards[::10]
    return entry


if __name__ == "__main__":
    FILE.write_text(json.dumps({scenario: record(scenario) for scenario in SCENARIOS}, indent=1) + "\n")
    print(f"written: {FILE}")
