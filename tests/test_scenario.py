"""A scenario of one's own is what was asked for, or an error that says what is allowed."""

import json
import re
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from springdrift import (
    ENV_ID,
    SCENARIOS,
    Dropout,
    InclinedMassEnv,
    Jump,
    Law,
    Outlier,
    Params,
    Recurring,
    Scenario,
    Seasonal,
    Shock,
    Trend,
    Walk,
    World,
)
from springdrift.game import streams
from springdrift.incline.drift import FURTHEST, LAWS, LIMITS, STEADY
from springdrift.incline.plan import NUMBERS
from springdrift.incline.scenario import tabulate
from springdrift_agents.training.practice import HELD_OUT, PRACTICE


def made(**fields):
    return Scenario(**{"name": "mine", "summary": "", **fields})


def with_laws(*laws, **params):
    return made(laws=laws, params=Params(**params))


WIDE = (5.0, 17.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: with_laws(stiffness=40.0), "Scenario.params.stiffness must lie within [-10, 30], got 40.0"),
        (lambda: with_laws(stiffness=1e9), "Scenario.params.stiffness must lie within [-10, 30]"),
        (lambda: with_laws(friction=0.15), "Scenario.params.friction must lie within [0, 0.1], got 0.15"),
        (lambda: with_laws(magnet=0.0), "Scenario.params.magnet must lie within [0.05, 2], got 0.0"),
        (lambda: with_laws(drive=3.0), "Scenario.params.drive must lie within [0, 2], got 3.0"),
        (lambda: with_laws(tilt=-0.5), "Scenario.params.tilt must lie within [0, 1], got -0.5"),
        (lambda: with_laws(cubic=1e30), "Scenario.params.cubic must lie within [-100, 100], got 1e+30"),
        (lambda: with_laws(damping=11.0), "Scenario.params.damping must lie within [0, 10], got 11.0"),
        (lambda: with_laws(stiffness=0.0), "with stiffness 0.0 and tilt 0.52"),
        (lambda: with_laws(stiffness=1.0), "rests at g sin(tilt) / stiffness = 4.9"),
        (lambda: made(params={"stiffness": 9.0}), "Scenario.params must be a springdrift.Params, got {"),
        (
            lambda: Walk("stiffness", 1000.0, WIDE),
            "Walk('stiffness').step must be a number from 0 to 3.42857 (the width of its bounds / 3.5)",
        ),
        (lambda: Walk("stiffness", -0.1, WIDE), "Walk('stiffness').step must be a number from 0"),
        (lambda: Walk("stiffness", "0.1", WIDE), "Walk('stiffness').step must be a number from 0"),
        (lambda: Walk("mass", 0.1, WIDE), "no drift law can move 'mass'; allowed: stiffness, friction"),
        (lambda: Walk("stiffness", 0.1, (5.0, 31.0)), "bounds must lie within [-10, 30], low < high"),
        (lambda: Walk("stiffness", 0.1, (5.0, 5.0)), "bounds must lie within [-10, 30], low < high"),
        (lambda: Walk("stiffness", 0.1, 5.0), "Walk('stiffness').bounds must be (low, high), finite numbers"),
        (lambda: Trend("tilt", (0.0, np.nan), (0.3, 0.9)), "Trend('tilt').rate must be (low, high), finite"),
        (lambda: Trend("tilt", (0.0, 1e39), (0.3, 0.9)), "Trend('tilt').rate must be a number from -0.6 to"),
        (lambda: Trend("tilt", (0.0, 0.1), (0.3, 0.9), "yes"), "either_way must be True or False, got 'yes'"),
        (lambda: Jump("stiffness", (15.0, 5.0)), "Jump('stiffness').bounds must be (low, high)"),
        (lambda: Jump("stiffness", WIDE, 7.0), "Jump('stiffness').least must be a number from 0 to 6"),
        (lambda: Recurring(({"drive": 0.0},)), "Recurring needs 2 to 8 rows, got 1"),
        (lambda: Recurring([{"drive": 0.0}, {}]), "Recurring.rows must be a tuple of dicts"),
        (lambda: Recurring(({"mass": 1.0}, {})), "no driver row can set 'mass'; allowed: stiffness"),
        (lambda: Recurring(({}, {"drive": 3})), "rows[1]['drive'] must be a number from 0 to 2, got 3"),
        (lambda: Seasonal("tilt", np.inf, 40), "Seasonal('tilt').amplitude must be a finite number, got inf"),
        (lambda: Seasonal("tilt", 0.1, 1.5), "Seasonal('tilt').period must be a number from 2"),
        (lambda: Shock(1.0, 1e30), "Shock.size must be a number from 0 to 10 m/s, got 1e+30"),
        (lambda: Shock(1.5, 0.1), "Shock.rate must be a number from 0 to 1 a cycle, got 1.5"),
        (lambda: Outlier(1.0, 1e39), "Outlier.size must be a number from 0 to 5 m, got 1e+39"),
        (lambda: Dropout(-0.1), "Dropout.rate must be a number from 0 to 1 a cycle, got -0.1"),
        (lambda: made(cycles=10.5), "Scenario.cycles must be a whole number from 1 to 1000000, got 10.5"),
        (lambda: made(cycles=True), "Scenario.cycles must be a whole number from 1 to 1000000, got True"),
        (lambda: made(release_every=2.5), "Scenario.release_every must be a whole number from 0"),
        (lambda: made(onset=(1.5, 7)), "Scenario.onset must be (low, high), whole numbers with 1 <= low"),
        (lambda: made(gap=(9, 3)), "Scenario.gap must be (low, high), whole numbers with 1 <= low"),
        (lambda: made(gap=7), "Scenario.gap must be (low, high), whole numbers with 1 <= low"),
        (lambda: made(cold_start="no"), "Scenario.cold_start must be True or False, got 'no'"),
        (lambda: made(noise=1e30), "Scenario.noise must be a number from 0 to 1 m, got 1e+30"),
        (lambda: made(name=""), "Scenario.name must be a text that is not empty, got ''"),
        (lambda: made(name=3), "Scenario.name must be a text that is not empty, got 3"),
        (lambda: made(summary=None), "Scenario.summary must be a text, got None"),
        (lambda: made(laws=("walk",)), "Scenario.laws holds 'walk'; allowed: Walk, Trend, Jump"),
        (lambda: made(laws=Shock(0.1, 0.1)), "Scenario.laws must be a tuple"),
        (lambda: with_laws(Walk("stiffness", 0.1, (20.0, 25.0))), "must lie within (20.0, 25.0)"),
        (lambda: with_laws(Trend("magnet", (-0.1, -0.1), (0.1, 0.5))), "must lie within (0.1, 0.5)"),
    ],
)
def test_what_a_world_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        wrong()


