"""``springdrift/Upkeep-v0``: the question in 36 states, with every probability in the open.

A world small enough to solve exactly, counted from the big one: ``springdrift/InclinedMass-v0`` was run in
its ``abrupt`` scenario under exploratory decisions, its truth was cut into levels, and the transitions were
counted. The counts lie in ``upkeep.json`` with the command that finds them anew.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from springdrift.game.actions import THREE_ACTIONS, Action
from springdrift.game.arguments import reset_options
from springdrift.game.info import Info
from springdrift.game.seeds import check_seed
from springdrift.incline.reward import TERMS, Costs
from springdrift.render.levels import LevelsView

STALE = 0.5  # rms forecast error, of the target's rms, from which on a model is stale
MIXED = 5  # cycles after a change for which a window holds too much of the old world
OFF, FAR = 0.3, 0.6  # of the target amplitude: deviation of the swing
LATENCY = 3  # cycles from the request of a retraining to its deployment
CYCLES = 200  # the deadline

STALENESS = ("fresh", "mixed", "stale")
SWING = ("on", "off", "far")
TRAINING = ("idle", "2 left", "1 left", "new")
LEVELS = {"staleness": STALENESS, "swing": SWING, "training": TRAINING}
SHAPE = (len(STALENESS), len(SWING), len(TRAINING))
STATES = len(STALENESS) * len(SWING) * len(TRAINING)
IN_TRAINING = (TRAINING.index("2 left"), TRAINING.index("1 left"))

DATA = Path(__file__).with_name("upkeep.json")
Transitions = dict[int, dict[int, list[tuple[float, int, float, bool]]]]


class State(NamedTuple):
    """A state by the names of its levels.

    ``staleness``: "fresh" while the forecast error is below 0.5 of the target's rms; "mixed" when the world
    has just changed, so that the window a model is fitted on still holds the old world (with a model in
    training, or new: the window that *it* was fitted on); else "stale".

    ``swing``: "on" within 30 % of the target amplitude, "off" within 60 %, else "far".

    ``training``: "idle"; "2 left" or "1 left" cycles until the model in training is deployed; "new" when it
    was deployed just now, so that nobody has seen a forecast of it.
    """

    staleness: str
    swing: str
    training: str


def encode(staleness: str, swing: str, training: str) -> int:
    """Number of a state, 0 to 35.

    Raises:
        ValueError: an unknown level, and what is allowed.

    >>> encode("stale", "far", "idle")
    32
    >>> encode("old", "far", "idle")
    Traceback (most recent call last):
    ValueError: unknown staleness 'old'; allowed: fresh, mixed, stale
    """
    number = 0
    for (name, levels), level in zip(LEVELS.items(), (staleness, swing, training), strict=True):
        if level not in levels:
            raise ValueError(f"unknown {name} {level!r}; allowed: {', '.join(levels)}")
        number = number * len(levels) + levels.index(level)
    return number


def decode(state: int) -> State:
    """The levels of a state's number.

    Raises:
        ValueError: not a state.

    >>> decode(32)
    State(staleness='stale', swing='far', training='idle')
    """
    if not isinstance(state, (int, np.integer)) or not 0 <= state < STATES:
        raise ValueError(f"state must be a whole number from 0 to {STATES - 1}, got {state!r}")
    places = np.unravel_index(state, SHAPE)
    return State(*(levels[place] for levels, place in zip(LEVELS.values(), places, strict=True)))


def training_of(state: Any) -> Any:
    """Place of a state's training level in ``TRAINING``; of many states, an array of places."""
    return state % len(TRAINING)


