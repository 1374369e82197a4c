"""How fast springdrift is, beside what else is installed: ratios within one run, on one machine."""

import itertools
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numba import njit

from bench.numpy_mass import NumpyMass
from bench.operations import operations
from springdrift import ENV_ID, OBS, SERIES_ID, THREE_ACTIONS, InclinedMassVectorEnv, World
from springdrift.game.jit import compiled_first
from springdrift.incline.machine import INTERVAL
from springdrift.incline.outputs import BILL
from springdrift.incline.reward import kernel_prices
from springdrift.incline.state import KEYS, MEASUREMENTS, ROWS
from springdrift.registry import world_spec

Step = Callable[[], Any]
BUDGET = 0.04  # s that a contestant runs in a round
EPISODE = 200  # cycles


class Speed(NamedTuple):
    """A median over rounds, and its ratio to the reference of its race, also by medians over rounds."""

    section: str
    name: str
    envs: int
    per_second: float  # env steps
    ratio: float  # to the first of its race, round by round
    spread: float  # half the distance between the quartiles of per_second, as a share


def race(
    section: str, envs: int, contestants: Mapping[str, Step], rounds: int, steps: int = 1
) -> list[Speed]:
    """Time calls of ``steps`` steps of ``envs`` envs: all contestants in every round, in turning order."""
    repeats = {}
    for name, step in contestants.items():
        step()
        start = time.perf_counter()
        step()
        once = max(time.perf_counter() - start, 1e-7)
        repeats[name] = max(1, int(BUDGET / once))
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            step = contestants[name]
            start = time.perf_counter()
            for _ in range(repeats[name]):
                step()
            rates[name].append(steps * envs * repeats[name] / (time.perf_counter() - start))
    found = []
    for name in names:
        low, middle, high = np.percentile(rates[name], (25, 50, 75))
        ratio = float(np.median(np.array(rates[name]) / np.array(rates[names[0]])))
        found.append(Speed(section, name, envs, float(middle), ratio, float((high - low) / 2 / middle)))
    return found


# ---------------------------------------------------------------- contestants


def _springdrift(n: int, shares: tuple[float, ...] = (1.0, 0.0, 0.0), **options: Any) -> Step:
    """Worlds whose decisions are drawn anew each step, ``shares`` of them to wait, intervene, retrain."""
    envs = InclinedMassVectorEnv(n, **options)
    envs.reset(seed=0)
    drawn = itertools.cycle(np.random.default_rng(0).choice(THREE_ACTIONS.n, (64, n), p=shares))
    return lambda: envs.step(next(drawn))


def _adapter(n: int) -> Step:
    from springdrift_agents.training.vec_env import SpringdriftVecEnv

    envs = SpringdriftVecEnv(n)
    envs.reset()
    actions = np.zeros(n, np.int64)
    return lambda: envs.step(actions)


def _numpy_mass(n: int) -> Step:
    world = World(n, "stationary")
    world.seed(np.arange(n), np.arange(n, dtype=np.uint64))
    world.begin(np.ones(n, np.bool_))
    mass, actions = NumpyMass(world), np.zeros(n, np.int64)
    return lambda: mass.cycle(actions)


def _cartpole_native(n: int) -> Step:
    envs = gym.make_vec("CartPole-v1", n, vectorization_mode="vector_entry_point")
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 2, n)
    return lambda: envs.step(actions)


def _cartpole_sync(n: int) -> Step:
    envs = gym.make_vec("CartPole-v1", n, vectorization_mode="sync")
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 2, n)
    return lambda: envs.step(actions)


def _cartpole_dummy(n: int) -> Step:
    from stable_baselines3.common.vec_env import DummyVecEnv

    envs = DummyVecEnv([lambda: gym.make("CartPole-v1")] * n)
    envs.reset()
    actions = np.random.default_rng(0).integers(0, 2, n)
    return lambda: envs.step(actions)


def _cartpole_envpool(n: int) -> Step:
    import envpool

    envs = envpool.make("CartPole-v1", env_type="gymnasium", num_envs=n)
    envs.reset()
    actions = np.random.default_rng(0).integers(0, 2, n)
    return lambda: envs.step(actions)


def _single(name: str, **options: Any) -> Step:
    env = gym.make(name, **options)
    env.reset(seed=0)

    def hundred() -> None:
        for action in (0, 1, 1, 0, 0) * 20:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return hundred


