"""Lesson 3: right answers pass in any form, wrong ones get the hint that is meant for them."""

import math
import re
from statistics import NormalDist

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, solutions_of
from springdrift_agents.course import check
from springdrift_agents.course.lesson3 import cusum
from springdrift_agents.policies.detectors import Cusum, Ewma, run_lengths, siegmund

RIGHT = solutions_of(3)
cdf = NormalDist().cdf


class TestLesson3(LessonChecks):
    lesson = 3


def path(step):
    """A path from a rule for one step."""

    def found(values, slack):
        total, out = 0.0, []
        for value in values:
            total = step(total, value, slack)
            out.append(total)
        return out

    return found


def tops(z, slack):
    return cusum(z, slack).max(axis=0)


def cost(arl, delay, false, late, gap):
    return false / arl + late * delay / gap


WRONG = [
    ("3.1", lambda x: 2 * (1 - cdf(x)), "one has to wait one over it"),
    ("3.1", lambda x: 1 / (1 - cdf(x)), "on either side"),
    ("3.1", lambda x: 1 / (2 * cdf(x) - 1), "an alarm is a value outside"),
    ("3.1", lambda x: 1 / cdf(x), "outside the limits"),
    ("3.1", lambda x: 1 / (2 - 2 * cdf(x)) - 1, "counts the alarm too"),
    ("3.1", lambda x: 1 / (2 * NormalDist().pdf(x)), "is not a probability"),
    ("3.1", lambda x: 370.4, "the mean length is 1 / p"),
    ("3.1", 370.4, "expected a function, got float"),
    ("3.2", lambda v, k: np.cumsum(v - k), "never goes back to 0"),
    ("3.2", lambda v, k: np.maximum(0, np.cumsum(v - k)), "cutting off at the end"),
    ("3.2", path(lambda s, x, k: max(0, s + x)), "the slack is missing"),
    ("3.2", path(lambda s, x, k: max(0, s + x + k)), "taken off, not added"),
    ("3.2", path(lambda s, x, k: max(0, s + x) - k), "before the reset"),
    ("3.2", path(lambda s, x, k: s + max(0, x - k)), "no limit that the value has to exceed"),
    ("3.2", path(lambda s, x, k: max(0, s - x - k)), "the CUSUM of the falls"),
    ("3.2", path(lambda s, x, k: max(0, s + abs(x) - k)), "whatever their sign"),
    ("3.2", lambda v, k: [0, *RIGHT.cusum_path(v, k)[:-1]], "S_0 came along"),
    ("3.2", lambda v, k: [0, *RIGHT.cusum_path(v, k)], "expected a result of shape (40,), got (41,)"),
    ("3.2", lambda v, k: RIGHT.cusum_path(v, k)[-1], "expected a result of shape (40,), got ()"),
    ("3.2", lambda v, k: v, "from value to value"),
    ("3.3", lambda arl, k: RIGHT.threshold_for(arl, k) + 1.166, "the excess 1.166"),
    ("3.3", lambda arl, k: RIGHT.threshold_for(arl, k) - 1.166, "taken off twice"),
    ("3.3", lambda arl, k: RIGHT.threshold_for(2 * arl, k), "one-sided"),
    ("3.3", lambda arl, k: RIGHT.threshold_for(arl, 0.5), "not always 0.5"),
    ("3.3", lambda arl, k: round(5 * RIGHT.threshold_for(arl, k)) / 5, "nearly: search more finely"),
    ("3.2", lambda v, k: map(str, RIGHT.cusum_path(v, k)), "your function returned text"),
    ("3.3", lambda arl, k: str(RIGHT.threshold_for(arl, k)), "your function returned text"),
    ("3.3", siegmund, "your function raised TypeError"),
    ("3.3", lambda arl, k: 4.0, "is the ARL0; search"),
    ("3.4", lambda n, a: n[a].mean(), "the long ones are missing"),
    ("3.4", lambda n, a: n.mean(), "as if an alarm had come then"),
    ("3.4", lambda n, a: a.sum() / n.sum(), "upside down"),
    ("3.4", lambda n, a: n[~a].sum() / a.sum(), "in the others too"),
    ("3.4", lambda n, a: n.sum() / max(1, (~a).sum()), "divide by the number of alarms"),
    ("3.4", lambda n, a: np.median(n), "a median knows nothing"),
    ("3.4", lambda n, a: 200.0, "the rate is the number of alarms"),
    ("3.5", lambda z, k, share: np.quantile(cusum(z, k), 1 - share), "all values of all paths"),
    ("3.5", lambda z, k, share: np.quantile(cusum(z, k)[-1], 1 - share), "may have alarmed long before"),
    ("3.5", lambda z, k, share: np.quantile(z.max(axis=0), 1 - share), "a limit for single values"),
    ("3.5", lambda z, k, share: np.quantile(tops(z, k), share), "which end of the sorted worlds"),
    ("3.5", lambda z, k, share: tops(z, k).max(), "a few may"),
    ("3.5", lambda z, k, share: np.quantile(tops(z.T, k), 1 - share), "the worlds are the columns"),
    ("3.5", lambda z, k, share: np.quantile(cusum(z, k).max(axis=1), 1 - share), "along the first axis"),
    (
        "3.5",
        lambda z, k, share: RIGHT.quiet_threshold(z, k, 2 * share),
        "10 of 20 hidden worlds alarm at your threshold, and 5 were allowed",
    ),
    (
        "3.5",
        lambda z, k, share: RIGHT.quiet_threshold(z, k, share / 2),
        "2 of 20 hidden worlds alarm at your threshold, though 5 were allowed",
    ),
    ("3.5", lambda z, k, share: math.inf, "expected a finite number, the threshold"),
    ("3.5", lambda z, k, share: tops(z, k), "expected a finite number, the threshold"),
    ("3.5", lambda z, k, share: 1j, "expected a finite number, the threshold"),
    ("3.5", lambda z, k, share: "high", "expected a finite number, the threshold"),
    ("3.6", lambda h, a, d, *p: np.argmin(cost(a, d, *p)), "that is the place in the table"),
    ("3.6", lambda h, a, d, *p: np.min(cost(a, d, *p)), "that is the cost"),
    ("3.6", lambda h, a, d, pf, pd, gap: h[np.argmin(cost(a, d, pf, pd, 1))], "spread over the gap"),
    ("3.6", lambda h, a, d, *p: h[np.argmax(cost(a, d, *p))], "that is the dearest"),
    ("3.6", lambda h, a, d, pf, pd, gap: h[np.argmin(pf * a + pd * d / gap)], "divide their price by it"),
    ("3.6", lambda h, a, d, *p: h[np.argmin(d)], "that has the shortest delay"),
    ("3.6", lambda h, a, d, *p: h[np.argmax(a)], "the fewest false alarms"),
    ("3.6", lambda h, a, d, pf, pd, gap: h[np.argmin(cost(a, d, 1, 1, gap))], "the prices do not matter"),
    ("3.6", lambda h, a, d, *p: 4.5, "compute the cost per cycle for each threshold"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


def by_newton(arl0, slack):
    """Another root finder."""
    h = 3.0
    for _ in range(200):
        slope = (siegmund(0.0, slack, h + 1e-5) - siegmund(0.0, slack, h)) / 1e-5
        h -= max(-1.0, min(1.0, (siegmund(0.0, slack, h) - arl0) / slope))
    return h


def with_the_detector(values, slack):
    detector = Cusum(slack, two_sided=False)
    memory = detector.start(1)
    return [detector.update(memory, np.array([value]))[0] for value in values]


def one_by_one(values, slack):
    total = 0.0
    for value in values:
        total = max(0.0, total + value - slack)
        yield total


def by_minimum(values, slack):
    """No loop: a CUSUM is how far a random walk stands above its lowest point."""
    walk = np.concatenate(([0.0], np.cumsum(values - slack)))
    return (walk - np.minimum.accumulate(walk))[1:]


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("3.1", lambda limit: 1 / math.erfc(limit / math.sqrt(2))),
        ("3.1", lambda limit: 1 / (cdf(-limit) + 1 - cdf(limit))),
        ("3.2", with_the_detector),
        ("3.2", by_minimum),
        ("3.2", one_by_one),
        ("3.2", lambda v, k: map(float, by_minimum(v, k))),
        ("3.3", by_newton),
        ("3.3", lambda arl0, k: np.array([by_newton(arl0, k)])),
        ("3.3", lambda arl0, k: [by_newton(arl0, k)]),
        ("3.5", lambda z, k, share: [RIGHT.quiet_threshold(z, k, share)]),
        ("3.3", lambda arl0, k: next(h for h in np.arange(0, 20, 0.01) if siegmund(0, k, h) >= arl0)),
        ("3.4", lambda lengths, alarmed: 1 / (sum(alarmed) / sum(lengths))),
        ("3.5", lambda z, k, share: np.quantile(tops(z, k), 1 - share)),
        ("3.5", lambda z, k, share: np.sort(tops(z, k))[::-1][round(share * z.shape[1])]),
        ("3.6", lambda h, a, d, *p: min(zip(cost(a, d, *p), h, strict=True))[1]),
    ],
)
def test_right_answers_pass_however_they_are_written(exercise, answer):
    verdict = check(exercise, answer)
    assert verdict, verdict.message


