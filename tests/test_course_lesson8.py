"""Lesson 8: right answers pass in any form, wrong ones get the hint that is meant for them."""

import math

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, solutions_of
from springdrift import Action, Jump, Scenario
from springdrift_agents.course import check
from springdrift_agents.course.lesson8 import CURES
from springdrift_agents.evaluation.evaluate import Script, evaluate, world_seeds
from springdrift_agents.policies.registry import policy

RIGHT = solutions_of(8)


class TestLesson8(LessonChecks):
    lesson = 8


def cures(**other):
    return {**CURES, **other}


def tried(bill):
    """A solution of 8.1 with a bill of its own."""
    return lambda w, e, lag, end: min(range(1, end - lag + 1), key=lambda n: (bill(w, e, lag, end, n), n))


def lowest(w, e, lag, end):
    n = RIGHT.cycles_of_data(w, e, lag, end)
    return w * (n + lag) + (end - n - lag) * e / n


def flat_end(t, d, ceiling):
    return np.polyfit(t, np.log(d).mean(axis=0), 1)[0]


def loudest(t, d, ceiling):
    mean = np.log(d.mean(axis=0))
    return np.polyfit(t[mean < np.log(ceiling)], mean[mean < np.log(ceiling)], 1)[0]


def two_points(t, d, ceiling):
    mean = np.log(d).mean(axis=0)
    last = np.flatnonzero(mean < np.log(ceiling))[-1]
    return (mean[last] - mean[0]) / (t[last] - t[0])


