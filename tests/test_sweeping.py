"""A sweep that was stopped goes on with the trial it was in, and proposes none again."""

from types import SimpleNamespace

import pytest

from springdrift_agents.training import train as training

optuna = pytest.importorskip("optuna")
sweeping = pytest.importorskip("springdrift_agents.training.sweep")


@pytest.mark.attack
def test_a_sweep_that_was_stopped_goes_on_where_it_was(tmp_path, monkeypatch):
    """Ctrl-C in the first trial and in the third: each is run again, and the others differ."""
    config = training.config_of("ppo", changes=["n_envs=8", "n_steps=32", "batch_size=64"], scenario="poc")
    seen = []

    def run(chosen, out, validated):
        seen.append(chosen.hyper)
        if len(seen) in (1, 4):
            raise KeyboardInterrupt
        return SimpleNamespace(card=SimpleNamespace(trained={"cost": float(len(seen))}))

    monkeypatch.setattr(sweeping, "train", run)
    told = []
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweeping.sweep(config, tmp_path, 3, lambda *trial: told.append(trial))
    best = sweeping.sweep(config, tmp_path, 5, lambda *trial: told.append(trial))
    assert seen[0] == seen[1] == config.hyper == best
    assert seen[3] == seen[4]
    assert len({str(hyper) for hyper in seen}) == 5
    assert [cost for _, cost in told] == [2.0, 3.0, 5.0, 6.0, 7.0]


def test_a_trial_that_is_given_up_has_no_cost(tmp_path, monkeypatch):
    config = training.config_of("ppo", changes=["n_envs=8", "n_steps=32", "batch_size=64"], scenario="poc")
    count = 0

    def run(chosen, out, validated):
        nonlocal count
        count += 1
        if count == 2:
            raise optuna.TrialPruned
        return SimpleNamespace(card=SimpleNamespace(trained={"cost": 1.0}))

    monkeypatch.setattr(sweeping, "train", run)
    told = []
    sweeping.sweep(config, tmp_path, 3, lambda *trial: told.append(trial))
    assert told == [(0, 1.0), (1, None), (2, 1.0)]
