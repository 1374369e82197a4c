"""Every published figure has a test, and what tests type in is what was published."""

import importlib
import inspect

import numpy as np
import pytest

from published import FIGURES, formula, leaves
from springdrift_agents.policies import detectors
from springdrift_agents.policies.rules import Periodic

COVERED = {
    "cusum_two_sided_k0.5_h4/arl/*": "test_detectors.test_run_lengths_are_the_published_ones",
    "cusum_one_sided_k0.5_h3/arl/*": "test_detectors.test_run_lengths_are_the_published_ones",
    "ewma_two_sided_lambda0.5_L3.071/arl/*": "test_detectors.test_run_lengths_are_the_published_ones",
    "cusum_siegmund/formula": "test_published.test_siegmunds_formula",
    "coulomb_oscillator/x_eq": "test_physics.test_coulomb_x_eq",
    "coulomb_oscillator/period": "test_physics.test_coulomb_period",
    "coulomb_oscillator/dead_zone": (
        "test_physics.test_coulomb_dead_zone_holds_what_is_let_go_inside_and_nothing_outside"
    ),
    "coulomb_oscillator/loss_per_cycle": "test_physics.test_coulomb_loss_per_cycle_and_peaks",
    "coulomb_oscillator/peaks": "test_physics.test_coulomb_loss_per_cycle_and_peaks",
    "coulomb_oscillator/half_cycles_to_stop": (
        "test_physics.test_coulomb_stops_after_the_published_number_of_half_cycles"
    ),
    "duffing_two_well_lyapunov/value": "test_physics.test_two_well_oscillator_is_as_chaotic_as_published",
    "retraining_calendar/case/T": "test_published.test_the_best_retraining_calendar",
    "undriven_linear/period": "test_physics.test_period",
    "undriven_linear/log_decrement": "test_physics.test_log_decrement",
    "undriven_linear/static_stretch": "test_physics.test_static_stretch",
    "driven_linear_amplitude": "test_physics.test_driven_amplitude",
}


def test_every_published_figure_has_a_test():
    figures = {path.rsplit("/", 1)[0] + "/*" if "/arl/" in path else path for path in leaves()}
    assert figures | {"retraining_calendar/case/T"} == set(COVERED)


@pytest.mark.parametrize("path", COVERED)
def test_that_test_exists_and_reads_the_figure(path):
    module, name = COVERED[path].split(".")
    test = getattr(importlib.import_module(module), name)
    if module == "test_detectors":
        return  # it types its figures in: see below
    assert f'["{path.rsplit("/", 1)[-1]}"]' in inspect.getsource(test)


def test_the_run_lengths_that_tests_type_in_are_the_published_ones():
    module = importlib.import_module("test_detectors")
    mark = next(
        m for m in module.test_run_lengths_are_the_published_ones.pytestmark if m.name == "parametrize"
    )
    typed = {(repr(detector), float(change)): arl for detector, change, arl in mark.args[1]}
    published = {}
    for name, detector in (
        ("cusum_two_sided_k0.5_h4", detectors.Cusum(0.5, 4.0)),
        ("cusum_one_sided_k0.5_h3", detectors.Cusum(0.5, 3.0, two_sided=False)),
        ("ewma_two_sided_lambda0.5_L3.071", detectors.Ewma(0.5, 3.071)),
    ):
        published |= {(repr(detector), float(c)): arl for c, arl in FIGURES[name]["arl"].items()}
    assert typed == published


@pytest.mark.parametrize(("change", "threshold"), [(0.0, 3.0), (0.75, 5.0), (-0.25, 2.0)])
def test_siegmunds_formula(change, threshold):
    words = FIGURES["cusum_siegmund"]["formula"]
    published = words.removeprefix("ARL = ").split(", D = ")[0]
    drift, barrier = change - 0.5, threshold + 1.166
    assert "b = h + 1.166" in words
    found = detectors.siegmund(change, 0.5, threshold)
    assert found == pytest.approx(formula(published, D=drift, b=barrier), rel=1e-12)
    assert detectors.siegmund(0.5, 0.5, threshold) == pytest.approx(barrier**2)  # D -> 0


def test_the_best_retraining_calendar():
    """Staleness costs a t, a retrain C: of all calendars ``periodic`` is best at sqrt(2 C / a)."""
    case = FIGURES["retraining_calendar"]["case"]
    assert case["T"] == formula("sqrt(2*C/a)", C=case["C"], a=case["a"])
    cost = {}
    for every in (*range(10, 60, 10), case["T"] - 1, case["T"] + 1):
        rule, state, age, total = Periodic(every=every), None, 0.0, 0.0
        observation = np.zeros(18, np.float32)
        for _ in range(20 * every):
            action, state = rule.predict(observation, state)
            total += case["a"] * (age + 0.5) + case["C"] * (action == 2)  # the mean staleness of a cycle
            age = 0.0 if action == 2 else age + 1.0
        cost[every] = total / (20 * every)
    assert min(cost, key=cost.get) == case["T"]
    assert cost[case["T"]] == pytest.approx(case["a"] * case["T"])  # half of it staleness, half retraining