def grid(policy: ArrayLike) -> str:
    """A policy (36,) as text: a row for each staleness and swing, a column for each stage of training.

    Raises:
        ValueError: not one of the three actions for each state.

    >>> print(grid(np.zeros(36, int)))
    staleness  swing  idle       2 left     1 left     new
    fresh      on     wait       wait       wait       wait
               off    wait       wait       wait       wait
               far    wait       wait       wait       wait
    mixed      on     wait       wait       wait       wait
               off    wait       wait       wait       wait
               far    wait       wait       wait       wait
    stale      on     wait       wait       wait       wait
               off    wait       wait       wait       wait
               far    wait       wait       wait       wait
    """
    table = np.asarray(policy)
    if table.shape != (STATES,) or not np.isin(table, range(THREE_ACTIONS.n)).all():
        raise ValueError(
            f"a policy of Upkeep holds {STATES} actions, one a state, each from 0 to {THREE_ACTIONS.n - 1}; "
            f"got shape {table.shape}"
        )
    lines = [_line("staleness", "swing", TRAINING)]
    for i, staleness in enumerate(STALENESS):
        for j, swing in enumerate(SWING):
            actions = table.reshape(SHAPE)[i, j]
            words = tuple(Action(int(action)).name.lower() for action in actions)
            lines.append(_line("" if j else staleness, swing, words))
    return "\n".join(lines)


def _line(first: str, second: str, rest: tuple[str, ...]) -> str:
    return (f"{first:<11}{second:<7}" + "".join(f"{word:<11}" for word in rest)).rstrip()


class Counts(NamedTuple):
    """What was counted in the big world."""

    transitions: NDArray[np.int64]  # (36, 3, 36): from a state, by an action, to a state
    starts: NDArray[np.int64]  # (36,) episodes that began in a state
    forecast: NDArray[np.float64]  # (36,) mean cost of arriving in a state, at a price of 1
    swing: NDArray[np.float64]  # (36,) the same


@cache
def counts() -> Counts:
    """The counts that ship."""
    kept = json.loads(DATA.read_text())
    transitions = np.zeros((STATES, THREE_ACTIONS.n, STATES), np.int64)
    for state, action, following, times in kept["transitions"]:
        transitions[state, action, following] = times
    return Counts(transitions, np.array(kept["starts"]), np.array(kept["forecast"]), np.array(kept["swing"]))


def check_caps(costs: Costs) -> None:
    """Raises ValueError where a cap is another than that under which the costs were counted."""
    usual = Costs()
    for cap in ("forecast_cap", "swing_cap"):
        if getattr(costs, cap) != getattr(usual, cap):
            raise ValueError(
                f"costs.{cap} cannot differ from {getattr(usual, cap)} in Upkeep: it was counted so"
            )


def terms_of(known: Counts, costs: Costs, state: int, action: int, following: int) -> dict[str, float]:
    """What a step costs, by term: the mean of the state it arrives in, and the action's fee."""
    paid = action == Action.RETRAIN and training_of(state) not in IN_TRAINING
    values = (
        costs.forecast * float(known.forecast[following]),
        costs.swing * float(known.swing[following]),
        costs.intervene * (action == Action.INTERVENE),
        costs.retrain * paid,
    )
    return dict(zip(TERMS, values, strict=True))


def transitions(known: Counts, costs: Costs) -> Transitions:
    """The table ``P`` of counts at given prices.

    Raises:
        ValueError: an action was never tried in some state.
    """
    untried = np.argwhere(known.transitions.sum(axis=2) == 0)
    if len(untried):
        state, action = map(int, untried[0])
        raise ValueError(f"{Action(action).name} was never tried in {decode(state)}: count in more worlds")
    table: Transitions = {}
    for state in range(STATES):
        table[state] = {}
        for action in range(THREE_ACTIONS.n):
            row = known.transitions[state, action]
            table[state][int(action)] = [
                (times / row.sum(), int(j), -sum(terms_of(known, costs, state, action, j).values()), False)
                for j, times in enumerate(row.tolist())
                if times
            ]
    return table


