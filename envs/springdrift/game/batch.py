"""A batch of worlds in NumPy: what most worlds have in common, so that one of your own is a page of code.

Subclass :class:`NumpyWorld` and say what a world carries from cycle to cycle, how an episode starts, what a
cycle does, and what can be seen of it. Storage, seeds, scenarios, deadlines, states and the observation table
are done here. Draws come from named streams: a pure function of (seed, episode, stream, cycle), so that no
decision shifts them and a batch draws what each of its worlds would draw alone.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game import arguments
from springdrift.game.actions import THREE_ACTIONS, Action, ActionSet
from springdrift.game.costs import Prices
from springdrift.game.observation import DASHBOARD, Table
from springdrift.game.world import Outputs

PARITY = 0x1BD11BDA  # of Threefry's third key word
TURNS = (13, 15, 26, 6, 17, 29, 16, 24)  # bits, of its rounds
WORD = np.uint64(0xFFFFFFFF)


def threefry(key0: Any, key1: Any, counter0: Any, counter1: Any) -> tuple[Any, Any]:
    """Two words of 32 bits from a key and a counter of two each, all uint64 arrays; as
    :func:`springdrift.game.streams.threefry`, for arrays."""
    keys = (key0, key1, np.uint64(PARITY) ^ key0 ^ key1)
    a, b = counter0 + key0 & WORD, counter1 + key1 & WORD
    for turn in range(13):
        bits = np.uint64(TURNS[turn % 8])
        a = a + b & WORD
        b = ((b << bits | b >> np.uint64(32) - bits) & WORD) ^ a
        if turn % 4 == 3:
            after = turn // 4 + 1
            a = a + keys[after % 3] & WORD
            b = b + keys[(after + 1) % 3] + np.uint64(after) & WORD
    return a, b


class BatchState(NamedTuple):
    """All that decides the future of a batch in NumPy, as copies."""

    fields: dict[str, NDArray[Any]]
    origin: Any


class NumpyWorld:
    """``count`` worlds in NumPy arrays, one entry a world.

    A subclass sets the class attributes below and defines ``start``, ``cycle``, ``senses``, ``charges`` and
    ``hidden``. Every field is an array (count,) and an attribute of the batch; ``clock`` (cycles done) and
    ``deadline`` are fields of every world.

    Args:
        count: number of worlds.
        scenario: a name from ``scenarios`` or one of its values; they need ``name`` and ``cycles``.
        costs: prices, as ``prices.of`` takes them.
        observe: a name from ``observations``.
        cycles: deadline in cycles; None leaves it to the scenario.
        latency: cycles from the request of a retraining to its deployment.

    Raises:
        ValueError: an option out of range, naming it and what is allowed.
    """

    scenarios: ClassVar[dict[str, Any]]
    prices: ClassVar[type[Prices]]
    terms: ClassVar[tuple[str, ...]]
    truth_names: ClassVar[tuple[str, ...]]
    version_names: ClassVar[tuple[str, ...]] = ()
    exogenous: ClassVar[tuple[str, ...]] = ()
    observations: ClassVar[Mapping[str, Table]] = {"monitor": DASHBOARD}
    actions: ClassVar[ActionSet] = THREE_ACTIONS
    fields: ClassVar[Mapping[str, float]] = {}  # what a world carries: name, and value as an episode starts
    trained: ClassVar[str] = ""  # field above 0 while a model is in training: RETRAIN is masked then

    clock: NDArray[np.float64]
    deadline: NDArray[np.float64]
    chosen: NDArray[np.float64]  # row of the episode's scenario

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The fields are attributes."""

        def __setattr__(self, name: str, value: Any) -> None:
            """Of any name."""

    # ------------------------------------------------------------ what a subclass says

    def start(self, lanes: NDArray[np.intp]) -> None:
        """Start an episode in some lanes; fields hold their first values already."""

    def cycle(self, actions: NDArray[np.int64]) -> None:
        """Move every lane by one cycle, actions (count,); ``clock`` still counts the cycles before it."""
        raise NotImplementedError

    def senses(self) -> Mapping[str, NDArray[Any]]:
        """Columns of the observation by name, (count,) each; those left out are 0."""
        raise NotImplementedError

    def charges(self, actions: NDArray[np.int64]) -> Mapping[str, Any]:
        """Costs of the cycle by term, (count,) each or a number."""
        raise NotImplementedError

    def hidden(self) -> Mapping[str, NDArray[Any]]:
        """The truth by name, (count,) each."""
        raise NotImplementedError

    def uniform(self, stream: int, lanes: Any = slice(None)) -> NDArray[np.float64]:
        """A draw from [0, 1) for each lane: the same for the same seed, episode, stream and cycle."""
        cycle = self.clock[lanes].astype(np.int64).astype(np.uint64) & WORD
        word, _ = threefry(self._key0[lanes], self._key1[lanes], cycle, np.uint64(stream << 16))
        return word / 2.0**32

    # ------------------------------------------------------------ what every world does

    def __init__(
        self,
        count: int,
        scenario: Any = None,
        costs: Any = None,
        observe: str = "monitor",
        cycles: int | None = None,
        latency: int = 3,
    ) -> None:
        self.count = arguments.whole("num_envs", count, 1, 2**24)
        self.names = tuple(self.scenarios)
        self.own = 0 if scenario is None else self.row(scenario)
        self.scenario = tuple(self.scenarios.values())[self.own]
        self.costs: Any = self.prices.of(costs)
        if not isinstance(observe, str) or observe not in self.observations:
            raise ValueError(f"unknown observe {observe!r}; allowed: {', '.join(self.observations)}")
        self.observe, self.observation = observe, self.observations[observe]
        self.cycles = None if cycles is None else arguments.whole("cycles", cycles, 1, arguments.MOST)
        self.latency = arguments.whole("latency", latency, 1, 1000)
        self.origin = (type(self).__name__, self.count, self.scenario, self.cycles, self.latency)
        self.starts = np.full(self.count, self.own, np.int64)
        self._seed, self._episode, self._key0, self._key1 = (
            np.zeros(self.count, np.uint64) for _ in range(4)
        )
        self._kept = ("clock", "deadline", "chosen", *self.fields)
        for name in self._kept:
            setattr(self, name, np.zeros(self.count))
        self.allocate()

    def row(self, scenario: Any) -> int:
        """Row of a scenario, by its name or itself; raises ValueError where there is none."""
        if isinstance(scenario, str) and scenario in self.names:
            return self.names.index(scenario)
        known = list(self.scenarios.values())
        if not isinstance(scenario, str) and scenario in known:
            return known.index(scenario)
        hint = arguments.did_you_mean(scenario, self.names)
        raise ValueError(f"unknown scenario {scenario!r}{hint} Allowed: {', '.join(self.names)}")

    def allocate(self) -> None:
        """Fresh output arrays, so that those handed out before stay as they are."""
        n = self.count
        self.out = Outputs(
            np.zeros((n, len(self.observation)), np.float32),
            np.zeros((len(self.terms), n)),
            np.zeros(n),
            np.zeros(n, np.bool_),
            np.zeros((len(self.truth_names), n), np.float32),
        )

    def seed(self, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
        """Give some worlds their seeds; their next episode is number 0."""
        self._seed[lanes], self._episode[lanes] = seeds, 0

    def begin(self, mask: NDArray[np.bool_]) -> None:
        """Start the next episode of the worlds in ``mask``; what they show and hide goes to ``out``."""
        lanes = np.flatnonzero(mask)
        seeds = self._seed[lanes]
        self._key0[lanes], self._key1[lanes] = threefry(
            seeds & WORD, seeds >> np.uint64(32), self._episode[lanes] & WORD, np.uint64(0)
        )
        self._episode[lanes] += np.uint64(1)
        for name, first in self.fields.items():
            getattr(self, name)[lanes] = first
        rows = self.starts[lanes]
        deadlines = np.array([one.cycles for one in self.scenarios.values()], np.float64)
        self.clock[lanes], self.chosen[lanes] = -1.0, rows  # the draws of a start are those of cycle -1
        self.deadline[lanes] = deadlines[rows] if self.cycles is None else self.cycles
        self.start(lanes)
        self.clock[lanes] = 0.0
        self._show(lanes)
        self.out.costs[:, lanes] = 0.0

    def show(self, mask: NDArray[np.bool_]) -> None:
        """Put obs and truth of the worlds in ``mask`` (count,) into ``out`` as they were reported last."""
        self._show(np.flatnonzero(mask))

    def _show(self, lanes: Any) -> None:
        senses, hidden = self.senses(), self.hidden()
        for column, sense in enumerate(self.observation):
            if sense.name in senses:
                self.out.obs[lanes, column] = np.broadcast_to(senses[sense.name], self.count)[lanes]
        for place, name in enumerate(self.truth_names):
            self.out.truth[place, lanes] = np.broadcast_to(hidden[name], self.count)[lanes]

    def fill_idle(self) -> None:
        """Nothing is stored beside the worlds."""

    def advance(self, actions: NDArray[np.int64]) -> int:
        """One cycle of every world, actions (count,); results are in ``out``. Returns how many ended."""
        self.cycle(actions)
        charges = self.charges(actions)
        for place, term in enumerate(self.terms):
            self.out.costs[place] = charges.get(term, 0.0)
        self.out.reward[:] = -self.out.costs.sum(axis=0)
        self.clock += 1.0
        self.out.over[:] = self.clock >= self.deadline
        self._show(slice(None))
        return int(self.out.over.sum())

    def ended(self) -> NDArray[np.bool_]:
        """Which worlds stand at the end of their episode, or were never begun, (count,)."""
        past: NDArray[np.bool_] = self.clock >= self.deadline
        return past

    def masks(self) -> NDArray[np.bool_]:
        """Which actions would do something, (count, actions): no RETRAIN while a model is in training."""
        masks = np.ones((self.count, self.actions.n), np.bool_)
        if self.trained:
            masks[:, Action.RETRAIN] = getattr(self, self.trained) <= 0.0
        return masks

    def _everything(self) -> dict[str, NDArray[Any]]:
        return {name: getattr(self, name) for name in (*self._kept, "_seed", "_episode", "_key0", "_key1")}

    def get_state(self) -> BatchState:
        """Copy of everything that decides the future."""
        return BatchState({name: part.copy() for name, part in self._everything().items()}, self.origin)

    def set_state(self, state: Any) -> None:
        """Go back to a state from :meth:`get_state` of a world with the same options, prices aside.

        Raises:
            ValueError: no state, or one that does not fit; nothing has changed then.
        """
        if not isinstance(state, BatchState):
            raise ValueError(f"expected a state from get_state(), got {type(state).__name__}")
        if state.origin != self.origin:
            raise ValueError(f"this state is from {state.origin}, and this is {self.origin}")
        own = self._everything()
        for name, part in own.items():
            given = np.asarray(state.fields.get(name))
            fits = (given.shape, given.dtype) == (part.shape, part.dtype)
            if not fits or not np.isfinite(given).all():
                raise ValueError(f"a state's {name} must be {part.shape} finite numbers of type {part.dtype}")
        if not np.isin(state.fields["chosen"], range(len(self.names))).all():
            raise ValueError(f"a state names scenarios that do not exist; there are {len(self.names)}")
        for name, part in own.items():
            part[:] = state.fields[name]