def _single_world() -> Step:
    world = World(1, "stationary")
    world.seed(np.arange(1), np.arange(1, dtype=np.uint64))
    world.begin(np.ones(1, np.bool_))
    action = np.zeros(1, np.int64)
    return lambda: world.advance(action)


def _available(contestants: Mapping[str, Callable[[], Step]]) -> dict[str, Step]:
    ready = {}
    for name, make in contestants.items():
        try:
            ready[name] = make()
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith("springdrift"):
                raise
    return ready


def side_by_side(rounds: int) -> list[Speed]:
    """springdrift beside CartPole in its several homes, and beside its own physics in NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other libraries' deprecations
        found = race(
            "single env",
            1,
            {
                "gymnasium CartPole, gym.make": _single("CartPole-v1"),
                "springdrift, gym.make": _single(ENV_ID),
                "springdrift, kernel alone": _hundred(_single_world()),
            },
            rounds,
            steps=100,
        )
        for n in (64, 1024, 4096):
            makers = {
                "gymnasium CartPole, native vector": partial(_cartpole_native, n),
                "springdrift, vector": partial(_springdrift, n),
                "springdrift, vector, copy=False": partial(_springdrift, n, copy=False),
                "springdrift, SB3 VecEnv": partial(_adapter, n),
                "envpool CartPole": partial(_cartpole_envpool, n),
            }
            if n <= 1024:
                makers["gymnasium CartPole, SyncVectorEnv"] = partial(_cartpole_sync, n)
                makers["SB3 CartPole, DummyVecEnv"] = partial(_cartpole_dummy, n)
            if n == 1024:
                makers["springdrift's physics in NumPy"] = partial(_numpy_mass, n)
                makers["springdrift, 2 % retrain"] = partial(_springdrift, n, (0.93, 0.05, 0.02))
                makers["springdrift, any decision"] = partial(_springdrift, n, (1 / 3,) * 3)
            found += race("side by side", n, _available(makers), rounds)
    return found


def whole_episodes(rounds: int) -> list[Speed]:
    """The inclined mass beside series: whole episodes, their starts and a few retrainings included."""
    made = {
        "inclined mass": (ENV_ID, {}),
        "series, a recording": (SERIES_ID, {"scenario": "electricity"}),
        "series, a fresh one each episode": (SERIES_ID, {"scenario": "stationary"}),
        "series, a fresh one each episode, mix": (SERIES_ID, {"scenario": "mix"}),
    }
    contestants = {name: _episode(id, 1024, **options) for name, (id, options) in made.items()}
    return race("whole episodes", 1024, contestants, max(3, rounds // 3), steps=EPISODE)


def _episode(id: str, n: int, **options: Any) -> Step:
    envs = world_spec(id).vector_env(n, copy=False, autoreset_mode="SameStep", info="none", **options)
    envs.reset(seed=0)
    drawn = np.random.default_rng(0).choice(THREE_ACTIONS.n, (EPISODE, n), p=(0.93, 0.06, 0.01))

    def step() -> None:
        for actions in drawn:
            envs.step(actions)

    return step


def _hundred(step: Step) -> Step:
    def run() -> None:
        for _ in range(100):
            step()

    return run


def threads(rounds: int) -> list[Speed]:
    """One thread against two, and what two threads of pure arithmetic make of this machine."""
    found = []
    for n in (4096, 16_384):
        makers = {
            "1 thread": _springdrift(n, copy=False),
            "2 threads": _springdrift(n, copy=False, threads=2),
        }
        found += race("threads", n, makers, rounds)
    pool = ThreadPoolExecutor(1)
    mine, other = np.ones(96, np.float32), np.ones(96, np.float32)

    def both() -> None:
        waiting = pool.submit(_peak, other, 2_000_000)
        _peak(mine, 2_000_000)
        waiting.result()

    alone = race("", 1, {"1": lambda: _peak(mine, 4_000_000), "2": both}, rounds)
    name = "what two threads gain here in pure arithmetic"
    return [*found, Speed("threads", name, 0, 0.0, alone[1].ratio, alone[1].spread)]


def growth(rounds: int) -> list[Speed]:
    """Over the number of envs and of substeps."""
    found = []
    for n in (1, 8, 32, 128, 512, 2048, 8192, 32768):
        found += race("number of envs", n, {f"{n} envs": _springdrift(n, copy=False)}, rounds)
    found = [one._replace(ratio=one.per_second / found[0].per_second) for one in found]
    by_substeps = {
        f"{k} substeps": _springdrift(1024, copy=False, substeps=k) for k in (64, 8, 16, 32, 128, 256)
    }
    return found + race("number of substeps", 1024, by_substeps, rounds)


# ---------------------------------------------------------------- inside a step


class Phase(NamedTuple):
    """Part of an env step: ns an env, and how much arithmetic it is."""

    name: str
    nanoseconds: float
    operations: float


def _repeated(phase: Any) -> Any:
    @njit(nogil=True)
    def run(times: Any, *arguments: Any) -> None:
        for _ in range(times):
            phase(*arguments)

    return run


@njit(nogil=True)
def _peak(values: Any, times: Any) -> None:
    for _ in range(times):
        for i in range(96):
            values[i] = values[i] * np.float32(0.999) + np.float32(0.001)


def peak(rounds: int) -> float:
    """Float32 operations a second of a loop that does nothing else: what this machine can do at best."""
    values, times = np.ones(96, np.float32), 200_000
    _peak(values, 1)
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        _peak(values, times)
        spent.append(time.perf_counter() - start)
    return 2.0 * 96 * times / float(np.median(spent))


def phases(rounds: int) -> list[Phase]:
    """Where the time of a step goes: a block in the cache, phase by phase, then whole batches."""
    n = 1024
    envs = InclinedMassVectorEnv(n, scenario="stationary", copy=False)
    envs.reset(seed=0)
    world = envs.world
    lanes = world.kernel.LANES
    draws, drift, training, motion, sensing, versions, output, scratch = (
        import_module(f"{world.kernel.__package__}.{room}")
        for room in ("draws", "drift", "training", "motion", "sensing", "versions", "output", "scratch")
    )
    s, w = world.batch.real[0], world.batch.keys[0]
    t, o = np.zeros(scratch.SCRATCH, np.float32), np.zeros(len(OBS) * lanes, np.float32)
    c, plans = np.zeros(BILL * lanes), world.table.plans
    costs, substeps = kernel_prices(world.costs), world.substeps // MEASUREMENTS
    h = np.float32(INTERVAL / substeps)
    recall, record, push, glide = motion.recall, sensing.record, motion.push, motion.glide
    decide, ship = training.decide, training.ship

    @njit(nogil=True)
    def rings(s: Any, t: Any) -> None:
        recall(s, t)
        record(s, t)

    @njit(nogil=True)
    def models(s: Any, w: Any, latency: int) -> None:
        decide(s, latency)
        ship(s, w)

    @njit(nogil=True)
    def first_push(s: Any, t: Any) -> None:
        push(s, t, 0)

    @njit(nogil=True)
    def free_glide(t: Any, substeps: int, half: Any) -> None:
        glide(t, substeps, half, False)

    # name: (function, arguments, times a cycle, what it does in the kernel)
    parts: dict[str, tuple[Any, tuple[Any, ...], int, tuple[Any, ...]]] = {
        "draw random numbers": (draws.draw, (s, w, t), 1, (draws.draw,)),
        "drift the world": (drift.drift, (s, w, t, plans), 1, (drift.drift,)),
        "decide and ship models": (models, (s, w, world.latency), 1, (decide, ship)),
        "recall and record": (rings, (s, t), 1, (recall, record)),
        "prepare": (motion.prepare, (s, t, h), 1, (motion.prepare,)),
        "forecast and push (8)": (first_push, (s, t), MEASUREMENTS, (push,)),
        f"move ({substeps * MEASUREMENTS})": (free_glide, (t, substeps, h), MEASUREMENTS, (glide,)),
        "measure": (sensing.measure, (s, t), 1, (sensing.measure,)),
        "assess": (sensing.assess, (s, t), 1, (sensing.assess,)),
        "ask the version before": (versions.shadow, (s, t), 1, (versions.shadow,)),
        "observe": (output.monitor, (s, o, world.latency), 1, (output.monitor,)),
        "charge": (output.charge, (s, costs, c), 1, (output.charge,)),
        "report": (output.report, (s, o, c, 0, *world._whole[:3]), 1, ()),
    }
    lengths = {push: {"j": 0}, glide: {"substeps": substeps}}
    before = s.copy()
    spent: dict[str, list[float]] = {name: [] for name in parts}
    runs = {name: _repeated(function) for name, (function, *_) in parts.items()}
    for turn in range(rounds + 1):  # the first is to compile
        for name, (_, arguments, times, _) in parts.items():
            s[:] = before
            start = time.perf_counter()
            runs[name](1000, *arguments)
            if turn:
                spent[name].append((time.perf_counter() - start) / 1000 * times / lanes * 1e9)
    s[:] = before
    found = [
        Phase(
            name,
            float(np.median(spent[name])),
            times / lanes * sum(operations(one, **lengths.get(one, {})) for one in does),
        )
        for name, (_, _, times, does) in parts.items()
    ]
    actions = np.zeros(n, np.int64)
    whole = race("", n, {"kernel": lambda: world.advance(actions), "env": lambda: envs.step(actions)}, rounds)
    in_kernel, in_env = (1e9 / speed.per_second for speed in whole)
    total = sum(phase.operations for phase in found)
    rest = in_kernel - sum(phase.nanoseconds for phase in found)
    return [
        *found,
        Phase(f"memory and the rest, at {n} envs", rest, 0.0),
        Phase(f"the kernel, at {n} envs", in_kernel, total),
        Phase(f"env.step, at {n} envs", in_env, total),
    ]


# ---------------------------------------------------------------- set-up and memory


def _seconds(code: str, **environment: str) -> float:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import time; start = time.perf_counter()\n{code}\n"
         "print(time.perf_counter() - start)"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


FIRST_STEP = f"import gymnasium, springdrift; e = gymnasium.make('{ENV_ID}'); e.reset(seed=0); e.step(0)"


def setup(compiling: bool) -> dict[str, float]:
    """Seconds from a bare interpreter on, and bytes an env."""
    n = 16_384
    InclinedMassVectorEnv(1).reset(seed=0)
    tracemalloc.start()
    start = time.perf_counter()
    envs = InclinedMassVectorEnv(n, copy=False)
    envs.reset(seed=0)
    started = time.perf_counter() - start
    held = tracemalloc.get_traced_memory()[0] / n
    tracemalloc.stop()
    found = {
        "import springdrift, s": float(np.median([_seconds("import springdrift") for _ in range(3)])),
        "of which gymnasium and numpy, s": float(
            np.median([_seconds("import numpy, gymnasium") for _ in range(3)])
        ),
        "import to first step, warm cache, s": float(np.median([_seconds(FIRST_STEP) for _ in range(3)])),
        f"make and reset {n} envs, s": started,
        "state, bytes an env": float(4 * (ROWS + len(KEYS))),
        f"everything held by {n} envs, bytes an env": held,
    }
    if compiling:
        with tempfile.TemporaryDirectory() as empty:
            kept = {"NUMBA_CACHE_DIR": empty, "SPRINGDRIFT_COMPILE": "background"}
            found["import to first step, empty cache, s"] = _seconds(FIRST_STEP, **kept)
            _seconds("from springdrift.game.background import rest; rest()", **kept)  # before the next row
            found["the same with what was compiled in the background, s"] = _seconds(FIRST_STEP, **kept)
    return found


def training(n: int = 256) -> dict[str, float]:
    """Share of the env in the wall time of Stable-Baselines3's PPO, its default network and epochs."""
    import torch
    from stable_baselines3 import PPO

    from springdrift_agents.training.vec_env import SpringdriftVecEnv

    class Timed(SpringdriftVecEnv):
        spent = 0.0

        def step(self, actions: Any) -> Any:
            start = time.perf_counter()
            found = super().step(actions)
            self.spent += time.perf_counter() - start
            return found

    torch.set_num_threads(1)
    envs = Timed(n)
    model = PPO("MlpPolicy", envs, n_steps=64, batch_size=1024, device="cpu", seed=0)
    model.learn(n * 64)
    envs.spent = 0.0
    start = time.perf_counter()
    model.learn(n * 64 * 2)
    wall = time.perf_counter() - start
    return {"share of the env": envs.spent / wall, "env steps a second": n * 64 * 2 / wall}


