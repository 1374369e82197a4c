"""Search for hyperparameters with Optuna: hopeless trials end early, and a sweep that was killed goes on."""

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import yaml
from optuna.trial import TrialState

from springdrift_agents.evaluation import provenance
from springdrift_agents.files import exclusive, write_text
from springdrift_agents.training.train import TrainConfig, check, train

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
        ValueError: trials out of range, hyperparameters that give no model, or a folder with another sweep
            or in use by another process.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    check(config)  # refused before the folder is taken
    out.mkdir(parents=True, exist_ok=True)
    with exclusive(out):
        return _sweep(config, out, trials, done)


def _sweep(
    config: TrainConfig, out: Path, trials: int, done: Callable[[int, float | None], None]
) -> dict[str, Any]:
    study = _study(config, out)

    def objective(trial: optuna.Trial) -> float:
        hyper = dict(config.hyper)
        if not trial.user_attrs.get("house"):
            hyper |= suggest(trial, config.algo, int(hyper.get("n_envs", 64)))
        chunk = -(-config.steps // PARTS)

        def validated(steps: int, cost: float) -> bool:
            trial.report(cost, min(PARTS, steps * PARTS // config.steps))
            if trial.should_prune():
                raise optuna.TrialPruned
            return True

        chosen = replace(config, hyper=hyper, chunk=chunk)
        trial.set_user_attr("hyper", hyper)
        policy = train(chosen, out / f"trial-{_name(chosen)[:12]}", validated=validated)
        return float(policy.card.trained["cost"])

    finished = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))
    for _ in range(trials - finished):
        trial = study.ask()
        cost = None
        try:
            cost = objective(trial)
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, cost)
        done(trial.number, cost)
    best: dict[str, Any] = study.best_trial.user_attrs["hyper"]
    write_text(out / "best.yml", yaml.safe_dump(dict.fromkeys(config.envs, best), sort_keys=False))
    return best


def _study(config: TrainConfig, out: Path) -> optuna.Study:
    """The sweep's study, with the trials that ended with an earlier process queued once more."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = f"sqlite:///{out / 'sweep.db'}"
    if set(optuna.get_all_study_names(storage)) - {_name(config)}:
        raise ValueError(
            f"{out} holds another sweep, or one begun with other code: "
            "take another folder, or the same settings and code to go on"
        )
    study = optuna.create_study(
        study_name=_name(config),
        storage=storage,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
        load_if_exists=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.sampler = optuna.samplers.TPESampler(
            seed=_sampler_seed(config.seed, len(study.trials)), multivariate=True, n_startup_trials=8
        )
    for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):  # stopped with the process
        study.tell(left.number, state=TrialState.FAIL)
        house = {"house": True} if left.user_attrs.get("house") else None
        study.enqueue_trial(left.params, user_attrs=house)
    if not study.trials:
        study.enqueue_trial({}, user_attrs={"house": True})
    return study


def _sampler_seed(seed: int, trials: int) -> int:
    """Another for each number of trials there are: a sweep that goes on proposes no trial again."""
    return int(np.random.SeedSequence([seed, trials]).generate_state(1)[0])


def _name(config: TrainConfig) -> str:
    """A name for a trial or a sweep: the same for the same settings and code, whatever the chunk."""
    decides = {name: value for name, value in asdict(config).items() if name != "chunk"}
    decides["code"] = provenance.training_code()
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
