"""Physics against closed forms (published figures) and the generator against its known answers."""

from dataclasses import replace

import numpy as np
import pytest
from numba import njit
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from published import FIGURES, formula
from springdrift import SCENARIOS, InclinedMassEnv, Params, simulate
from springdrift.game.streams import threefry

COULOMB = FIGURES["coulomb_oscillator"]
CASE = COULOMB["case"]
CHAOS, UNDRIVEN = FIGURES["duffing_two_well_lyapunov"], FIGURES["undriven_linear"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((0, 0, 0, 0), (0x9D1C5EC6, 0x8BD50731)),
        ((0xFFFFFFFF,) * 4, (0xFD36D048, 0x2D17272C)),
        ((0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3), (0xBA3E4725, 0xF27D669E)),
    ],
)
def test_threefry_known_answers(words, expected):
    compiled = njit(lambda a, b, c, d: threefry(a, b, c, d))
    assert tuple(map(int, compiled(*map(np.uint32, words)))) == expected


def coulomb(**changes):
    params = {
        "mass": CASE["m"],
        "stiffness": CASE["k"],
        "friction": CASE["mu"],
        "tilt": np.radians(CASE["angle_deg"]),
        "gravity": CASE["g"],
    }
    return Params(**{**params, **changes})


def turns_of(path, middle):
    """Times and signed distances from ``middle`` at which the mass turns round, its start left out."""
    steps = (
        np.flatnonzero((path.v[1:-1] * path.v[:-2] < 0.0) | (path.v[1:-1] == 0.0) & (path.v[:-2] != 0.0)) + 1
    )
    return path.t[steps], path.x[steps] - middle


@pytest.fixture(scope="module")
def decay():
    """The published oscillator, let go at its amplitude, until it has stopped."""
    params = coulomb()
    return simulate(params, COULOMB["x_eq"] + CASE["A0"], duration=16.0, dt=1 / 8192)


def test_coulomb_x_eq(decay):
    assert coulomb().equilibrium == pytest.approx(COULOMB["x_eq"], abs=1e-6)
    still = simulate(coulomb(friction=0.0, damping=3.0), duration=30.0, dt=1 / 256)
    assert still.x[-1] == pytest.approx(COULOMB["x_eq"], abs=1e-6)
    turns = turns_of(decay, COULOMB["x_eq"])[1]
    # friction shifts the middle of each half-cycle by the dead zone, to either side in turn
    middles = (turns[1:12] + turns[:11]) / 2
    np.testing.assert_allclose(np.abs(middles), COULOMB["dead_zone"], atol=2e-5)
    np.testing.assert_allclose(middles[:10] + middles[1:], 0.0, atol=2e-5)


def test_coulomb_period(decay):
    times, _ = turns_of(decay, COULOMB["x_eq"])
    np.testing.assert_allclose(times[2:20] - times[:18], COULOMB["period"], atol=3e-4)
    assert (times[19] - times[1]) / 9 == pytest.approx(COULOMB["period"], abs=5e-5)


def test_coulomb_loss_per_cycle_and_peaks(decay):
    sizes = np.abs(turns_of(decay, COULOMB["x_eq"])[1])
    np.testing.assert_allclose(sizes[: len(COULOMB["peaks"])], COULOMB["peaks"], atol=1e-5)
    np.testing.assert_allclose(sizes[:18] - sizes[2:20], COULOMB["loss_per_cycle"], atol=1e-5)
    assert CASE["A0"] - sizes[1] == pytest.approx(COULOMB["loss_per_cycle"], abs=1e-5)


def test_coulomb_stops_after_the_published_number_of_half_cycles(decay):
    stop = int(np.flatnonzero(decay.v != 0.0)[-1]) + 1
    half = COULOMB["period"] / 2
    assert decay.t[stop] == pytest.approx(COULOMB["half_cycles_to_stop"] * half, abs=0.01)
    assert len(turns_of(decay, COULOMB["x_eq"])[0]) == COULOMB["half_cycles_to_stop"]
    assert decay.v[-1] == 0.0
    assert abs(decay.x[-1] - COULOMB["x_eq"]) <= COULOMB["dead_zone"]


@pytest.mark.parametrize("side", [-1, 1])
def test_coulomb_dead_zone_holds_what_is_let_go_inside_and_nothing_outside(side):
    for share, stays in ((0.999, True), (1.001, False)):
        start = COULOMB["x_eq"] + side * share * COULOMB["dead_zone"]
        path = simulate(coulomb(), start, duration=2.0, dt=1 / 1024)
        assert bool((path.x == start).all()) == stays


