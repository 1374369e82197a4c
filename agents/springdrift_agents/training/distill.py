"""Distillation: one network learns to decide as the best policy known for each scenario does.

The network plays, teachers say what they would have decided where it came to, and it is fitted to all that
they have said so far (policy distillation, Rusu et al. 2016; DAgger, Ross et al. 2011). Each teacher knows
its scenario; the network has to tell the scenarios apart by what it sees.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from springdrift import ENV_ID
from springdrift.game.actions import ActionSet
from springdrift.registry import world_spec
from springdrift_agents.evaluation import provenance
from springdrift_agents.evaluation.evaluate import SEEDS, cheapest, evaluate, world_seeds
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.evaluation.scenarios import mixtures
from springdrift_agents.files import write_text
from springdrift_agents.policies import learned
from springdrift_agents.policies.base import Policy, fitted
from springdrift_agents.policies.learned import EVERYWHERE, Card, Learned
from springdrift_agents.policies.registry import policy, rules_of
from springdrift_agents.policies.sb3 import numbers
from springdrift_agents.policies.settings import settings
from springdrift_agents.training.practice import PRACTICE
from springdrift_agents.training.run_folder import MANIFEST, unused

SLOW = "adwin"  # hundreds of times the work of another rule, and nowhere the best: it does not teach
ALGO = "distillation"  # as a card names it
LEADS = (1.0, 0.3, 0.1)  # share of worlds in which the teacher decides, round by round; the last one stays
EPOCHS, LAST_EPOCHS = 6, 12  # passes over all that was said, after each round and after the last
BATCH, RATE = 4096, 2e-3
WEIGHTS = {"INTERVENE": 1.5}  # of a decision beside WAIT's in the loss; what is rare and dear counts double
RARE = 2.0


@dataclass(frozen=True)
class Distillation:
    """What decides a distillation, and nothing else: the same one gives the same policy.

    Raises:
        ValueError: a field out of range, naming it and what is allowed, or kinds of world that do not show
            the same columns and offer the same decisions.
    """

    env: str = ENV_ID  # id of the kind of world, or of several, separated by commas
    scenarios: tuple[str, ...] = ()  # which to learn; all that are no mixtures when empty
    seed: int = 0  # of the network and the worlds
    rounds: int = 6
    worlds: int = 40  # of each scenario in a round
    choosing: int = 256  # of each scenario, on which the teachers are chosen
    stack: int = 6  # observations that the network sees at once
    averages: tuple[float, ...] = (10.0, 40.0)  # and cycles over which moving averages forget
    widths: tuple[int, ...] = (256, 128)  # of the layers between
    episodes: int = 512  # validation worlds

    def __post_init__(self) -> None:
        for name, least in (("rounds", 1), ("worlds", 1), ("choosing", 2), ("episodes", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        world_seeds("training", self.seed, 1)  # refuses a seed out of range
        if not self.widths or min(self.widths) < 1:
            raise ValueError(f"widths must be at least 1 each, and one or more, got {self.widths}")
        first, *others = (world_spec(env).world for env in self.envs)
        for env, other in zip(self.envs[1:], others, strict=True):
            names, shown = first.actions.names, first.observations["monitor"].names
            if (other.actions.names, other.observations["monitor"].names) != (names, shown):
                raise ValueError(f"{env} and {self.envs[0]} differ in their columns or decisions")
        for env in self.envs:
            scenarios_of(env, self.scenarios)
        self.card()  # refuses memories out of range

    @property
    def envs(self) -> tuple[str, ...]:
        """Ids of the kinds of world that are taught."""
        return tuple(self.env.split(","))

    def card(self, **trained: Any) -> Card:
        """What is known of the network, with what else is told of its training."""
        where = ",".join(self.scenarios) or EVERYWHERE
        about = {"env": self.env, "scenario": where, "seed": self.seed, **trained}
        return Card(
            algo=ALGO,
            stack=self.stack,
            averages=self.averages,
            env=self.envs[0],
            actions=world_spec(self.envs[0]).actions.names,
            trained=about,
        )


class Place(NamedTuple):
    """A scenario to learn in, and who teaches there."""

    env: str
    scenario: Any
    teacher: str


def scenarios_of(env: str, chosen: Sequence[str] = ()) -> list[str]:
    """The scenarios of a kind of world that are no mixtures, or those of them that were chosen.

    Raises:
        ValueError: one that is not there, or that is a mixture; says what is allowed.
    """
    allowed = [name for name in world_spec(env).scenarios if name not in mixtures(env)]
    for name in chosen:
        if name not in allowed:
            raise ValueError(f"nobody teaches {name!r} of {env}; allowed: {', '.join(allowed)}")
    return list(chosen) or allowed


def teachers(
    env: str = ENV_ID,
    scenarios: Sequence[str] = (),
    choosing: int = 256,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, str]:
    """The built-in policy that costs least in each scenario that is no mixture, by the scenario's name.

    All rules tuned for the scenario or for a mixture, and all learned policies that ship but distilled
    ones, meet on validation worlds.

    Args:
        env: id of the kind of world.
        scenarios: some of them; all when empty.
        choosing: worlds of each.
        tell: hears each scenario as its turn comes.
    """
    known, seeds = settings(env), world_seeds("validation", 0, choosing)
    shipped = [name for name in learned.shipped() if _can(name, env)]
    found = {}
    for name in scenarios_of(env, scenarios):
        tell(name)
        rules = [
            f"{rule}@{at}"
            for at in (name, *mixtures(env))
            for rule in rules_of(env)
            if rule in known.get(at, {}) and rule != SLOW
        ]
        found[name] = cheapest([*shipped, *rules], name, seeds, env)[0]
    return found


def _can(name: str, env: str) -> bool:
    """Whether a learned policy that ships was trained for a kind of world, and not by a teacher itself."""
    card = learned.read(learned.shipped()[name]).card
    known = str(card.trained.get("env", ENV_ID)).split(",")
    return card.trained.get("scenario") != EVERYWHERE and env in known


def practised(env: str, names: Sequence[str]) -> list[Any]:
    """Scenarios of a kind of world, and after them the harder ones to practise on that there are of these."""
    practice = getattr(PRACTICE.get(env), "members", ())
    return [*names, *(one for one in practice if _plain(one) in names and one not in names)]


def _plain(scenario: Any) -> str:
    """The name of a scenario, or of the one that it is a harder one of."""
    return str(getattr(scenario, "name", scenario)).removesuffix("-harder")


def places_of(env: str, chosen: dict[str, str]) -> list[Place]:
    """Every scenario with its teacher, and the harder ones to practise on, whose teachers are the same."""
    return [Place(env, one, chosen[_plain(one)]) for one in practised(env, list(chosen))]


class _Pair:
    """A pupil and its teacher as one policy: some worlds go as the teacher says, the rest as the pupil does.

    Keeps what the pupil saw last, (n, wide), and what the teacher said, (n,).
    """

    def __init__(self, pupil: Learned, teacher: Policy, allowed: ActionSet, led: NDArray[np.bool_]) -> None:
        self._pupil, self._teacher, self._allowed, self._led = pupil, teacher, allowed, led
        self._fit = fitted(teacher, pupil.columns, allowed.names)
        self.seen: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self.said: NDArray[np.int64] = np.empty(0, np.int64)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[NDArray[np.int64], Any]:
        """Decisions (n,), and the memories of both."""
        mine, its = state or (None, None)
        own, mine = self._pupil.predict(observation, mine, episode_start)
        assert mine is not None
        shown = self._fit.see(observation)
        said, its = self._teacher.predict(shown, state=its, episode_start=episode_start, deterministic=True)
        self.seen, self.said = mine[0], self._fit.act(said, self._allowed, len(observation))
        return np.where(self._led, self.said, own), (mine, its)


def lesson(
    pupil: Learned, place: Place, seeds: NDArray[np.uint64], led: NDArray[np.bool_]
) -> tuple[NDArray[np.float16], NDArray[np.int8]]:
    """What a pupil saw in some worlds, and what the teacher would have decided there.

    Args:
        pupil: who learns.
        place: where, and from whom.
        seeds: of the worlds, (n,).
        led: in which of them the teacher decides, (n,).

    Returns:
        The numbers seen at once, (cycles of all worlds, wide), and the world's numbers of the decisions.
    """
    world = begun(seeds, place.scenario, env=place.env)
    pair = _Pair(pupil, policy(place.teacher, env=place.env), world.actions, led)
    seen, said = [], []
    for cycle in rollout(pair, world):
        seen.append(pair.seen[cycle.live].astype(np.float16))
        said.append(pair.said[cycle.live].astype(np.int8))
    return np.concatenate(seen), np.concatenate(said)


def network_of(config: Distillation) -> torch.nn.Sequential:
    """An untrained network, ReLU between its layers."""
    torch.manual_seed(config.seed)
    card = config.card()
    sizes = (len(card.columns) * card.sees, *config.widths, len(card.actions))
    layers: list[torch.nn.Module] = []
    for into, out in pairwise(sizes):
        layers += [torch.nn.Linear(into, out), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def as_policy(net: torch.nn.Sequential, card: Card) -> Learned:
    """A network as a policy in NumPy."""
    return Learned(card, numbers(one for one in net if isinstance(one, torch.nn.Linear)))


def fit(
    net: torch.nn.Sequential,
    seen: NDArray[np.float16],
    said: NDArray[np.int8],
    names: Sequence[str],
    epochs: int,
) -> None:
    """Teach a network what was said, by cross-entropy and a rate that falls to zero."""
    weights = [WEIGHTS.get(name, 1.0 if name == "WAIT" else RARE) for name in names]
    loss = torch.nn.CrossEntropyLoss(torch.tensor(weights))
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-4)
    batch = min(BATCH, len(seen))
    per_epoch = len(seen) // batch
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=epochs * per_epoch)
    inputs, targets = torch.from_numpy(seen), torch.from_numpy(said)
    for _ in range(epochs):
        order = torch.randperm(len(seen))
        for part in order[: per_epoch * batch].split(batch):
            optimiser.zero_grad()
            loss(net(inputs[part].float()), targets[part].long()).backward()
            optimiser.step()
            falling.step()


def distill(
    config: Distillation,
    out: Path,
    tell: Callable[[str], None] = lambda _: None,
    done: Callable[[int, float], None] = lambda round, cost: None,
) -> Learned:
    """Teach one network what the best policy known for each scenario decides; returns that of the last round.

    ``out`` receives manifest.json, with the teachers, and best.safetensors and .json.

    Args:
        config: what decides it.
        out: a folder that holds no run.
        tell: hears what is being done.
        done: hears each round and the mean cost on validation worlds after it.

    Raises:
        ValueError: the folder holds a run.
    """
    torch.set_num_threads(1)
    with unused(out):
        chosen = {
            env: teachers(env, config.scenarios, config.choosing, lambda name: tell(f"choosing: {name}"))
            for env in config.envs
        }
        manifest = provenance.manifest(asdict(config)) | {"teachers": chosen}
        places = [place for env in config.envs for place in places_of(env, chosen[env])]
        found = _distill(config, places, tell, done)
        learned.save(found, out / "best")
        write_text(out / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return learned.read(out / "best")


def _distill(
    config: Distillation, places: list[Place], tell: Callable[[str], None], done: Callable[[int, float], None]
) -> Learned:
    net, rng = network_of(config), np.random.default_rng(config.seed)
    names = world_spec(config.envs[0]).actions.names
    seen, said = list[NDArray[np.float16]](), list[NDArray[np.int8]]()
    pupil = as_policy(net, config.card())
    for turn in range(config.rounds):
        for number, place in enumerate(places):
            tell(f"round {turn + 1}: {getattr(place.scenario, 'name', place.scenario)}")
            seeds = _seeds(config, turn, number)
            led = rng.random(config.worlds) < LEADS[min(turn, len(LEADS) - 1)]
            rows, decisions = lesson(pupil, place, seeds, led)
            seen.append(rows)
            said.append(decisions)
        tell(f"round {turn + 1}: learning")
        last = turn == config.rounds - 1
        fit(net, np.concatenate(seen), np.concatenate(said), names, LAST_EPOCHS if last else EPOCHS)
        pupil = as_policy(net, config.card())
        cost = cost_of(pupil, config.envs, config.scenarios, config.seed, config.episodes)
        done(turn + 1, cost)
    cycles = sum(len(one) for one in said)
    return Learned(config.card(steps=cycles, cost=cost), pupil.weights)


def _seeds(config: Distillation, turn: int, number: int) -> NDArray[np.uint64]:
    """Training worlds that no other round and no other place sees."""
    own = int(np.random.SeedSequence([config.seed, turn, number]).generate_state(1)[0]) % SEEDS
    return world_seeds("training", own, config.worlds)


def cost_of(
    network: Policy, envs: Sequence[str], scenarios: Sequence[str], seed: int, episodes: int
) -> float:
    """What a policy pays on validation worlds: in some scenarios, or in the widest mixture of each kind."""
    seeds = world_seeds("validation", seed, episodes)
    costs = [
        evaluate(network, name, seeds, env=env).cost.mean()
        for env in envs
        for name in (scenarios or mixtures(env)[-1:])
    ]
    return float(np.mean(costs))