def rendering() -> dict[str, float]:
    """Pictures of 960 by 600 a second, as ``render_mode="rgb_array"`` hands them over."""
    env = gym.make(ENV_ID, scenario="abrupt", render_mode="rgb_array")
    env.reset(seed=7)
    for _ in range(100):
        env.step(0)
    return {"pictures a second, 960 by 600": race("", 1, {"render": env.render}, 9)[0].per_second}


@compiled_first()
def measure(quick: bool) -> dict[str, Any]:
    """Everything, as plain data."""
    rounds = 5 if quick else 15
    found: dict[str, Any] = {
        "machine": _machine(),
        "speeds": side_by_side(rounds) + whole_episodes(rounds) + threads(rounds) + growth(rounds),
        "phases": phases(rounds),
        "peak operations a second": peak(rounds),
        "set-up": setup(compiling=not quick),
    }
    for name, section in (("training", training), ("rendering", rendering)):
        try:
            found[name] = section()
        except ImportError:
            found[name] = {}
    return found


def _machine() -> dict[str, Any]:
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    return {
        "cpu": llvm.get_host_cpu_name(),
        "cores": os.cpu_count(),
        "avx512": bool(features.get("avx512f")),
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "gymnasium": gym.__version__,
    }


def claims(found: dict[str, Any]) -> list[tuple[str, bool, str]]:
    """What springdrift wants to be, and whether it was, in this run."""
    speed = {(s.section, s.name, s.envs): s for s in found["speeds"]}
    rate = speed["side by side", "springdrift, vector", 1024].per_second
    said: list[tuple[str, bool, str]] = []

    def say(claim: str, figure: float, least: float, text: str) -> None:
        said.append((claim, figure >= least, text))

    def times(name: str, envs: int, section: str, least: float, claim: str) -> None:
        ratio = speed[section, name, envs].ratio
        say(claim, ratio, least, f"{ratio:.2f} times")

    def beside(name: str, least: float, claim: str) -> None:
        other = speed.get(("side by side", name, 1024))
        if other:
            ratio = speed["side by side", "springdrift, vector", 1024].ratio / other.ratio
            say(claim, ratio, least, f"{ratio:.0f} times")

    say("5 million env steps a second on one core at 1024 envs", rate, 5e6, f"{rate / 1e6:.2f} million")
    for n in (64, 1024):
        claim = f"as fast as gymnasium's native CartPole at {n} envs"
        times("springdrift, vector", n, "side by side", 1, claim)
    beside("gymnasium CartPole, SyncVectorEnv", 100, "100 times SyncVectorEnv CartPole at 1024 envs")
    beside("springdrift's physics in NumPy", 20, "20 times its own physics in NumPy at 1024 envs")
    times("2 threads", 4096, "threads", 1.6, "two threads 1.6 times one at 4096 envs")
    claim = "a single env no slower than CartPole through gym.make"
    times("springdrift, gym.make", 1, "single env", 1, claim)
    alone = speed["single env", "springdrift, kernel alone", 1].per_second
    say("100,000 steps a second of a single env through the kernel", alone, 1e5, f"{alone:,.0f}")
    warm = found["set-up"]["import to first step, warm cache, s"]
    say("a warm cache reaches the first step in a second", -warm, -1, f"{warm:.2f} s")
    cold = found["set-up"].get("import to first step, empty cache, s")
    if cold is not None:
        say("an empty cache reaches it in ten seconds", -cold, -10, f"{cold:.2f} s")
    many = found["set-up"]["make and reset 16384 envs, s"]
    say("16,384 envs start in two seconds", -many, -2, f"{many:.2f} s")
    for name, least, text in (
        ("series, a recording", 2e6, "2 million steps a second on recordings at 1024 envs"),
        ("series, a fresh one each episode, mix", 2e5, "200,000 with a fresh series for each episode"),
    ):
        rate = speed["whole episodes", name, 1024].per_second
        say(text, rate, least, f"{rate:,.0f}")
    size = found["set-up"]["state, bytes an env"]
    say("at most 4 KiB of state an env", -size, -4096, f"{size:.0f} bytes")
    if found["rendering"]:
        rate = found["rendering"]["pictures a second, 960 by 600"]
        say("200 pictures a second", rate, 200, f"{rate:.0f}")
    if found["training"]:
        share = found["training"]["share of the env"]
        say("under 3 % of PPO's wall time at 256 envs", -share, -0.03, f"{100 * share:.1f} %")
    return said