def test_energy_does_not_drift_in_1000_cycles():
    """Drift-kick-drift conserves k x^2 + v^2 (1 - k h^2 / 4) exactly: energy only ripples by k h^2 / 4."""
    params, h = Params(friction=0.0), 1 / 32
    path = simulate(params, params.equilibrium + 0.3, duration=2000.0, dt=h, every=8)
    potential = params.stiffness * (path.x - params.equilibrium) ** 2 / 2
    ripple = params.stiffness * h**2 / 4
    invariant = potential + path.v**2 / 2 * (1 - ripple)
    assert abs(invariant / invariant[0] - 1).max() < 1e-11
    energy = potential + path.v**2 / 2
    assert abs(energy / energy[0] - 1).max() <= 1.01 * ripple


def test_trajectory_converges_at_second_order():
    params = Params(friction=0.0)
    exact = params.equilibrium + 0.3 * np.cos(np.pi * 10.25)
    errors = [
        abs(simulate(params, params.equilibrium + 0.3, duration=10.25, dt=dt).x[-1] - exact)
        for dt in (1 / 32, 1 / 64, 1 / 128)
    ]
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 2.0, atol=0.05)


@pytest.mark.parametrize("bad", [{"mass": 0.0}, {"friction": -1.0}, {"tilt": 2.0}, {"stiffness": np.nan}])
def test_bad_params_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Params(**bad)


def swing_apart(params, x0, v0, duration, force):
    """A second implementation: scipy's solver, with a stop wherever the mass turns, sticks or hits a bumper.

    Returns position, velocity, and how often it turned, was held at rest, and hit.
    """
    low, high = params.bumper_low, params.bumper_high

    def net(t, x):
        pull = params.mass * params.gravity * np.sin(params.tilt) + params.magnet * force
        pull += params.drive * np.sin(params.drive_omega * t + params.drive_phase)
        return pull - params.stiffness * x - params.cubic * x**3

    grip = params.friction * params.mass * params.gravity * np.cos(params.tilt)
    t, x, v = 0.0, x0, v0
    turned = held = hit = 0
    while t < duration:
        way = np.sign(v)
        if way == 0.0:
            ways = [w for w, stop in ((1.0, high), (-1.0, low)) if x != stop]

            def surplus(t, x=x, ways=ways):
                return max(w * net(t, x) for w in ways) - grip

            if surplus(t) <= 0.0:
                held += 1
                ahead = np.arange(t, duration, 1e-3)
                loose = np.flatnonzero([surplus(one) > 0.0 for one in ahead])
                if not loose.size:
                    break
                t = brentq(surplus, ahead[loose[0] - 1], ahead[loose[0]], xtol=1e-13) + 1e-12
            way = max(ways, key=lambda w: w * net(t, x))

        def motion(t, z, way=way):
            return [z[1], (net(t, z[0]) - params.damping * z[1] - way * grip) / params.mass]

        def turns(t, z, way=way, start=t):
            return z[1] + (1e-13 * way if t == start else 0.0)

        def hits(t, z, stop=high if way > 0 else low):
            return z[0] - stop

        turns.terminal, turns.direction = True, -way
        hits.terminal, hits.direction = True, way
        done = solve_ivp(
            motion, (t, duration), [x, v], "DOP853", events=(turns, hits), rtol=1e-10, atol=1e-12
        )
        t, x, v = done.t[-1], done.y[0, -1], done.y[1, -1]
        if done.status == 1:
            v = 0.0
            if done.t_events[1].size:
                x, hit = (high if way > 0 else low), hit + 1
            else:
                turned += 1
    return x, v, turned, held, hit


@pytest.mark.parametrize("case", range(16))
def test_against_scipys_ode_solver_with_events(case):
    """Each turn of the mass costs up to 2 mu g h of speed, whence the tolerance; the rest is h^2."""
    rng = np.random.default_rng(case)
    params = Params(
        mass=rng.uniform(0.5, 2.0),
        tilt=rng.uniform(0.0, 1.0),
        stiffness=rng.uniform(5.0, 40.0),
        cubic=rng.choice([0.0, 20.0]),
        damping=rng.choice([0.0, 0.3]),
        friction=rng.choice([0.0, 0.01, 0.1]),
        magnet=rng.uniform(0.3, 1.5),
        bumper_low=-10.0,
        bumper_high=10.0,
    )
    force, v0 = rng.uniform(-1.0, 1.0), rng.uniform(-1.0, 1.0)
    x0 = params.equilibrium + rng.uniform(-0.4, 0.4)
    ours = simulate(params, x0, v0, 6.0, force, dt=1 / 8192, every=8192)
    for seconds in (1, 3, 6):
        x, v, *_ = swing_apart(params, x0, v0, float(seconds), force)
        turns = 1 + seconds * np.sqrt(params.stiffness / params.mass)
        slack = 1e-6 + turns * 2 * params.friction * 9.81 / 8192
        assert ours.x[seconds] == pytest.approx(x, abs=slack / np.sqrt(params.stiffness / params.mass))
        assert ours.v[seconds] == pytest.approx(v, abs=slack)


