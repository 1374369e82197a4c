"""Search for hyperparameters with Optuna: hopeless trials end early, and a sweep that was killed goes on."""

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import TrialState

from springdrift import ENV_ID
from springdrift_agents.files import write_text
from springdrift_agents.training import TrainConfig, train

PARTS = 8  # chunks of a trial, after each of which it may be given up


def suggest(trial: optuna.Trial, algo: str, envs: int) -> dict[str, Any]:
    """Hyperparameters of a trial, in the format of the YAML files."""
    found: dict[str, Any] = {
        "gamma": 1.0 - trial.suggest_float("horizon", 0.005, 0.1, log=True),
        "learning_rate": f"lin_{trial.suggest_float('rate', 2e-4, 5e-3, log=True):.3g}",
    }
    if algo == "dqn":
        return found | {
            "batch_size": trial.suggest_categorical("batch_size", [256, 512, 1024, 2048]),
            "train_freq": trial.suggest_categorical("train_freq", [1, 2, 4, 8]),
            "gradient_steps": trial.suggest_categorical("gradient_steps", [2, 4, 8]),
            "exploration_fraction": trial.suggest_float("exploration_fraction", 0.05, 0.5),
        }
    steps = trial.suggest_categorical("n_steps", [32, 64, 128, 256])
    return found | {
        "n_steps": steps,
        "batch_size": envs * steps // trial.suggest_categorical("minibatches", [2, 4, 8, 16]),
        "n_epochs": trial.suggest_int("n_epochs", 2, 10),
        "gae_lambda": trial.suggest_float("gae_lambda", 0.8, 0.99),
        "ent_coef": trial.suggest_float("ent_coef", 1e-4, 3e-2, log=True),
        "clip_range": trial.suggest_float("clip_range", 0.1, 0.4),
    }


def sweep(
    config: TrainConfig, out: Path, trials: int, done: Callable[[int, float | None], None] = lambda *_: None
) -> dict[str, Any]:
    """The best hyperparameters of ``trials`` runs of ``config``, the house's own the first of them.

    ``out`` receives sweep.db (Optuna's study, in SQLite), a folder for each trial, and best.yml in the format
    that training and rl-baselines3-zoo read.

    Args:
        config: algorithm, scenario, steps and seed of every trial, and the hyperparameters it starts from.
        out: the sweep's folder.
        trials: how many to finish in all; those of earlier calls count.
        done: hears of each trial: its number, and its cost, None when it was given up.

    Raises:
        ValueError: trials out of range, or the folder holds another sweep.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(seed=config.seed, multivariate=True, n_startup_trials=8)
    storage = f"sqlite:///{out / 'sweep.db'}"
    study = optuna.create_study(
        study_name=_name(config),
        storage=storage,
        sampler=sampler,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
        load_if_exists=True,
    )
    if len(optuna.get_all_study_names(storage)) > 1:
        raise ValueError(f"{out} holds another sweep: take another folder, or the same settings to go on")
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):  # killed with the process
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    if not study.trials:
        study.enqueue_trial({}, user_attrs={"house": True})

    def objective(trial: optuna.Trial) -> float:
        hyper = dict(config.hyper)
        if not trial.user_attrs.get("house"):
            hyper |= suggest(trial, config.algo, int(hyper.get("n_envs", 64)))
        chunk = -(-config.steps // PARTS)
        part = 0

        def validated(_: int, cost: float) -> bool:
            nonlocal part
            trial.report(cost, part)
            part += 1
            if trial.should_prune():
                raise optuna.TrialPruned
            return True

        chosen = replace(config, hyper=hyper, chunk=chunk)
        trial.set_user_attr("hyper", hyper)
        policy = train(chosen, out / f"trial-{_name(chosen)[:12]}", validated=validated)
        return float(policy.card.trained["cost"])

    finished = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))
    study.optimize(
        objective,
        n_trials=max(0, trials - finished),
        callbacks=[lambda _, trial: done(trial.number, trial.value if trial.values else None)],
    )
    best: dict[str, Any] = study.best_trial.user_attrs["hyper"]
    write_text(out / "best.yml", yaml.safe_dump({ENV_ID: best}, sort_keys=False))
    return best


def _name(config: TrainConfig) -> str:
    text = json.dumps([config.algo, config.scenario, config.steps, config.seed, config.observe, config.hyper])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