@pytest.mark.parametrize(
    ("laws", "message"),
    [
        ((Walk("stiffness", 0.1, WIDE), Walk("stiffness", 0.2, WIDE)), "two Walk laws on stiffness"),
        ((Trend("tilt", (0, 0.1), (0.3, 0.9)),) * 2, "two Trend laws on tilt"),
        ((Jump("stiffness", WIDE),) * 2, "two Jump laws on stiffness"),
        ((Seasonal("tilt", 0.1, 40), Seasonal("tilt", 0.05, 40)), "two Seasonal laws on tilt"),
        ((Recurring(({}, {})), Recurring(({}, {"drive": 1.0}))), "two Recurring laws: the second"),
        ((Shock(0.1, 0.1), Shock(0.2, 0.1)), "two Shock laws: the second would overwrite the first"),
        ((Outlier(0.1, 0.1), Outlier(0.2, 0.1)), "two Outlier laws"),
        ((Dropout(0.1), Dropout(0.2)), "two Dropout laws"),
        (
            (Seasonal("tilt", 0.1, 40), Seasonal("stiffness", 2.0, 10)),
            "the seasons on tilt and stiffness have periods 40 and 10; all seasons of a scenario share one",
        ),
        (
            (Walk("tilt", 0.01, (0.3, 0.9)), Trend("tilt", (0.0, 0.01), (0.2, 0.9))),
            "the Walk and the Trend on tilt have bounds (0.3, 0.9) and (0.2, 0.9); they must be the same",
        ),
        (
            (Recurring(({}, {"stiffness": 8.0})), Jump("stiffness", WIDE)),
            "Jump and Recurring both set stiffness at a change",
        ),
        (
            (Jump("stiffness", WIDE), Recurring(({}, {"stiffness": 8.0}))),
            "Jump and Recurring both set stiffness at a change",
        ),
        ((Walk("stiffness", 0.1, (8.0, 12.0)), Jump("stiffness", WIDE)), "must lie within (8.0, 12.0)"),
        (
            (Trend("stiffness", (0.0, 0.1), (8.0, 12.0)), Recurring(({}, {"stiffness": 13.0}))),
            "a driver row's stiffness = 13.0 must lie within (8.0, 12.0)",
        ),
        (
            (Recurring(({"stiffness": 8.0}, {"stiffness": 9.0})),),
            "Recurring.rows[0] sets stiffness to 8.0 and is in force at the start, but Scenario.params.",
        ),
        ((Seasonal("friction", 0.02, 20),), "makes friction reach from -0.015 to 0.025; it must stay within"),
        ((Seasonal("tilt", 3.0, 20),), "Seasonal('tilt').amplitude = 3 makes tilt reach from"),
        ((Seasonal("tilt", -3.0, 20),), "Seasonal('tilt').amplitude = 3 makes tilt reach from"),
        ((Seasonal("stiffness", 14.0, 20), Jump("stiffness", WIDE)), "makes stiffness reach from -9 to 31"),
        (
            (Seasonal("tilt", 0.2, 20), Trend("tilt", (0.0, 0.01), (0.3, 0.9))),
            "makes tilt reach from 0.1 to 1.1; it must stay within [0, 1]",
        ),
        (
            (Seasonal("drive", 0.5, 20), Recurring(({}, {"drive": 1.75}))),
            "makes drive reach from -0.5 to 2.25",
        ),
    ],
)
def test_laws_that_do_not_fit_together_are_refused(laws, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        with_laws(*laws)


def test_no_step_of_a_walk_is_longer_than_its_bounds_allow_for():
    words = np.array([0, 0xFFFFFFFF], np.uint32)
    normal = njit(lambda word: streams.normal(word))
    assert max(abs(float(normal(word))) for word in words) < FURTHEST


def test_the_house_and_the_practice_worlds_are_worlds():
    for scenario in (*SCENARIOS.values(), PRACTICE[ENV_ID], *HELD_OUT.values()):
        assert np.isfinite(tabulate(scenario).plans[:, :50]).all()
        InclinedMassEnv(scenario).reset(seed=0)


@pytest.mark.parametrize(("name", "place"), [(n, p) for n in (*LIMITS, *STEADY) for p in (0, 1)])
def test_parameters_at_their_ends_are_what_was_asked_for(name, place):
    value = {**LIMITS, **STEADY}[name][place]
    if name == "stiffness":
        params = Params(stiffness=value, tilt=0.5 if value > 0 else 0.0)
    else:
        params = Params(**{name: value, "drive": value if name == "drive" else 0.5})
    env = InclinedMassEnv(made(params=params))
    env.reset(seed=0)
    for _ in range(20):
        truth = env.step(0)[4]["truth"]
        for parameter in LIMITS:
            assert truth[parameter] == pytest.approx(getattr(params, parameter), rel=1e-5)
    for parameter in ("cubic", "damping"):
        assert env.world.batch.field(parameter)[0, 0] == np.float32(getattr(params, parameter))


def part(draw, low, high):
    """Two places within [low, high], in order and apart."""
    a = draw(st.floats(0.0, 0.4))
    b = draw(st.floats(0.6, 1.0))
    return low + a * (high - low), low + b * (high - low)


@st.composite
def worlds(draw):
    """Scenarios at random, up to the ends of what is allowed."""
    params, laws = {}, []
    period = draw(st.floats(2.0, 100.0))
    for name, limits in LIMITS.items():
        low, high = part(draw, *limits) if name != "stiffness" else part(draw, 6.0, 30.0)
        params[name] = min(low + draw(st.floats(0.0, 1.0)) * (high - low), high)  # rounded, it may be more
        kinds = draw(st.sets(st.sampled_from(("walk", "trend", "jump", "season"))))
        width = high - low
        if "walk" in kinds:
            laws.append(Walk(name, draw(st.floats(0.0, 1.0)) * width / FURTHEST, (low, high)))
        if "trend" in kinds:
            rates = sorted(draw(st.floats(-width, width)) for _ in range(2))
            laws.append(Trend(name, tuple(rates), (low, high), draw(st.booleans())))
        if "jump" in kinds:
            laws.append(Jump(name, (low, high), draw(st.floats(0.0, 0.5)) * width))
        if "season" in kinds:
            room = min(low - limits[0], limits[1] - high)
            laws.append(Seasonal(name, draw(st.floats(-1.0, 1.0)) * room * 0.999, period))
    for name, limits in STEADY.items():
        params[name] = draw(st.floats(*limits))
    rate = st.floats(0.0, 1.0)
    laws += [Shock(draw(rate), draw(st.floats(0, 10))), Outlier(draw(rate), draw(st.floats(0, 5)))]
    laws.append(Dropout(draw(rate)))
    onset = draw(st.integers(1, 10))
    return made(
        laws=tuple(draw(st.permutations(laws))),
        params=Params(**params),
        noise=draw(st.floats(0.0, 1.0)),
        onset=(onset, onset + draw(st.integers(0, 10))),
        gap=(1, draw(st.integers(1, 20))),
        release_every=draw(st.integers(0, 5)),
        cold_start=draw(st.booleans()),
    )


@pytest.mark.attack
@settings(max_examples=150, deadline=None)
@given(world=worlds(), seed=st.integers(0, 2**63 - 1), substeps=st.sampled_from((8, 64)))
def test_any_world_that_is_accepted_stays_within_its_bounds(world, seed, substeps):
    bounds = {name: [limits] for name, limits in LIMITS.items()}
    for law in world.laws:
        if isinstance(law, Walk | Trend):
            season = [
                s.amplitude for s in world.laws if isinstance(s, Seasonal) and s.parameter == law.parameter
            ]
            room = abs(season[0]) if season else 0.0
            bounds[law.parameter].append((law.bounds[0] - room, law.bounds[1] + room))
    moved = {law.parameter for law in world.laws if hasattr(law, "parameter")}
    env = InclinedMassEnv(world, observe="truth", substeps=substeps)
    obs, info = env.reset(seed=seed)
    for cycle in range(40):
        assert env.observation_space.contains(obs)
        assert np.isfinite(env.world.batch.real).all()
        for name, value in info["truth"].items():
            if name not in LIMITS:
                continue
            slack = 1e-6 * (LIMITS[name][1] - LIMITS[name][0])
            assert all(low - slack <= value <= high + slack for low, high in bounds[name]), (name, value)
            if name not in moved:
                assert value == pytest.approx(getattr(world.params, name), abs=slack)
        obs, reward, _, _, info = env.step(cycle % 3)
        assert reward == pytest.approx(-sum(info["terms"].values()))


def test_laws_that_do_fit_together_all_act():
    """One of each on one parameter, and seasons on two: every one is to be seen in the truth."""
    laws = (
        Trend("tilt", (0.002, 0.002), (0.3, 0.9)),
        Walk("tilt", 0.001, (0.3, 0.9)),
        Seasonal("tilt", 0.05, 25),
        Seasonal("stiffness", 2.0, 25),
        Jump("friction", (0.01, 0.05)),
    )
    env = InclinedMassEnv(made(laws=laws, onset=(5, 5), gap=(1000, 1000)))
    _, info = env.reset(seed=1)
    truth = [info["truth"]] + [env.step(0)[4]["truth"] for _ in range(200)]
    tilt, stiffness, friction = (
        np.array([t[name] for t in truth[1:]]) for name in ("tilt", "stiffness", "friction")
    )
    for values in (tilt - np.linspace(tilt[0], tilt[-1], len(tilt)), stiffness):
        assert len(values) / np.abs(np.fft.rfft(values - values.mean())).argmax() == 25.0
    assert np.ptp(stiffness) == pytest.approx(4.0, abs=0.05)
    whole = tilt.reshape(-1, 25).mean(axis=1)  # of whole seasons: trend and walk are left
    assert np.diff(whole).mean() == pytest.approx(25 * 0.002, rel=0.2)
    assert np.diff(whole).std() > 1e-4
    assert friction[4] == pytest.approx(0.005, rel=1e-4)
    assert 0.01 <= friction[6] <= 0.05


@pytest.fixture
def own_laws():
    """Laws of one's own are known from their class statement on; afterwards they are unknown again."""
    before = dict(LAWS)
    yield
    LAWS.clear()
    LAWS.update(before)


def fading():
    """A law of one's own, of numbers that the kernel reads: the magnet fades to ``left``."""

    @dataclass(frozen=True)
    class Fading(Law):
        left: float
        by: int = 200

        def bounds_of(self, parameter):
            return (self.left, 1.0) if parameter == "magnet" else None

        def check_beside(self, other):
            if isinstance(other, Shock):
                raise ValueError("Fading does not go with a Shock")

        def write(self, put):
            for name in ("trend_low", "trend_high"):
                put(name, (self.left - 1.0) / self.by, "magnet")
            put("low", self.left, "magnet")

    return Fading


def test_a_law_of_ones_own_takes_part(own_laws):
    law = fading()(0.5, 100)
    scenario = made(laws=(law, Walk("stiffness", 0.1, WIDE)), onset=(1, 1))
    assert Scenario.from_dict(json.loads(json.dumps(scenario.to_dict()))) == scenario
    world = World(2, scenario)
    world.seed(np.arange(2), np.arange(2, dtype=np.uint64))
    world.begin(np.ones(2, bool))
    magnet = []
    for _ in range(150):
        world.advance(np.zeros(2, np.int64))
        magnet.append(world.batch.lanes("magnet", 2).copy())
    assert magnet[49] == pytest.approx(1.0 - 0.5 * 49 / 100, abs=1e-5)
    assert np.array_equal(magnet[-1], [0.5, 0.5])


def test_what_a_law_of_ones_own_refuses_is_refused(own_laws):
    law = fading()
    with pytest.raises(ValueError, match="does not go with"):
        made(laws=(Shock(0.1, 0.1), law(0.5)))
    with pytest.raises(ValueError, match="two Fading laws"):
        made(laws=(law(0.5), law(0.6)))
    with pytest.raises(ValueError, match=r"magnet = 0\.3 must lie within \(0\.5, 1\.0\), the bounds"):
        made(laws=(law(0.5),), params=Params(magnet=0.3))


def test_a_law_that_does_nothing_is_an_error(own_laws):
    @dataclass(frozen=True)
    class Forgotten(Law):
        rate: float = 0.1

    with pytest.raises(TypeError, match=r"abstract class Forgotten .*write"):
        Forgotten()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (("pulse_rate", 0.1), "no plan holds a number 'pulse_rate'; the kernel reads: base, low, high"),
        (("walk", 0.1, "mood"), "no drift law can move 'mood'; allowed: stiffness"),
        (("walk", 0.1, "drive", 1), "a plan holds 5 of 'walk'; there is no place 9"),
    ],
)
def test_a_law_that_writes_what_the_kernel_does_not_read_is_an_error(own_laws, numbers, message):
    @dataclass(frozen=True)
    class Wrong(Law):
        def write(self, put):
            put(*numbers)

    with pytest.raises(ValueError, match=re.escape(message)):
        made(laws=(Wrong(),))


def test_laws_write_no_number_twice():
    names = [name for law in LAWS.values() for name in law.numbers]
    assert len(names) == len(set(names))
    assert set(names) < set(NUMBERS)