# friction and amplitude of the periodic force in N, drawn from these ranges; bumpers, m from the middle
ROUGH = {
    "driven with friction": ((0.02, 0.1), (1.0, 3.0), 10.0),
    "driven, stick and slip": ((0.25, 0.45), (1.5, 3.5), 10.0),
    "against bumpers": ((0.0, 0.05), (0.0, 0.0), 0.25),
    "driven against bumpers with friction": ((0.02, 0.2), (2.0, 5.0), 0.3),
}


@pytest.mark.parametrize("kind", ROUGH)
@pytest.mark.parametrize("case", range(6))
def test_against_scipys_ode_solver_with_a_periodic_force_and_bumpers(kind, case):
    """Each turn, release and hit is met a substep late at most: that bounds the difference."""
    friction, drive, room = ROUGH[kind]
    rng = np.random.default_rng([case, *kind.encode()])
    middle = rng.uniform(0.1, 0.3)
    params = Params(
        mass=rng.uniform(0.5, 2.0),
        tilt=rng.uniform(0.0, 0.5),
        stiffness=rng.uniform(8.0, 40.0),
        cubic=rng.choice([0.0, 20.0]),
        damping=rng.choice([0.0, 0.3]),
        friction=rng.uniform(*friction),
        magnet=rng.uniform(0.3, 1.5),
        drive=rng.uniform(*drive),
        drive_omega=rng.uniform(1.0, 6.0),
        drive_phase=rng.uniform(0.0, 6.0),
        bumper_low=middle - room,
        bumper_high=middle + room,
    )
    force, x0 = rng.uniform(-1.0, 1.0), middle + rng.uniform(-0.2, 0.2)
    v0 = rng.choice([-1.0, 1.0]) * rng.uniform(2.0, 3.0)
    seconds, finest = (1, 3, 6), 2**16
    ours = simulate(params, x0, v0, 6.0, force, dt=1 / finest, every=finest)
    for after in seconds:
        x, v, turned, held, hit = swing_apart(params, x0, v0, float(after), force)
        late = (turned + held + 1) * 2 * params.friction * 9.81 + hit * 60.0
        assert ours.v[after] == pytest.approx(v, abs=1e-6 + late / finest)
        assert ours.x[after] == pytest.approx(x, abs=1e-6 + late / finest / 3.0)
    assert held > 0 or kind != "driven, stick and slip"
    assert hit > 0 or "bumpers" not in kind


def test_static_stretch():
    for mass, stiffness, degrees in ((1.0, 25.0, 30.0), (2.0, 30.0, 50.0)):
        params = Params(mass=mass, friction=0.0, damping=0.6, stiffness=stiffness, tilt=np.radians(degrees))
        stretch = formula(
            UNDRIVEN["static_stretch"], m=mass, g=params.gravity, angle=params.tilt, k=stiffness
        )
        assert params.equilibrium == pytest.approx(stretch, rel=1e-12)
        at_rest = simulate(params, duration=200.0, every=16).x[-1]
        assert at_rest == pytest.approx(stretch, abs=1e-9)


def test_period():
    for mass, stiffness in ((2.0, 25.0), (1.0, np.pi**2)):
        params = Params(friction=0.0, stiffness=stiffness, mass=mass, bumper_high=10.0)
        path = simulate(params, params.equilibrium + 0.3, duration=50.0, dt=1 / 4096)
        away = path.x - params.equilibrium
        up = np.flatnonzero((away[:-1] < 0.0) & (away[1:] >= 0.0))
        crossings = path.t[up] - away[up] / (away[up + 1] - away[up]) * (path.t[1] - path.t[0])
        period = formula(UNDRIVEN["period"], m=mass, k=stiffness)
        assert np.diff(crossings).mean() == pytest.approx(period, rel=1e-6)


def test_log_decrement():
    params = Params(friction=0.0, damping=0.4, stiffness=25.0)
    path = simulate(params, params.equilibrium + 0.3, duration=20.0, dt=1 / 4096)
    x = path.x - params.equilibrium
    peaks = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:])) + 1
    zeta = params.damping / (2 * np.sqrt(params.stiffness * params.mass))
    decrement = np.log(x[peaks[0]] / x[peaks[5]]) / 5
    assert decrement == pytest.approx(formula(UNDRIVEN["log_decrement"], zeta=zeta), rel=1e-4)
    period = (path.t[peaks[5]] - path.t[peaks[0]]) / 5
    assert period == pytest.approx(2 * np.pi / np.sqrt(25.0 - 0.2**2), rel=1e-4)


