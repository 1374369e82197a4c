"""A learned policy in production: the dashboard it reads, the decisions of the report, what is refused."""

import json
import subprocess
import sys

import numpy as np
import pytest

from springdrift.series import SeriesWorld
from springdrift.series import state as fields
from springdrift.series.forecaster import LAST, Shape
from springdrift.series.observation import MONITOR
from springdrift.series.staleness import staleness
from springdrift_agents.advise import Monitor
from springdrift_agents.advise.dashboard import Dashboard, seen
from springdrift_agents.advise.judge import judge
from springdrift_agents.advise.learned import SHIPPED, DashboardNetwork
from springdrift_agents.advise.strategies import ACTIONS, Prices, follow, stretch
from springdrift_agents.policies.registry import policy

P = 12


def drifting(cycles, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    amplitude = 3.0 + np.repeat(rng.choice([0.0, -1.5, 2.0], -(-cycles // 20)), 20)[:cycles]
    wave = np.sin(2 * np.pi * np.arange(P) / P)
    return 10 + amplitude[:, None] * wave + noise * rng.standard_normal((cycles, P))


@pytest.mark.parametrize(("recording", "delay"), [("co2", 0), ("electricity", 0), ("solar-flux", 2)])
def test_the_dashboard_is_that_of_the_world(recording, delay):
    """Column by column, beside the compiled one, over random decisions."""
    world = SeriesWorld(1, recording, cycles=120, label_delay=delay)
    world.seed(np.zeros(1, np.int64), np.array([5], np.uint64))
    world.begin(np.ones(1, np.bool_))
    s, found = world.lanes.state[0], world.tables[0]
    start, latency = int(s[fields.START]), world.latency
    usual = float(s[fields.UNIT]) / 10
    board = Dashboard(usual, float(s[fields.HOME]), latency, float(found.fit_error[start]))
    board.scale = float(s[fields.SCALE])  # the recording's own tolerance
    table = stretch(found, start, 120, latency)
    rng = np.random.default_rng(1)
    model = newest = 0
    lands, decided, serving = None, [], []
    skipped = {"time_left"} | ({"push"} if delay else set())
    compared = [name for name in MONITOR.names if name not in skipped]
    for t in range(119):
        if lands == t:
            model, lands = newest, None
            board.deploy()
        shown = board.columns(None if lands is None else lands - t)
        world_shown = dict(zip(MONITOR.names, world.out.obs[0].tolist(), strict=True))
        for name in compared:
            if name != "fit_error" or t > delay:  # told with the first cycle that is known
                assert shown[name] == pytest.approx(world_shown[name], abs=2e-5), (t, name)
        action = int(rng.choice(3, p=(0.7, 0.2, 0.1)))
        action = 0 if action == 2 and lands is not None else action
        if action == 2:
            newest, lands = t, t + latency
        world.advance(np.array([action]))
        decided.append(action)
        serving.append(model)
        known = t - delay
        told = table.seen(serving[known], known, newest) if known >= 0 else None
        board.pass_cycle(ACTIONS[action], told, known >= 0 and decided[known] == 1)


def test_what_is_known_of_a_cycle_is_what_the_matrix_says():
    y = drifting(60)
    found = staleness(y, Shape(P, 0, 14, 0, LAST))
    table = stretch(found, 40, 20, 2)
    rng = np.random.default_rng(0)
    measured, said, base = (rng.standard_normal(P) for _ in range(3))
    one = seen(measured.tolist(), said.tolist(), base.tolist(), 0.5)
    assert one.error == pytest.approx(np.sqrt(np.mean((said - measured) ** 2)))
    assert one.correlation == pytest.approx(np.corrcoef(said, measured)[0, 1])
    assert one.bias == pytest.approx(np.mean(said - measured))
    assert one.peak == pytest.approx(1 - one.error / np.abs(said - measured).max())
    told = table.seen(3, 10, 5)
    assert told.error == table.error(3, 10)
    assert told.level == pytest.approx(y[50].mean(), abs=1e-5)
    assert told.baseline == pytest.approx(y[49].mean(), abs=1e-5)  # the last cycle again
    assert told.fit_error == found.fit_error[45]
    assert seen([1.0, 1.0], [1.0, 1.0], [0.0, 2.0], 0.0)[:5] == (0.0, 1.0, 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="must be as long as each other"):
        seen([1.0], [1.0, 2.0], [1.0], 0.1)


def test_the_network_decides_as_the_policy_that_ships():
    """With the columns that the world shows, in the world's own order."""
    env_policy = policy(SHIPPED)
    network = DashboardNetwork(SHIPPED)
    rng = np.random.default_rng(0)
    state, names = None, ("WAIT", "INTERVENE", "RETRAIN")
    for _ in range(50):
        row = rng.uniform(-1, 1, len(MONITOR.names)).astype(np.float32)
        theirs, state = env_policy.predict(row, state)
        shown = dict(zip(MONITOR.names, row.tolist(), strict=True))
        assert network.decide(shown, names) == env_policy.actions[int(theirs)]


def test_the_monitor_decides_as_the_report_does_and_without_the_worlds(tmp_path):
    """The decisions of every stretch, from the policy's file, fed with what production measures."""
    y = drifting(200)
    prices = Prices(error=1.0, retrain=10.0, intervene=2.0)
    judged = judge(y, 0, prices, window=14, families=("never", "override", "learned"))
    candidate = judged.candidates["learned"]
    acted = np.concatenate([run.actions for run in candidate.runs])
    assert set(acted.tolist()) - {0}, "a policy that does nothing shows nothing"
    code = (
        "import json, sys; from springdrift_agents.advise import Monitor\n"
        "from springdrift_agents.advise.dashboard import Seen\n"
        "told = json.loads(sys.stdin.read())\n"
        "monitor = Monitor.load(sys.argv[1])\n"
        "print(json.dumps([monitor.step(seen=None if s is None else Seen(*s)).action for s in told]))\n"
        "heavy = {'gymnasium', 'torch', 'numba', 'scipy', 'springdrift'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    (first, table), run = judged.stretches[0], candidate.runs[0]
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(candidate.policies[0]))
    told, newest = [None], 0
    for t in range(table.cycles - 1):
        newest = t if run.actions[t] == 2 else newest
        told.append(list(table.seen(int(run.serving[t]), t, newest)))
    ended = subprocess.run(
        [sys.executable, "-c", code, str(path)], input=json.dumps(told), capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [ACTIONS[a] for a in run.actions]
    assert first == judged.stretches[0][0]


def test_where_overriding_is_no_choice_it_does_not():
    judged = judge(drifting(120), 0, Prices(1.0, 10.0, 0.0), window=14, families=("never", "learned"))
    given = judged.candidates["learned"].final
    assert given["by_hand"] is False
    assert not any((run.actions == 1).any() for run in judged.candidates["learned"].runs)
    whole = {**given, "by_hand": True}
    _, table = judged.stretches[0]
    assert Monitor(whole).policy["level"] == pytest.approx(given["level"])
    assert len(follow(table, Monitor(whole)).actions) == table.cycles


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"network": "ppo-nowhere"}, "unknown network 'ppo-nowhere'; allowed: .*ppo-series"),
        ({"sha256": "0" * 64}, "is another than the policy was made with"),
        ({"network": 3}, "network must be a str"),
        ({"by_hand": "yes"}, "by_hand must be a bool"),
        ({"level": float("nan")}, "level must be a finite number"),
        ({"usual": 0.0}, "usual must be above 0 for a learned policy"),
        ({"parameters": {"level": 2.0}}, "unknown 'level' in parameters of learned; allowed: none"),
    ],
)
def test_a_learned_policy_that_is_none_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        Monitor({"trigger": "learned", **change})


def test_errors_alone_are_not_enough_for_a_learned_policy():
    monitor = Monitor({"trigger": "learned", "usual": 0.5})
    assert monitor.step().action == "WAIT"  # nothing is known yet
    with pytest.raises(ValueError, match="a learned policy needs seen="):
        monitor.step(0.5, 0.6)
