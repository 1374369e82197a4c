"""Episodes of a policy as a Minari data set, for reinforcement learning that never acts in a world itself."""

import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID
from springdrift.game.arguments import whole
from springdrift.game.world import World
from springdrift.registry import world_spec
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.policies.base import Memory, Policy, check_policy, fitted, observe_of

BATCH = 256  # episodes that are played side by side and held in memory
MOST = 1_000_000  # episodes
INSTALL = 'pip install "springdrift[minari]"'


class Episode(NamedTuple):
    """An episode of T cycles as offline learning wants it."""

    seed: int  # ``env.reset(seed=...)`` begins it anew
    observations: NDArray[np.float32]  # (T + 1, D), the last one beyond the last decision
    actions: NDArray[np.int64]  # (T,)
    rewards: NDArray[np.float64]  # (T,)


class Written(NamedTuple):
    """A data set that was written."""

    name: str  # by which ``minari.load_dataset`` finds it
    folder: Path
    episodes: int
    steps: int
    cost: float  # mean of an episode


class Exploring:
    """A policy that decides at random now and then, so that its episodes show what else could be done.

    Args:
        policy: decides otherwise.
        share: of the decisions that are drawn, all actions alike.
        seed: of the draws.
        world: in which it plays.
    """

    def __init__(self, policy: Policy, share: float, seed: int, world: World) -> None:
        self.policy, self.share, self.allowed = policy, share, world.actions
        self.fit = fitted(policy, world.observation.names, world.actions.names)
        self.rng = np.random.default_rng(seed)

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """Decisions (n,) of the world's actions."""
        found, state = self.policy.predict(self.fit.see(observation), state, episode_start, deterministic)
        actions = self.fit.act(found, self.allowed, len(observation)).copy()
        drawn = self.rng.random(len(actions)) < self.share
        actions[drawn] = self.rng.integers(len(self.allowed.names), size=int(drawn.sum()))
        return actions, state


def episodes_of(
    policy: Policy,
    scenario: Any,
    count: int,
    seed: int = 0,
    *,
    env: str = ENV_ID,
    explore: float = 0.0,
    observe: str | None = None,
) -> Iterator[Episode]:
    """Play episodes in training worlds, which no evaluation of this package ever meets.

    Args:
        policy: who decides.
        scenario: a name, or a scenario of the user's.
        count: of episodes.
        seed: which worlds, and which decisions are drawn.
        env: id of the kind of world.
        explore: share of the decisions that are drawn at random, 0 to 1.
        observe: which observation is kept; None for the one that the policy asks for.

    Raises:
        ValueError: what is no policy, or a number out of range; says what is allowed.

    >>> from springdrift_agents.policies.registry import policy
    >>> (one,) = episodes_of(policy("threshold"), "poc", 1)
    >>> one.observations.shape, one.actions.shape, float(one.rewards.sum()) < 0
    ((41, 18), (40,), True)
    """
    check_policy(policy)
    whole("episodes", count, 1, MOST)
    if not 0.0 <= explore <= 1.0:
        raise ValueError(f"explore must be a share from 0 to 1, got {explore!r}")
    seeds = world_seeds("training", seed, count)
    for first in range(0, count, BATCH):
        here = seeds[first : first + BATCH]
        world = begun(here, scenario, env=env, observe=observe or observe_of(policy))
        playing = Exploring(policy, explore, seed + first, world) if explore else policy
        yield from _played(playing, world, here)


def _played(policy: Policy, world: World, seeds: NDArray[np.uint64]) -> Iterator[Episode]:
    seen, actions, rewards, live = [world.out.obs.copy()], [], [], []
    for cycle in rollout(policy, world):
        seen.append(world.out.obs.copy())
        actions.append(cycle.actions.copy())
        rewards.append(world.out.reward.copy())
        live.append(cycle.live.copy())
    columns = (np.swapaxes(np.array(one), 0, 1) for one in (seen, actions, rewards))
    lengths = np.sum(live, axis=0).tolist()
    for one, length, observed, decided, earned in zip(seeds.tolist(), lengths, *columns, strict=True):
        yield Episode(one, observed[: length + 1], decided[:length], earned[:length])


