"""The contract that every world keeps, as a check that users can run on a variant of their own."""

import copy
import pickle
from typing import Any

import gymnasium as gym
import numpy as np

from springdrift.game.env import DriftEnv


class ContractError(AssertionError):
    """A world broke the contract; the message says which part, and where."""


def _expect(fine: bool, what: str) -> None:
    if not fine:
        raise ContractError(what)


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a[0], b[0])) and a[1:4] == b[1:4] and repr(a[4]) == repr(b[4])


def check(env: gym.Env[Any, Any], seed: int = 0, steps: int = 60) -> None:
    """Play an env at random and raise :class:`ContractError` where it breaks the contract.

    Gymnasium's own ``check_env`` first, then: observations lie in their Box and are finite; the reward is
    minus the sum of the cost terms; the same seed and actions give the same episode; what the world does
    does not depend on what the agent does; a fork, a pickle and a restored state have the same future;
    bad actions and finished episodes are refused.

    >>> import springdrift
    >>> mine = springdrift.Scenario("mine", "a stiff start", params=springdrift.Params(stiffness=12.0))
    >>> springdrift.check(gym.make(springdrift.ENV_ID, scenario=mine))
    """
    from gymnasium.utils.env_checker import check_env

    inner = env.unwrapped
    if not isinstance(inner, DriftEnv):
        raise TypeError(f"expected a springdrift env, got {type(inner).__name__}")
    check_env(inner, skip_render_check=True)
    _expect(
        env.observation_space.shape == (len(inner.world.observation),),
        f"the observation space {env.observation_space} does not match the table of {inner.world.observe!r}",
    )
    actions = np.random.default_rng(seed).integers(inner.world.actions.n, size=steps).tolist()
    first, _ = _play(env, actions, seed)
    again, _ = _play(env, actions, seed)
    for t, (one, other) in enumerate(zip(first, again, strict=True)):
        _expect(_same(one, other), f"step {t}: the same seed and actions gave two episodes")
    _, acted = _play(env, actions, seed)
    _, waited = _play(env, [0] * steps, seed)
    for t, (one, other) in enumerate(zip(acted, waited, strict=False)):
        for name in inner.world.exogenous:
            _expect(
                one[name] == other[name],
                f"step {t}: {name} depends on the actions: {one[name]} and {other[name]}",
            )
    _branch(inner, actions[: len(first)], seed)
    _refuse(inner, seed)


def _play(env: gym.Env[Any, Any], actions: list[int], seed: int) -> tuple[list[Any], list[dict[str, float]]]:
    obs, info = env.reset(seed=seed)
    seen, truths = [], [info["truth"]]
    _expect(env.observation_space.contains(obs), f"reset: {obs} lies outside {env.observation_space}")
    for t, action in enumerate(actions):
        result = env.step(action)
        obs, reward, terminated, truncated, info = result
        _expect(env.observation_space.contains(obs), f"step {t}: {obs} lies outside its Box")
        _expect(bool(np.isfinite(obs).all()), f"step {t}: the observation {obs} is not finite")
        total = -sum(info["terms"].values())
        _expect(abs(reward - total) < 1e-12, f"step {t}: reward {reward} is not minus the terms' sum {total}")
        for name, value in info["truth"].items():
            _expect(bool(np.isfinite(value)), f"step {t}: truth {name} is {value}")
        seen.append(result)
        truths.append(info["truth"])
        if terminated or truncated:
            break
    return seen, truths


def _branch(env: DriftEnv, actions: list[int], seed: int) -> None:
    half = min(len(actions) // 2, 15)
    env.reset(seed=seed)
    for action in actions[:half]:
        env.step(action)
    state = env.get_state()
    twins = {"fork": env.fork(), "pickle": pickle.loads(pickle.dumps(env)), "deepcopy": copy.deepcopy(env)}
    future = [env.step(action) for action in actions[half : 2 * half]]
    env.set_state(state)
    twins["set_state"] = env
    for name, twin in twins.items():
        for t, (action, expected) in enumerate(zip(actions[half : 2 * half], future, strict=True)):
            _expect(_same(twin.step(action), expected), f"{name}: the future differs after {t + 1} cycles")


def _refuse(env: DriftEnv, seed: int) -> None:
    env.reset(seed=seed)
    for bad in (
        -1,
        env.world.actions.n,
        0.0,
        float("nan"),
        "wait",
        None,
        True,
        [0],
        np.array([0]),
        np.float32(1),
    ):
        try:
            env.step(bad)
        except ValueError:
            continue
        raise ContractError(f"the action {bad!r} was accepted")
    ended = False
    while not ended:
        ended = env.step(0)[2]
    try:
        env.step(0)
    except RuntimeError:
        return
    raise ContractError("a finished episode could be stepped")