class UpkeepEnv(gym.Env[Any, Any]):
    """Wait, intervene or retrain, in 36 states and with ``P`` in the open.

    One step is one cycle. ``P[state][action]`` lists ``(probability, next state, reward, terminated)`` as
    Gymnasium's toy-text worlds do; nothing terminates, and the deadline of 200 cycles truncates. The reward
    is minus the cost: what arriving in the next state costs on average in the big world, and the fee of the
    action. As there, RETRAIN with a model in training does what WAIT does, at no fee.

    Attributes:
        P: the transitions.
        initial_state_distrib: probability of each state at reset, (36,).
        s: the state.

    Args:
        costs: prices, a ``Costs`` or a mapping of some of its fields; the caps cannot be changed, as they
            are part of what was counted.
        render_mode: None, "rgb_array" or "ansi".
        info: "nested", "flat" or "none", as :class:`~springdrift.game.info.Info` lays it out.

    Raises:
        ValueError: an option out of range, naming it and what is allowed.

    >>> env = UpkeepEnv()
    >>> state, info = env.reset(seed=1, options={"state": env.encode("stale", "on", "idle")})
    >>> state, reward, *_ = env.step(Action.RETRAIN)
    >>> env.decode(state).training, env.action_masks().tolist()
    ('2 left', [True, True, False])
    """

    metadata = {"render_modes": ["rgb_array", "ansi"], "render_fps": 4}  # noqa: RUF012 (gymnasium declares it so)
    encode = staticmethod(encode)
    decode = staticmethod(decode)

    def __init__(
        self,
        costs: Costs | Mapping[str, float] | None = None,
        render_mode: str | None = None,
        info: str = "nested",
    ) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"unknown render_mode {render_mode!r}; allowed: None, {', '.join(modes)}")
        self.costs = Costs.of(costs)
        check_caps(self.costs)
        self.render_mode, self._lay_out = render_mode, Info(info, TERMS, ())
        self.observation_space = spaces.Discrete(STATES)
        self.action_space = spaces.Discrete(THREE_ACTIONS.n)
        known = counts()
        self.initial_state_distrib = known.starts / known.starts.sum()
        self.P = transitions(known, self.costs)
        self.s = -1
        self._last = ""
        self._view: LevelsView | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_view": None}  # a picture cannot be pickled

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Start an episode; the reset option ``state`` says where, by its number.

        Raises:
            ValueError: a bad seed, an unknown option, or a state that does not exist.
        """
        options = reset_options(options, ("state",))
        if seed is not None:
            check_seed(seed)
        super().reset(seed=seed)
        if "state" in options:
            self.s = encode(*decode(options["state"]))
        else:
            self.s = int(self.np_random.choice(STATES, p=self.initial_state_distrib))
        self._last = ""
        return self.s, self._info(1.0, dict.fromkeys(TERMS, 0.0))

    def _info(self, probability: float, terms: dict[str, float]) -> dict[str, Any]:
        if self._lay_out.form == "nested":
            return {"prob": probability, "terms": terms}
        told = self._lay_out.of([np.float64(value) for value in terms.values()], ())
        return {"prob": np.float64(probability), **told} if told else {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """One cycle; ``info`` holds the transition's probability and the cost by term.

        Raises:
            ValueError: an action that is not one of the three.
            RuntimeError: no episode was started.
        """
        if self.s < 0:
            raise RuntimeError("no episode was started: call reset() before step()")
        chosen = THREE_ACTIONS.check(action)
        outcomes = self.P[self.s][chosen]
        place = int(self.np_random.choice(len(outcomes), p=[outcome[0] for outcome in outcomes]))
        probability, following, reward, terminated = outcomes[place]
        terms = terms_of(counts(), self.costs, self.s, chosen, following)
        self.s = following
        self._last = f"; {Action(chosen).name} cost {-reward:.2f}"
        return following, reward, terminated, False, self._info(probability, terms)

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, shape (3,): no RETRAIN with a model in training."""
        masks = np.ones(THREE_ACTIONS.n, np.bool_)
        masks[Action.RETRAIN] = training_of(self.s) not in IN_TRAINING
        return masks

    def render(self) -> str | NDArray[np.uint8] | None:
        """The state: in words with ``render_mode="ansi"``, as pixels (304, 480, 3) with "rgb_array".

        Raises:
            ImportError: pixels without pygame-ce; says what to install.
            RuntimeError: no episode was started.
        """
        if self.render_mode is None:
            gym.logger.warn("render() was called without a render_mode: pass one to gym.make()")
            return None
        if self.s < 0:
            raise RuntimeError("there is nothing to show before the first reset()")
        here = decode(self.s)
        if self.render_mode == "rgb_array":
            if self._view is None:
                self._view = LevelsView()
            return self._view.array("Upkeep", LEVELS, here._asdict(), self._last.lstrip("; "))
        return f"model {here.staleness}, swing {here.swing}, training {here.training}{self._last}"
