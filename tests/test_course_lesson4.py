"""Lesson 4: right answers pass in any form, wrong ones get the hint that is meant for them."""

import re

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, script_of, solutions_of
from springdrift import OBS, THREE_ACTIONS, Action, InclinedMassEnv
from springdrift_agents.course import check
from springdrift_agents.course.lesson4 import BREAK_EVEN, REMEDIES
from springdrift_agents.policies.rules import error_of, sense

RIGHT = solutions_of(4)


class TestLesson4(LessonChecks):
    lesson = 4


def remedies(**other):
    return {**REMEDIES, **other}


WRONG = [
    ("4.1", 0.2, "that is the *square*"),
    ("4.1", 44.7, "not in percent"),
    ("4.1", 1.447, "that is A/A*"),
    ("4.1", 0.553, "that is A/A*"),
    ("4.1", 0.577, "a push costs 0.6, not 1"),
    ("4.1", 0.3, "for which deviation"),
    ("4.1", -0.447, "the sign is not"),
    ("4.2", (40, 43), "holds the old world alone"),
    ("4.2", (45, 48), "39 still belongs to the old world"),
    ("4.2", (47, 50), "one cycle later than need be"),
    ("4.2", [46, 52], "does not wait for the window again"),
    ("4.2", (46, 48), "three cycles on from it"),
    ("4.2", (46, 50), "live from cycle c + 3 on"),
    ("4.2", (43, 46), "only half of the window is new"),
    ("4.2", (50, 53), "must not lie before cycle 40"),
    ("4.2", np.array([45, 48]), "39 still belongs to the old world"),
    ("4.2", (46.0, 48.0), "three cycles on from it"),
    ("4.2", ("46", "49"), "numbers are expected, got text: ('46', '49')"),
    ("4.2", np.array([46, 49]) + 0j, "numbers are expected, got complex numbers"),
    ("4.2", [[46], [49]], "expected shape (2,), got (2, 1)"),
    ("4.2", 46, "expected shape (2,), got ()"),
    ("4.2", ..., "there is no answer yet"),
    ("4.3", remedies(A=np.array([1, 2])), "A: expected one of"),
    ("4.3", dict.fromkeys("ABCDE", np.array([1, 2])), "A: expected one of"),
    ("4.3", dict.fromkeys("ABCDE", ...), "there is no answer yet"),
    ("4.3", dict.fromkeys("abcde", ...), "there is no answer yet"),
    ("4.3", {letter.lower(): word for letter, word in remedies(B="wait").items()}, "B: the error has been"),
    ("4.3", {"first": "wait"}, "A is still missing"),
    ("4.3", remedies(A=7), "A: expected one of"),
    ("4.3", remedies(A="wait"), "A: the controller already pushes"),
    ("4.3", remedies(A="retrain"), "as small as that of a new model"),
    ("4.3", remedies(B="wait"), "the level has moved away"),
    ("4.3", remedies(B="intervene"), "the swing is on its target"),
    ("4.3", remedies(C="retrain"), "the model is not"),
    ("4.3", remedies(C="intervene"), "the swing was never far off"),
    ("4.3", remedies(D="intervene"), "in which direction does it move"),
    ("4.3", remedies(D="retrain"), "would forecast the same"),
    ("4.3", remedies(E="wait"), "nothing of it is passing"),
    ("4.3", remedies(E="intervene"), "one push helps for a cycle or two"),
    ("4.3", remedies(E="panic"), "expected one of 'wait', 'intervene', 'retrain', got 'panic'"),
    ("4.3", remedies(E=True), "expected one of"),
    ("4.3", remedies(D=...), "D is still missing"),
    ("4.3", {"A": "intervene"}, "B is still missing"),
    ("4.3", ["intervene"], "expected a dict"),
    ("4.5", lambda a, c: np.sqrt(c / a), "the area of a *triangle*"),
    ("4.5", lambda a, c: 2 * c / a, "the root is missing"),
    ("4.5", lambda a, c: np.sqrt(2 * a / c), "a dearer retraining must make the period longer"),
    ("4.5", lambda a, c: np.sqrt(2 * a * c), "not the period"),
    ("4.5", lambda a, c: np.sqrt(c / (2 * a)), "solve C/T² = a/2"),
    ("4.5", lambda a, c: round(np.sqrt(2 * c / a)), "do not round"),
    ("4.5", lambda a, c: 30.0, "derivative"),
    ("4.6", lambda t, c: np.polyfit(t, c, 1)[0], "an intercept of its own"),
    ("4.6", lambda t, c: (c / t).mean(), "the mean of the ratios"),
    ("4.6", lambda t, c: c.sum() / t.sum(), "the ratio of the means"),
    ("4.6", lambda t, c: (c[-1] - c[0]) / (t[-1] - t[0]), "the first and the last point only"),
    ("4.6", lambda t, c: (t * c).sum() / (c * c).sum(), "upside down"),
    ("4.6", lambda t, c: 0.02, "set it to zero and solve for a"),
    ("4.6", lambda t, c: ((t * c) / t).sum() / ((t * t) / t).sum() + 0 * t[0], "the ratio of the means"),
    ("4.6", lambda t, c: np.exp(np.log(t * c / t)).dot(t) / (t / t * t).dot(t), "do not divide by each age"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


def test_right_answers_written_differently_pass():
    assert check("4.1", 0.2**0.5)
    assert check("4.1", np.float32(BREAK_EVEN))
    assert check("4.2", [46, 49])
    assert check("4.2", np.array([46, 49]))
    assert check("4.3", {letter: word.upper() for letter, word in REMEDIES.items()})
    assert check("4.3", {letter: Action[word.upper()] for letter, word in REMEDIES.items()})
    assert check("4.3", {letter.lower(): Action[word.upper()] for letter, word in REMEDIES.items()})
    assert check("4.3", {letter: np.int64(Action[word.upper()]) for letter, word in REMEDIES.items()})
    assert check("4.6", lambda t, c: np.linalg.lstsq(t[:, None], c, rcond=None)[0])
    assert check("4.5", lambda slope, fee: (fee / slope * 2) ** 0.5)
    assert check("4.6", lambda t, c: np.linalg.lstsq(t[:, None], c, rcond=None)[0][0])


# ---------------------------------------------------------------- the rule of 4.4


class Patient:
    """A right rule in pure Python, with a fault where a test wants one."""

    patience, limit, gauge = 6, 0.4, "error_fast"

    def high(self, row):
        return error_of(float(sense(row, self.gauge))) > 0.7 and sense(row, "in_flight") == 0

    def one(self, row, count):
        """The decision for one dashboard and the new counter."""
        count = count + 1 if self.high(row) else 0
        if count >= self.patience:
            return 2, 0
        return (1 if self.off(row) else 0), count

    def off(self, row):
        return abs(sense(row, "swing")) > self.limit

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        rows = np.atleast_2d(observation)
        counts = [0] * len(rows) if state is None else list(state[0])
        start = [False] * len(rows) if episode_start is None else list(episode_start)
        found = [self.one(row, 0 if new else c) for row, c, new in zip(rows, counts, start, strict=True)]
        decisions, counts = (np.array(each) for each in zip(*found, strict=True))
        return (decisions if np.ndim(observation) == 2 else decisions[0]), (counts,)


class Scaled(Patient):
    def high(self, row):
        return sense(row, "error_fast") > 0.7 and sense(row, "in_flight") == 0


class OneCycle(Patient):
    gauge = "error"


class Hasty(Patient):
    patience = 1


class Early(Patient):
    patience = 5


class Late(Patient):
    patience = 7


class Unforgiving(Patient):
    def one(self, row, count):
        count += bool(self.high(row))
        return (2, 0) if count >= 6 else (int(self.off(row)), count)


class Blind(Patient):
    def high(self, row):
        return error_of(float(sense(row, "error_fast"))) > 0.7


class OneSided(Patient):
    def off(self, row):
        return sense(row, "swing") < -0.4


class Pusher(Patient):
    def one(self, row, count):
        decision, count = super().one(row, count)
        return (1 if self.off(row) else decision), count


class NeverPushes(Patient):
    def off(self, row):
        return False


class Fussy(Patient):
    limit = 0.5


class InSelf(Patient):
    def __init__(self):
        self.counts = None

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        if self.counts is None or len(self.counts) != len(np.atleast_2d(observation)):
            self.counts = np.zeros(len(np.atleast_2d(observation)), int)
        decisions, (self.counts,) = super().predict(observation, (self.counts,), episode_start)
        return decisions, None


class Eternal(Patient):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return super().predict(observation, state)


class AllAtOnce(Patient):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        fresh = episode_start is not None and np.any(episode_start)
        return super().predict(observation, None if fresh else state)


class BatchOnly(Patient):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        decisions, state = super().predict(np.atleast_2d(observation), state, episode_start)
        return decisions, state


class Forgetful(Patient):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return super().predict(observation, state)[0], None


class WipedByNone(Patient):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        count = np.zeros(len(np.atleast_2d(observation)), int) if state is None else state[0].copy()
        count[episode_start] = 0
        return super().predict(observation, (count,))


class Unwritten:
    def predict(self, observation, state=None, episode_start=None, deterministic=True): ...


class NoMemory(Patient):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return super().predict(observation, state)[0]


class Ragged(Patient):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return [[1], 2], None


class Names(Patient):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        decisions, state = super().predict(observation, state, episode_start)
        return np.array(THREE_ACTIONS.names)[decisions], state


RULES = [
    (Scaled, "error_of turns it back"),
    (OneCycle, "Asked is `error_fast`"),
    (Hasty, "in the first cycle of a high error"),
    (Early, "one cycle too early"),
    (Late, "one cycle too late"),
    (Unforgiving, "must follow one another"),
    (Blind, "while a model is in training"),
    (OneSided, "look at its size, not its sign"),
    (Pusher, "retraining comes first"),
    (NeverPushes, "look at rule 3 again"),
    (Fussy, "follow the three rules by hand up to there"),
    (InSelf, "the counters must travel in `state`"),
    (Eternal, "still has its old counter"),
    (AllAtOnce, "made another one forget its counter"),
    (BatchOnly, "the decisions must have shape ()"),
    (Forgetful, "does your counter come back in `state`?"),
    (WipedByNone, "episode_start may be None"),
    (Unwritten, "there is no answer yet"),
    (NoMemory, "predict returns two things"),
    (Ragged, "one whole number for each machine"),
    (Names, "decisions are whole numbers"),
    (Action, "your function raised TypeError"),
    (lambda: 1, "needs a method named predict"),
]


@pytest.mark.parametrize(("rule", "hint"), RULES)
def test_wrong_rules_get_their_hint(rule, hint):
    assert hint in hint_of("4.4", rule)


def test_a_right_rule_passes_as_class_instance_or_function():
    assert check("4.4", Patient)
    assert check("4.4", Patient())
    assert check("4.4", lambda: Patient())


# ---------------------------------------------------------------- what the lesson says of the machine


DASHBOARDS = {
    "A": ("wear", 1, 150),
    "B": ("tilt", 103, 140),
    "C": ("faulty-sensor", 101, 100),
    "D": ("driver", 109, 142),
    "E": ("abrupt", 11, 32),
}


@pytest.mark.parametrize("letter", DASHBOARDS)
def test_the_five_dashboards_are_real_and_their_remedies_are_the_cheapest(letter):
    scenario, seed, cycle = DASHBOARDS[letter]
    env = InclinedMassEnv(scenario)
    env.reset(seed=seed)
    rows = np.array([env.step(Action.WAIT)[0] for _ in range(cycle + 1)])[-3:]
    line = re.search(rf"^# \| {letter} \|(.*)\|$", script_of(4).read_text(encoding="utf-8"), re.MULTILINE)
    assert line
    said = [
        [float(value) for value in part.replace("−", "-").split(",")] for part in line[1].strip().split("|")
    ]
    for gauge, values in zip(("swing", "error", "correlation", "push", "level"), said, strict=True):
        seen = rows[:, OBS.index(gauge)]
        np.testing.assert_allclose(error_of(seen) if gauge == "error" else seen, values, atol=0.00501)
    costs = {}
    for action in (Action.WAIT, Action.INTERVENE, Action.RETRAIN):
        fork = env.fork()
        costs[action.name.lower()] = -sum(fork.step(action if n == 0 else Action.WAIT)[1] for n in range(20))
    assert min(costs, key=costs.get) == REMEDIES[letter]
    assert sorted(costs.values())[1] > costs[REMEDIES[letter]] + 0.5


def test_a_window_is_clean_six_cycles_after_a_change_and_its_model_live_three_later():
    request, live = RIGHT.clean_request
    env = InclinedMassEnv("stationary")
    env.reset(seed=0)
    versions = [
        env.step(Action.RETRAIN if c == request else Action.WAIT)[4]["truth"]["version"] for c in range(60)
    ]
    assert versions.index(1.0) + 1 == live  # shipped at the end of the cycle before
