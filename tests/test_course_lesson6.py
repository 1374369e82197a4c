"""Lesson 6: right answers pass in any form, wrong ones get the hint that is meant for them."""

import subprocess
import sys

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, script_of, solutions_of
from springdrift.incline.observation import OBSERVE
from springdrift_agents.course import check
from springdrift_agents.policies.learned import Card, Learned

RIGHT = solutions_of(6)
TRUTH, DASHBOARD = RIGHT.names_of("truth"), RIGHT.names_of("monitor")


class TestLesson6(LessonChecks):
    lesson = 6


def test_without_torch_the_lesson_says_what_to_install(tmp_path):
    block = "import sys, runpy; sys.modules['torch'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    run = subprocess.run(
        [sys.executable, "-c", block, str(script_of(6))],
        cwd=tmp_path,
        env={"MPLBACKEND": "Agg", "SPRINGDRIFT_FAST": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.strip() == (
        'this lesson trains networks and needs torch: pip install "springdrift[cli,render,rl]"'
    )


# ---------------------------------------------------------------- wrong answers


def first_below(steps, costs, goal):
    return steps[np.argmax(costs <= goal)] if (costs <= goal).any() else np.inf


def place(steps, costs, goal):
    return np.argmax(steps == RIGHT.steps_to(steps, costs, goal))


def strict(steps, costs, goal):
    return RIGHT.steps_to(steps, costs, goal - 1e-12)


def last_above(steps, costs, goal):
    above = np.flatnonzero(costs > goal)
    return steps[above[-1]] if len(above) else steps[0]


def always_arrives(steps, costs, goal):
    found = RIGHT.steps_to(steps, costs, goal)
    return found if np.isfinite(found) else steps[-1]


def minus_one(steps, costs, goal):
    found = RIGHT.steps_to(steps, costs, goal)
    return found if np.isfinite(found) else -1


def in_words(steps, costs, goal):
    found = RIGHT.steps_to(steps, costs, goal)
    return found if np.isfinite(found) else "inf"


def needs_some_above(steps, costs, goal):
    above = np.flatnonzero(costs > goal)
    return RIGHT.steps_to(steps, costs, goal) if len(above) else np.inf


def naive(steps, costs, goal):
    return steps[np.flatnonzero(costs > goal)[-1] + 1]


def gain(fee, saving, latency, gamma):
    return RIGHT.gain_of_retraining(fee, saving, latency, gamma)


def frames(memory, observation, start, *, wipe=True):
    return RIGHT.remember(memory, observation, start if wipe else np.zeros_like(start))


def wiped_whole(memory, observation, start):
    new = frames(memory, observation, start, wipe=False).copy()
    new[start] = 0.0
    return new


def newest_first(memory, observation, start):
    old = memory[:, : -observation.shape[1]].copy()
    old[start] = 0.0
    return np.hstack((observation, old))


def drops_the_newest(memory, observation, start):
    old = memory[:, : -observation.shape[1]].copy()
    old[start] = 0.0
    return np.hstack((old, observation))


def repeated(memory, observation, start):
    new = frames(memory, observation, start, wipe=False).copy()
    new[start] = np.tile(observation, memory.shape[1] // observation.shape[1])[start]
    return new


def never_drops(memory, observation, start):
    return np.hstack((memory, observation))


def mean_of_shares(mixed, retrains):
    some = retrains > 0
    return (mixed[some] / retrains[some]).mean() if some.any() else 0.0


def without_care(mixed, retrains):
    with np.errstate(invalid="ignore"):
        return mixed.sum() / retrains.sum()


WRONG = [
    ("6.1", first_below, "first touches the goal"),
    ("6.1", place, "the place in the array"),
    ("6.1", strict, "at or below"),
    ("6.1", last_above, "the last point above the goal"),
    ("6.1", always_arrives, "ends above the goal has not reached it"),
    ("6.1", minus_one, "ends above the goal has not reached it: return float('inf')"),
    ("6.1", lambda *given: float(minus_one(*given)), "ends above the goal has not reached it"),
    ("6.1", in_words, "ends above the goal has not reached it"),
    ("6.1", needs_some_above, "never above the goal is there from its first point"),
    ("6.1", naive, "your function raised IndexError"),
    ("6.1", lambda steps, costs, goal: steps, "expected a result of shape ()"),
    ("6.1", lambda steps, costs, goal: steps[-1], "find the last point of the curve"),
    ("6.1", lambda steps, costs, goal: np.inf, "find the last point of the curve"),
    ("6.1", 10_240, "expected a function, got int"),
    ("6.2", lambda f, s, n, g: gain(0.0, s, n, g), "the fee is missing"),
    ("6.2", lambda f, s, n, g: gain(f, s, 0, g), "the wait is missing"),
    ("6.2", lambda f, s, n, g: gain(f, s, n + 1, g), "one cycle too late"),
    ("6.2", lambda f, s, n, g: -gain(f, s, n, g), "the sign is not"),
    ("6.2", lambda f, s, n, g: g**n * (s / (1 - g) - f), "the fee is paid now"),
    ("6.2", lambda f, s, n, g: s * g**n - f, "counts the savings after the latency in full"),
    ("6.2", lambda f, s, n, g: sum(s * g**t for t in range(n)) - f, "you added up those before it"),
    ("6.2", lambda f, s, n, g: s * 40 - f, "a saving in every cycle from now on"),
    ("6.2", lambda f, s, n: 0.0, "your function raised TypeError"),
    ("6.3", lambda m, o, s: frames(m, o, s, wipe=False), "still remember the episode before"),
    ("6.3", wiped_whole, "you wiped the newest frame too"),
    ("6.3", newest_first, "the newest frame is to come last"),
    ("6.3", drops_the_newest, "it is the oldest frame that is dropped"),
    ("6.3", repeated, "you repeat the first observation"),
    ("6.3", never_drops, "expected a result of shape (4, 6), got (4, 8)"),
    ("6.3", lambda m, o, s: m, "with D = observation.shape[1]"),
    ("6.4", TRUTH, "take away the columns of the dashboard"),
    ("6.4", (TRUTH - DASHBOARD) | {"time_left"}, "'time_left' is on the operator's dashboard"),
    ("6.4", {name for name in TRUTH if name.startswith("true_")}, "not all leaks are called true_"),
    ("6.4", {"true_stiffness", "since_change"}, "8 columns"),
    ("6.4", {"stiffness"}, "'stiffness' is no column"),
    ("6.4", "since_change", "expected a set of names, got str"),
    ("6.4", 8, "expected a set of names, got int"),
    ("6.4", [1, ["true_error"]], "each a text such as 'swing'"),
    ("6.4", set(), "you name 0"),
    ("6.5", mean_of_shares, "the mean of the episodes' shares"),
    ("6.5", lambda m, r: np.mean(m / np.maximum(r, 1)), "with 0 where nobody retrained"),
    ("6.5", lambda m, r: m.mean(), "how many mixed retrainings an episode has"),
    ("6.5", lambda m, r: np.mean(m > 0), "the share of episodes with a mixed retraining"),
    ("6.5", lambda m, r: 1 - RIGHT.share_mixed(m, r), "the share on clean windows"),
    ("6.5", without_care, "return 0.0 and not nan"),
    ("6.5", lambda m, r: m.sum() / r.sum() if r.sum() else 1.0, "return 0.0 and not nan"),
    ("6.5", lambda m, r: np.nan, "nan comes from 0/0"),
    ("6.5", lambda m, r: m / np.maximum(r, 1), "expected a result of shape ()"),
    ("6.5", 0.57, "expected a function, got float"),
    ("6.6", "policy.zip", "a zip of Stable-Baselines3 holds pickles"),
    ("6.6", "policy.pkl", "whoever wrote it decides what runs"),
    ("6.6", "policy.pt", "torch.save writes pickles too"),
    ("6.6", "safetensors", "expected one of 'policy.zip'"),
    ("6.6", True, "expected one of"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


# ---------------------------------------------------------------- right answers, written differently


def step_by_step(steps, costs, goal):
    found = float("inf")
    for step, cost in zip(steps[::-1], costs[::-1], strict=True):
        if cost > goal:
            break
        found = float(step)
    return found


def summed(fee, saving, latency, gamma):
    return sum(saving * gamma**t for t in range(latency, 3000)) - fee


def by_roll(memory, observation, start):
    wide = observation.shape[1]
    new = np.roll(memory, -wide, axis=1) * ~start[:, None]
    new[:, -wide:] = observation
    return new


def in_place(memory, observation, start):
    memory[start] = 0.0
    memory[:, : -observation.shape[1]] = memory[:, observation.shape[1] :].copy()
    memory[:, -observation.shape[1] :] = observation
    return memory


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("6.1", step_by_step),
        ("6.1", lambda *given: np.array(step_by_step(*given))),
        ("6.1", lambda *given: np.array([step_by_step(*given)])),
        ("6.1", lambda *given: np.float32(step_by_step(*given))),
        ("6.2", summed),
        ("6.3", by_roll),
        ("6.3", in_place),
        ("6.3", lambda m, o, s: by_roll(m, o, s).tolist()),
        ("6.4", sorted(TRUTH - DASHBOARD)),
        ("6.4", [sense.name for sense in OBSERVE["truth"][len(DASHBOARD) :]]),
        ("6.4", [sense for sense in OBSERVE["truth"] if sense not in OBSERVE["monitor"]]),
        ("6.5", lambda m, r: sum(m) / max(sum(r), 1)),
        ("6.5", lambda m, r: np.average(m / np.maximum(r, 1), weights=r) if r.any() else 0),
        ("6.6", " Policy.safetensors "),
    ],
)
def test_right_answers_pass_however_they_are_written(exercise, answer):
    found = check(exercise, answer)
    assert found, found


def test_the_memory_is_the_one_of_the_house():
    """What students write is what learned policies remember."""
    wide = len(DASHBOARD)
    rng = np.random.default_rng(0)
    network = {"0.weight": rng.normal(size=(3, 3 * wide)), "0.bias": np.zeros(3)}
    policy, memory = Learned(Card("ppo", stack=3), network), None
    mine = np.zeros((4, 3 * wide), np.float32)
    for cycle in range(8):
        seen, start = rng.normal(size=(4, wide)).astype(np.float32), np.arange(4) == cycle % 5
        _, memory = policy.predict(seen, memory, episode_start=start)
        mine = RIGHT.remember(mine, seen, start)
        np.testing.assert_array_equal(memory[0], mine)


def test_patience_decides_as_the_lesson_says():
    assert RIGHT.gain_of_retraining(3.0, 0.65, 4, 0.8) < 0 < RIGHT.gain_of_retraining(3.0, 0.65, 4, 0.97)
