"""Improvement: a network learns which of its decisions another one would have been cheaper than.

It plays worlds, and plays each again from some cycles on with another decision there, going on as before.
What that saves or costs is what the decision is worth, with little noise, since the world draws the same in
both. The network then makes cheaper decisions more likely: policy iteration with rollouts (Lagoudakis and
Parr 2003), in small steps (Kakade and Langford 2002).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from springdrift.registry import world_spec
from springdrift.series.recording import Recording
from springdrift_agents.evaluation import provenance
from springdrift_agents.evaluation.evaluate import SEEDS, results_of, world_seeds
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.files import write_text
from springdrift_agents.policies import learned
from springdrift_agents.policies.base import fitted
from springdrift_agents.policies.learned import EVERYWHERE, Learned
from springdrift_agents.policies.registry import policy
from springdrift_agents.training.distill import as_policy, cost_of, practised, scenarios_of
from springdrift_agents.training.run_folder import MANIFEST, unused

ALGO = "policy iteration"  # as a card names it
EVEN = 0.4  # share of the cycles played again that are drawn evenly; the others, by the network's doubt
BATCH = 2048
PART = 32  # worlds of a scenario played side by side


@dataclass(frozen=True)
class Improvement:
    """What decides an improvement, and nothing else: the same one gives the same policy.

    Raises:
        ValueError: a field out of range, naming it and what is allowed; or a policy that is no network, or a
            recurrent one.
    """

    policy: str  # name or file of the network
    scenarios: tuple[str, ...] = ()  # where it is to be better; when empty, all but mixtures and recordings
    seed: int = 0  # of the worlds and of chance in learning
    rounds: int = 30
    worlds: int = 96  # of each scenario in a round
    tries: int = 6  # cycles of each that are played again
    rate: float = 3e-4  # of learning, in the first round; it falls to 0
    pull: float = 0.15  # towards what it was before the round: cost that a nat of difference counts as
    keep: int = 8  # rounds whose cycles are learned from
    even: float = 0.5  # power of an episode's cost by which a scenario counts less; 0 is for the mean cost
    episodes: int = 512  # validation worlds

    def __post_init__(self) -> None:
        for name, least in (("rounds", 1), ("worlds", 1), ("tries", 1), ("keep", 1), ("episodes", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        for name in ("rate", "pull", "even"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be a number from 0, got {getattr(self, name)}")
        world_seeds("training", self.seed, 1)  # refuses a seed out of range
        self.places()  # refuses unknown scenarios

    def places(self) -> list[tuple[str, Any]]:
        """Kinds of world, each with a scenario to play there, harder ones among them.

        Of recordings only those that were chosen: an episode of one costs hundreds of times what others cost.
        """
        places = []
        for env in self.envs:
            known = world_spec(env).scenarios
            names = scenarios_of(env, self.scenarios)
            kept = [name for name in names if self.scenarios or not isinstance(known[name], Recording)]
            places += [(env, one) for one in practised(env, kept)]
        return places

    def network(self) -> Learned:
        """The network to improve."""
        found = policy(self.policy)
        if not isinstance(found, Learned) or found.hidden:
            kind = "a recurrent network" if isinstance(found, Learned) else type(found).__name__
            raise ValueError(f"{self.policy} must be a learned network without recurrence, got {kind}")
        return found

    @property
    def envs(self) -> tuple[str, ...]:
        """Ids of the kinds of world that the network was trained in."""
        card = self.network().card
        return tuple(str(card.trained.get("env", card.env)).split(","))


class Tried(NamedTuple):
    """Cycles in which other decisions were tried."""

    seen: NDArray[np.float16]  # (m, wide) what the network saw
    costs: NDArray[np.float32]  # (m, actions) of each decision beyond that of its own
    weights: NDArray[np.float32]  # (m,) cycles that each stands for
    paid: float  # mean cost of an episode as the network plays it


class _Watched:
    """A network whose decisions are kept, with how likely another one would have been."""

    def __init__(self, network: Learned) -> None:
        self._network = network
        self.columns, self.actions, self.observe = network.columns, network.actions, network.observe
        self.said: list[NDArray[np.int64]] = []
        self.doubt: list[NDArray[np.float32]] = []

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[NDArray[np.int64], Any]:
        """The network's decisions (n,) and memory."""
        said, state = self._network.predict(observation, state, episode_start)
        assert state is not None
        values = self._network.values(state[0])
        odds = np.exp(values - values.max(axis=1, keepdims=True))
        self.said.append(said)
        self.doubt.append(1.0 - odds.max(axis=1) / odds.sum(axis=1))
        return said, state