def test_the_solutions_agree_with_the_detectors_of_the_package():
    limit = 2.0
    found = run_lengths(Ewma(1.0, limit, two_sided=True), n=4000)
    assert abs(RIGHT.shewhart_arl(limit) - found.mean) < 4 * found.error
    assert siegmund(0.0, 0.5, RIGHT.threshold_for(200.0, 0.5)) == pytest.approx(200.0)
    lengths = run_lengths(Cusum(0.5, 3.0, two_sided=False), n=4000, limit=100)
    alarmed = lengths.lengths < 100
    assert RIGHT.censored_arl(lengths.lengths, alarmed) == pytest.approx(siegmund(0.0, 0.5, 3.0), rel=0.1)
    z = np.random.default_rng(0).standard_normal((50, 60))
    threshold = RIGHT.quiet_threshold(z, 0.5, 0.1)
    assert np.sum(tops(z, 0.5) > threshold) == 6


def test_a_hint_never_contradicts_its_own_numbers():
    """A threshold that is right for one set of hidden worlds is shown one for which it is wrong."""
    for threshold in np.linspace(0.5, 20.0, 79):
        hint = hint_of("3.5", lambda z, k, share, threshold=threshold: threshold)
        shown = re.match(
            r"(\d+) of (\d+) hidden worlds alarm at your threshold, (and|though) (\d+) were", hint
        )
        if shown:
            found, count, word, allowed = int(shown[1]), int(shown[2]), shown[3], int(shown[4])
            assert found != allowed
            assert (found > allowed) == (word == "and")
            assert max(found, allowed) <= count
        else:
            assert "no world at all" in hint or "nearly every world" in hint
    assert "10 % were allowed" not in hint_of("3.5", lambda z, k, share: 8.0)