def write(
    name: str,
    policy: Policy,
    scenario: Any,
    count: int,
    seed: int = 0,
    *,
    env: str = ENV_ID,
    explore: float = 0.0,
    observe: str | None = None,
    folder: Path | None = None,
    about: Mapping[str, str] | None = None,
) -> Written:
    """Write episodes as a Minari data set, whole or not at all.

    Args:
        name: of the data set, as in ``springdrift/inclinedmass/mix-v0``.
        policy: who decides; its episodes are those of :func:`episodes_of`.
        scenario: as there, and so are the arguments that follow.
        count: of episodes.
        seed: which worlds.
        env: id of the kind of world.
        explore: share of the decisions that are drawn.
        observe: which observation is kept.
        folder: that holds data sets; None for Minari's own.
        about: what the data set says of itself, ``algorithm_name`` and ``description``.

    Raises:
        ImportError: Minari is not installed; says what to install.
        ValueError: as :func:`episodes_of`; a name that Minari does not take, or that is there already.
    """
    minari = _minari()
    world_spec(env)  # names the kinds of worlds, should it be none of them
    seeing = observe or observe_of(policy)
    made = gym.make(env, scenario=scenario, observe=seeing)
    played = episodes_of(policy, scenario, count, seed, env=env, explore=explore, observe=seeing)
    buffers = _Buffers(played, minari.data_collector.EpisodeBuffer)
    with _data_sets_in(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an author's address, and other things that nobody asked for
        place = _free_place(name)
        try:
            minari.create_dataset_from_buffers(
                name,
                buffers,
                made,
                author="springdrift",
                data_format="hdf5",
                requirements=["springdrift"],
                **(about or {}),
            )
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        finally:
            made.close()
    return Written(name, place, count, buffers.steps, buffers.cost / count)


class _Buffers:
    """Episodes as Minari takes them, counted as they pass.

    Args:
        episodes: of any number.
        buffer: Minari's class of an episode.
    """

    def __init__(self, episodes: Iterator[Episode], buffer: Any) -> None:
        self.episodes, self.buffer = episodes, buffer
        self.steps, self.cost = 0, 0.0

    def __iter__(self) -> Iterator[Any]:
        for episode in self.episodes:
            self.steps += len(episode.actions)
            self.cost -= float(episode.rewards.sum())
            ends = np.zeros(len(episode.actions), np.bool_)
            yield self.buffer(**episode._asdict(), terminations=np.append(ends[:-1], True), truncations=ends)


def _minari() -> Any:
    try:
        import h5py  # noqa: F401  data sets are kept by it
        import minari
        import minari.data_collector
    except ModuleNotFoundError as missing:
        raise ImportError(f"a data set needs Minari ({missing.name} is missing): {INSTALL}") from missing
    return minari


def _free_place(name: str) -> Path:
    """The folder of a new data set, in the folder that holds all of them.

    Raises:
        ValueError: a name that Minari does not take, or that is there already.
    """
    from minari.dataset.minari_dataset import parse_dataset_id
    from minari.storage.datasets_root_dir import get_dataset_path

    try:
        parse_dataset_id(name)
        place = Path(get_dataset_path(name))
    except TypeError as wrong:  # Minari takes a name without a version apart
        raise ValueError(f"{name}: a data set's name ends with its version, as in -v0") from wrong
    if place.exists():
        raise ValueError(f"there is a data set {name} already, in {place}: give another name, or remove it")
    return place


@contextmanager
def _data_sets_in(folder: Path | None) -> Iterator[None]:
    """Minari keeps data sets in this folder meanwhile; None for its own."""
    name = "MINARI_DATASETS_PATH"
    before = os.environ.get(name)
    wanted = before if folder is None else str(folder)
    if wanted is not None:
        os.environ[name] = str(Path(wanted).resolve())  # Minari writes nothing below a relative folder
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before