class _Once:
    """A network that decides otherwise once in each world: in cycle ``at``, (n,), it decides ``other``, (n,).

    Keeps what it saw then, (n, wide).
    """

    def __init__(self, network: Learned, at: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        self._network, self._at, self._other = network, at, other
        self.columns, self.actions, self.observe = network.columns, network.actions, network.observe
        self.seen = np.zeros((len(at), network.wide * network.card.sees), np.float16)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[NDArray[np.int64], Any]:
        """Decisions (n,); the memory counts the cycles."""
        cycle, inside = state or (0, None)
        said, inside = self._network.predict(observation, inside, episode_start)
        assert inside is not None
        due = self._at == cycle
        self.seen[due] = inside[0][due]
        return np.where(due, self._other, said), (cycle + 1, inside)


def tried(
    network: Learned, env: str, scenario: Any, seeds: NDArray[np.uint64], tries: int, seed: int = 0
) -> Tried:
    """Play worlds with a network, and some cycles of each again with every other decision.

    Args:
        network: who decides.
        env: id of the kind of world.
        scenario: a name, or a scenario of the user's.
        seeds: of the worlds, (n,).
        tries: cycles of each world; one may be drawn twice.
        seed: of that draw.
    """
    watched, world = _Watched(network), begun(seeds, scenario, env=env, observe=network.observe)
    numbers = fitted(network, world.observation.names, world.actions.names).numbers
    own = np.arange(len(network.actions)) if numbers is None else numbers
    paid, live, masks = np.zeros(len(seeds)), [], [world.masks()[:, own]]
    for cycle in rollout(watched, world):
        live.append(cycle.live.copy())
        masks.append(world.masks()[:, own])
        paid += cycle.costs.sum(axis=0)
    at, odds = _draw(np.array(live), np.array(watched.doubt), tries, np.random.default_rng(seed))
    lanes, cycles, chances = np.tile(np.arange(len(seeds)), tries), at.ravel(), odds.ravel()
    said, allowed = np.array(watched.said)[cycles, lanes], np.array(masks)[cycles, lanes]
    place, other = np.nonzero(allowed & (np.arange(len(own)) != said[:, None]))
    once = _Once(network, cycles[place], other)
    costs = np.zeros((len(lanes), len(own)), np.float32)
    costs[place, other] = _paid(once, env, scenario, seeds[lanes[place]]) - paid[lanes[place]]
    wait = costs[:, network.actions.index("WAIT")]  # what a decision costs that does nothing
    costs = np.where(allowed, costs, wait[:, None])
    there, first = np.unique(place, return_index=True)
    weights = (1.0 / (tries * chances[there])).astype(np.float32)
    return Tried(once.seen[first], costs[there], weights, float(paid.mean()))


def _draw(
    live: NDArray[np.bool_], doubt: NDArray[np.float32], tries: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cycles of each world (tries, n) out of those it lives, (cycles, n), and how likely each was."""
    doubts = np.where(live, doubt, 0.0) + 1e-9 * live
    chances = EVEN * live / live.sum(axis=0) + (1.0 - EVEN) * doubts / doubts.sum(axis=0)
    below = chances.cumsum(axis=0)
    at = (rng.random((tries, 1, live.shape[1])) * below[-1] >= below).sum(axis=1)
    return at, np.take_along_axis(chances, at, axis=0)


def _paid(once: _Once, env: str, scenario: Any, seeds: NDArray[np.uint64]) -> NDArray[np.float64]:
    """What each world costs, (n,)."""
    world, found = begun(seeds, scenario, env=env, observe=once.observe), np.zeros(len(seeds))
    for cycle in rollout(once, world):
        found += cycle.costs.sum(axis=0)
    return found


def net_of(network: Learned) -> torch.nn.Sequential:
    """A network in torch, to go on learning."""
    layers: list[torch.nn.Module] = []
    for number in range(network.layers):
        weight, bias = (torch.tensor(network.weights[f"{number}.{part}"]) for part in ("weight", "bias"))
        layer = torch.nn.Linear(*reversed(weight.shape))
        layer.load_state_dict({"weight": weight, "bias": bias})
        layers += [layer, torch.nn.ReLU() if network.card.activation == "relu" else torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def learn(net: torch.nn.Sequential, known: list[Tried], rate: float, pull: float, even: float) -> None:
    """Make decisions that cost less more likely, by a pass over what is known, and stay near what it was.

    The loss is the mean of a decision's cost over the network's odds, plus ``pull`` times how far these are
    from those before (Kullback-Leibler). The dearer an episode is in a scenario, the less it counts, by the
    power ``even``; with 0 the loss is the mean cost.
    """
    seen = torch.from_numpy(np.concatenate([one.seen for one in known]))
    costs = torch.from_numpy(np.concatenate([one.costs for one in known]))
    scaled = [one.weights / np.float32((1.0 + one.paid) ** even) for one in known]
    weights = torch.from_numpy(np.concatenate(scaled))
    weights /= weights.mean()
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-3)
    with torch.no_grad():
        before = torch.cat([torch.log_softmax(net(part.float()), 1) for part in seen.split(1 << 16)])
    for part in torch.randperm(len(seen)).split(BATCH):
        odds = torch.log_softmax(net(seen[part].float()), 1)
        each = costs[part] + pull * (odds - before[part])
        loss = (weights[part] * (odds.exp() * each).sum(1)).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()


def improve(
    config: Improvement,
    out: Path,
    jobs: int = 1,
    tell: Callable[[str], None] = lambda _: None,
    done: Callable[[int, float], None] = lambda round, cost: None,
) -> Learned:
    """Improve a network by what other decisions would have cost; returns that of the last round.

    ``out`` receives manifest.json, and best.safetensors and .json anew after each round.

    Args:
        config: what decides it.
        out: a folder that holds no run.
        jobs: processes that play; the result is the same whatever their number.
        tell: hears what is being done.
        done: hears each round and the mean cost on validation worlds after it; round 0 is before the first.

    Raises:
        ValueError: the folder holds a run.
    """
    torch.set_num_threads(1)
    with unused(out):
        write_text(out / MANIFEST, json.dumps(provenance.manifest(asdict(config)), indent=1) + "\n")
        for turn, (found, cost) in enumerate(_rounds(config, jobs, tell)):
            learned.save(found, out / "best")
            done(turn, cost)
    return learned.read(out / "best")


def _rounds(config: Improvement, jobs: int, tell: Callable[[str], None]) -> Iterator[tuple[Learned, float]]:
    """The network before the first round and after each, with its cost on validation worlds."""
    torch.manual_seed(config.seed)
    pupil, known = config.network(), list[list[Tried]]()
    net, card, envs = net_of(pupil), pupil.card, config.envs
    places = config.places()
    where = ",".join(config.scenarios) or EVERYWHERE
    for turn in range(config.rounds + 1):
        if turn:
            tell(f"round {turn}: playing")
            known = [*known, list(results_of(_work(config, places, pupil, turn), jobs))][-config.keep :]
            tell(f"round {turn}: learning")
            rate = config.rate * (1.0 - (turn - 1) / config.rounds)
            learn(net, list(chain(*known)), rate, config.pull, config.even)
            pupil = as_policy(net, card)
        cost = cost_of(pupil, envs, config.scenarios, config.seed, config.episodes)
        trained = {
            **{"env": ",".join(envs), "scenario": where, "seed": config.seed, "cost": cost},
            "steps": turn * len(places) * config.worlds * config.tries,
            "from": f"{Path(config.policy).stem} {card.sha256[:12]}",
        }
        yield Learned(replace(card, algo=ALGO, sha256="", trained=trained), pupil.weights), cost


def _work(
    config: Improvement, places: list[tuple[str, Any]], pupil: Learned, turn: int
) -> list[tuple[Callable[..., Tried], tuple[Any, ...]]]:
    """What is to be played in a round, in training worlds that no other round and no other place sees."""
    cuts, work = [*range(0, config.worlds, PART), config.worlds], []
    for number, (env, scenario) in enumerate(places):
        own = int(np.random.SeedSequence([config.seed, turn, number]).generate_state(1)[0]) % SEEDS
        seeds = world_seeds("training", own, config.worlds)
        for first, last in pairwise(cuts):
            work.append((tried, (pupil, env, scenario, seeds[first:last], config.tries, own)))
    return work