@pytest.mark.parametrize("omega", [2.0, 5.0, 9.0])
def test_driven_amplitude(omega):
    params = Params(tilt=0.0, friction=0.0, damping=0.8, stiffness=25.0, drive=1.5, drive_omega=omega)
    path = simulate(params, duration=120.0, dt=1 / 2048)
    late = path.x[path.t > 100.0]
    expected = formula(FIGURES["driven_linear_amplitude"], D=1.5, k=25.0, m=1.0, c=0.8, w=omega)
    assert (late.max() - late.min()) / 2 == pytest.approx(expected, rel=2e-3)


def lyapunov(params, unit, periods, steps=128):
    """Largest exponent per ``unit`` of time, by two neighbouring paths pulled together each period."""
    period = 2 * np.pi / params.drive_omega
    apart, total = 1e-8, 0.0
    near = np.array([0.1, 0.0])
    far = near + [apart, 0.0]
    for n in range(periods):
        near, far = (
            np.array([path.x[-1], path.v[-1]])
            for path in (
                simulate(params, *start, duration=period, dt=period / steps, every=steps)
                for start in (near, far)
            )
        )
        gap = np.linalg.norm((far - near) / [1.0, params.drive_omega])
        total += np.log(gap / apart) if n >= 100 else 0.0
        far = near + (far - near) * apart / gap
    return total / ((periods - 100) * period) * unit


def test_two_well_oscillator_is_as_chaotic_as_published():
    sprott = Params(
        tilt=0.0,
        stiffness=-1.0,
        cubic=1.0,
        damping=0.25,
        friction=0.0,
        drive=0.4,
        drive_phase=np.pi / 2,
        bumper_low=-10.0,
        bumper_high=10.0,
    )
    assert lyapunov(sprott, 1.0, 12_000) == pytest.approx(CHAOS["value"], abs=CHAOS["tolerance"])


def test_chaos_scenario_is_that_oscillator_in_other_units():
    params = replace(SCENARIOS["chaos"].params, drive_phase=np.pi / 2)
    assert lyapunov(params, 1 / params.drive_omega, 12_000) == pytest.approx(
        CHAOS["value"], abs=CHAOS["tolerance"]
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"duration": 0.0}, "must be positive"),
        ({"dt": -1.0}, "must be positive"),
        ({"x0": 5.0}, "between the bumpers"),
        ({"v0": np.inf}, "v0 must be a finite number, got inf"),
        ({"x0": "a"}, "x0 must be a finite number, got 'a'"),
        ({"every": 1.5}, "every must be a whole number from 1"),
        ({"every": 0}, "every must be a whole number from 1"),
        ({"force": "a"}, "force must be a number, a function or numbers, got 'a'"),
        ({"params": 3}, "params must be a Params or None, got 3"),
        ({"force": np.zeros(3)}, r"got shape \(3,\)"),
        ({"force": np.nan}, "force must be finite"),
    ],
)
def test_bad_simulations_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        simulate(**{"duration": 1.0, **wrong})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"friction": "x"}, "Params.friction must be a finite number, got 'x'"),
        ({"tilt": np.nan}, "Params.tilt must be a finite number, got nan"),
        ({"bumper_low": None}, "Params.bumper_low must be a number, got None"),
        ({"mass": 0.0}, "Params.mass must be above 0 kg"),
    ],
)
def test_bad_parameters_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        Params(**wrong)


def test_bumpers_stop_the_mass():
    path = simulate(Params(tilt=0.0, stiffness=0.0, friction=0.0), v0=3.0, duration=3.0)
    assert (path.x[-1], path.v[-1]) == (2.0, 0.0)


def test_the_env_moves_as_simulate_does():
    """One physics: a cycle of the env from its state is the same path but for the kernel's float32."""
    env = InclinedMassEnv("stationary")
    _, info = env.reset(seed=2)
    params = Params()
    for _ in range(5):
        x, v = info["truth"]["x"], info["truth"]["v"]
        info = env.step(0)[4]
        pushes = np.repeat(env.world.batch.window("window_u")[0, -8:, 0], 8)
        path = simulate(params, x, v, duration=2.0, force=pushes, dt=1 / 32)
        assert path.x[-1] == pytest.approx(info["truth"]["x"], abs=2e-6)
        assert path.v[-1] == pytest.approx(info["truth"]["v"], abs=5e-6)


def test_with_friction_the_amplitude_converges_at_third_order():
    """At 64 substeps a cycle it is within 0.3 mm of the exact decay after 20 half-cycles."""
    params = Params()
    exact = 0.3 - 10 * 4 * params.friction * 9.81 * np.cos(params.tilt) / params.stiffness
    errors = []
    for dt in (1 / 32, 1 / 64, 1 / 128):
        path = simulate(params, params.equilibrium + 0.3, duration=20.5, dt=dt)
        errors.append(path.x[path.t > 18.9].max() - params.equilibrium - exact)
    assert abs(errors[0]) < 3e-4
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 3.0, atol=0.1)