WRONG = [
    ("8.1", tried(lambda w, e, lag, end, n: w * n + (end - n) * e / n), "where is the latency?"),
    ("8.1", tried(lambda w, e, lag, end, n: w * (n + lag) + end * e / n), "where is the latency?"),
    ("8.1", tried(lambda w, e, lag, end, n: w * (n + lag) + (end - n - lag) * e * n), "divide by n"),
    ("8.1", tried(lambda w, e, lag, end, n: (end - n - lag) * e / n), "gathering has its price"),
    ("8.1", lambda w, e, lag, end: round(math.sqrt(e * end / w)), "the latency in the square root"),
    ("8.1", lambda w, e, lag, end: round(math.sqrt(e * (end - lag) / w)), "so many cycles there are not"),
    ("8.1", lowest, "the lowest bill itself"),
    (
        "8.1",
        lambda w, e, lag, end: np.argmin(
            [w * (n + lag) + (end - n - lag) * e / n for n in range(1, end - lag + 1)]
        ),
        "the first bill is that of n = 1: add 1",
    ),
    ("8.1", lambda w, e, lag, end: 1, "write the bill as a function of n"),
    ("8.2", lambda s, fee, lag: math.ceil(lag + fee / s), "it only gets its fee back"),
    ("8.2", lambda s, fee, lag: math.floor(fee / s) + 1, "only n - latency cycles save anything"),
    ("8.2", lambda s, fee, lag: lag + fee / s, "the number of cycles is whole"),
    ("8.2", lambda s, fee, lag: math.floor((fee + lag) / s) + 1, "outside the division"),
    ("8.2", lambda s, fee, lag: 7, "smallest whole n"),
    ("8.3", lambda r, lag, k: (r + lag) // k * k, "round *up*"),
    ("8.3", lambda r, lag, k: ((r + lag) // k + 1) * k, "just in time for a slot"),
    ("8.3", lambda r, lag, k: math.ceil(r / k) * k, "the training takes time"),
    ("8.3", lambda r, lag, k: r + lag, "it must wait for a slot"),
    ("8.3", lambda r, lag, k: math.ceil(r / k) * k + lag, "first the training ends"),
    ("8.3", lambda r, lag, k: round((r + lag) / k) * k, "sometimes goes back in time"),
    ("8.3", lambda r, lag, k: 30, "the first multiple of `every`"),
    *[("8.4", {**CURES, name: "panic"}, f"{name}: expected one of") for name in CURES],
    ("8.4", cures(gradual="wait"), "Who can learn it?"),
    ("8.4", cures(tilt="intervene"), "where the model expects it"),
    ("8.4", cures(wear="retrain"), "wear: the forecast stays right"),
    ("8.4", cures(fade="retrain"), "too weak for the controller"),
    ("8.4", cures(driver="retrain"), "a rhythm of its own"),
    ("8.4", cures(chaos="intervene"), "a push by hand needs a swing"),
    ("8.4", cures(chaos=...), "chaos is still missing"),
    ("8.4", ["wait"], "expected a dict"),
    ("8.4", {name.upper(): ... for name in CURES}, "there is no answer yet"),
    ("8.4", cures(chaos=True), "chaos: expected one of"),
    ("8.4", cures(chaos=Action.INTERVENE), "a push by hand needs a swing"),
    (
        "8.5",
        lambda t, d, c: RIGHT.lyapunov_exponent(t, d, c) / np.log(10),
        "the natural logarithm",
    ),
    ("8.5", loudest, "the fastest pair drowns all others"),
    ("8.5", flat_end, "the flat end is in it"),
    ("8.5", lambda t, d, c: np.polyfit(t, d.mean(axis=0), 1)[0], "the logarithm is missing"),
    ("8.5", two_points, "the slope between two points"),
    ("8.5", lambda t, d, c: 1 / RIGHT.lyapunov_exponent(t, d, c), "asked is λ"),
    ("8.5", lambda t, d, c: np.log(d), "expected a result of shape ()"),
    ("8.5", lambda t, d, c: 0.1572, "the slope of a straight line"),
    ("8.6", lambda p, tol, rate: math.log10(tol / p) / rate, "use the natural logarithm"),
    ("8.6", lambda p, tol, rate: math.log2(tol / p) / rate, "counts doublings"),
    ("8.6", lambda p, tol, rate: (tol - p) / rate, "by the same factor"),
    ("8.6", lambda p, tol, rate: tol / p / rate, "solve precision · e^(λt) = tolerance"),
    ("8.6", lambda p, tol, rate: math.log(tol / p) * rate, "upside down"),
    ("8.6", lambda p, tol, rate: math.log(p / tol) / rate, "got swapped"),
    ("8.6", lambda p, tol, rate: 4.6, "at which t is it as large"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


def step_by_step(waiting, excess, latency, deadline):
    """Cycle by cycle, as one would play it."""
    bills = {}
    for n in range(1, deadline - latency + 1):
        cycles = range(deadline)
        bills[n] = sum(waiting if cycle < n + latency else excess / n for cycle in cycles)
    return min(bills, key=bills.get)


def regression(t, distances, ceiling):
    logs = [sum(math.log(x) for x in column) / len(column) for column in distances.T.tolist()]
    pairs = [(time, log) for time, log in zip(t.tolist(), logs, strict=True) if log < math.log(ceiling)]
    times, logs = (np.array(each) for each in zip(*pairs, strict=True))
    return ((times - times.mean()) * logs).sum() / ((times - times.mean()) ** 2).sum()


RIGHTS = [
    ("8.1", step_by_step),
    ("8.1", lambda w, e, lag, end: min(end - lag, max(1, round(math.sqrt(e * (end - lag) / w))))),
    ("8.2", lambda s, fee, lag: next(n for n in range(1000) if s * (n - lag) > fee)),
    ("8.3", lambda r, lag, k: next(c for c in range(r + lag, 1000) if c % k == 0)),
    ("8.3", lambda r, lag, k: float(np.ceil((r + lag) / k) * k)),
    ("8.4", {name: word.upper() for name, word in CURES.items()}),
    ("8.4", {name.upper(): word for name, word in CURES.items()}),
    ("8.4", {name: Action[word.upper()] for name, word in CURES.items()}),
    ("8.4", {name: int(Action[word.upper()]) for name, word in CURES.items()}),
    ("8.5", regression),
    ("8.6", lambda p, tol, rate: (np.log(tol) - np.log(p)) / rate),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHTS)
def test_right_answers_written_differently_pass(exercise, answer):
    verdict = check(exercise, answer)
    assert verdict, verdict.message


# ---------------------------------------------------------------- what the lesson says of the machine

SEEDS = world_seeds("evaluation", 8, 256)


def asked(cycles, cycle):
    plan = np.zeros((len(SEEDS), cycles), np.int64)
    plan[:, cycle] = Action.RETRAIN
    return Script(plan)


def jump(cycles, release_every=0, change=20):
    laws = (Jump("stiffness", (5.5, 16.5), 2.5),)
    onset, gap = (change, change), (1000, 1000)
    return Scenario(
        "once", "one jump", laws, onset=onset, gap=gap, cycles=cycles, release_every=release_every
    )


@pytest.mark.parametrize("scenario", CURES)
def test_the_cures_are_the_cheapest_of_three_operators(scenario):
    operators = {"wait": "never", "retrain": "periodic", "intervene": "swing"}
    costs = {word: evaluate(policy(name), scenario, SEEDS).cost.mean() for word, name in operators.items()}
    assert min(costs, key=costs.get) == CURES[scenario]


def test_the_further_the_deadline_the_more_data_pay():
    def extra(cycles):  # of a second cycle of data
        one, two = (
            evaluate(asked(cycles, cycle), "poc", SEEDS, cycles=cycles).cost.mean() for cycle in (1, 2)
        )
        return two - one

    assert extra(20) > 0.5
    assert extra(200) < -2.0


@pytest.mark.parametrize(("left", "pays"), [(5, False), (6, False), (8, True), (12, True)])
def test_a_retraining_pays_from_eight_cycles_on(left, pays):
    world = jump(26 + left)
    saved = evaluate(policy("never"), world, SEEDS).cost - evaluate(asked(26 + left, 26), world, SEEDS).cost
    assert (saved.mean() > 0) == pays


@pytest.mark.parametrize("request_", [25, 27, 28, 37])
def test_the_machine_keeps_the_timetable_of_the_exercise(request_):
    live = RIGHT.live_from(request_, latency=3, every=10)
    world, late = jump(100, release_every=10), jump(100)
    on_slot = evaluate(asked(100, request_), world, SEEDS).cost
    # the same model, delivered at once to a machine whose training takes until the slot
    other = evaluate(asked(100, request_), late, SEEDS, latency=live - request_).cost
    np.testing.assert_allclose(on_slot, other)


def test_a_spoilt_window_on_this_train_beats_a_clean_one_on_the_next():
    world = jump(100, release_every=10, change=23)
    spoilt, clean = (evaluate(asked(100, cycle), world, SEEDS).cost.mean() for cycle in (27, 29))
    assert spoilt < 0.8 * clean
