"""One moment of an episode, as plain numbers: all that a picture of it may know."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Service(NamedTuple):
    """A stretch of time in which one version of the model served."""

    number: int  # of the version
    since: int  # cycle at whose start it went live
    tuned: bool  # a fine-tuned one
    back: bool  # it was put back by a rollback


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A snapshot of any world; it holds no env, and nothing that happens later changes it.

    Times are cycles. Histories run from cycle ``since`` up to this moment, ``c`` being the cycles that are
    known: an episode that was entered in its middle, from a saved state, has no earlier ones.
    """

    scenario: str  # as announced
    drawn: str  # what a mixture drew for this episode
    cycles: int  # the deadline
    time: float  # cycles since the start of the episode
    since: int  # the cycle in which the histories begin
    by_operator: bool  # an intervention is under way
    measurements: int  # in a cycle
    times: NDArray[np.float64]  # (m,) of the last of them
    measured: NDArray[np.float64]  # (m,)
    forecast: NDArray[np.float64]  # (m,) what was forecast for them
    errors: NDArray[np.float64]  # (c,) moving average of the rms forecast error
    terms: tuple[str, ...]  # names of the cost terms
    costs: NDArray[np.float64]  # (c, terms) cost of each cycle by term
    decisions: NDArray[np.int64]  # (n,) actions, that of the cycle under way included
    training: float  # cycles until the model in training can ship; nan when none is in flight
    version: int  # deployments since commissioning
    model_age: float  # cycles since deployment
    deployed: tuple[int, ...]  # cycles at whose start a new model went live
    changed: tuple[int, ...]  # cycles in which the world changed abruptly or began to drift
    services: tuple[Service, ...] = ()  # oldest first, where versions can be rolled back
    policy: str = ""  # whose decisions these are
    threshold: float | None = None  # error at which that policy retrains
    rival: str = ""  # another who plays the same world
    rival_cost: float = 0.0  # what that one has paid by now


@dataclass(frozen=True, kw_only=True)
class MachineFrame(Frame):
    """A moment of the inclined mass. Positions are metres down the slope from the spring's rest, forces
    newtons; errors are of the target's rms.
    """

    x: float  # the mass
    ghost: float  # where the deployed model forecasts it to be
    push: float  # asked of the magnet: positive is down the slope
    strongest: float  # the operator's strongest push
    level: float  # the middle of the swing, as measured at commissioning
    target: float  # amplitude that the machine should keep
    bumpers: tuple[float, float]  # between which the mass can move
    new_stiffness: float  # of a machine that nothing has happened to, N/m
    new_friction: float
    tilt: float  # rad
    stiffness: float  # N/m
    friction: float
    magnet: float  # newtons of force for each newton asked
    drive: float  # amplitude of the unseen force, N
    cubic: float  # hardening of the spring, N/m^3
    damping: float  # N s/m
    driver_key: int  # row of the hidden driver table
    swings: NDArray[np.float64]  # (c,) measured amplitude, m


class Version(NamedTuple):
    """A model of the series world: the cycles it was in service, and those it was fitted on."""

    deployed: int  # cycle at whose start it went live
    replaced: float  # cycle at whose start the next one did, or now
    fitted: tuple[int, int]  # first cycle that its fit saw, and the one after its last


@dataclass(frozen=True, kw_only=True)
class SeriesFrame(Frame):
    """A moment of a forecast in service. Values are in the series' own unit, errors in the dashboard's.

    ``measured`` is nan where a measurement is not known yet; ``P`` is ``measurements``.
    """

    unit: str  # of the series; empty where it has none
    baseline: NDArray[np.float64]  # (m,) what the safe baseline said, as ``forecast``
    overrode: NDArray[np.bool_]  # (m,) the baseline was served
    true: NDArray[np.float64]  # (m,) what really happened
    ahead: NDArray[np.float64]  # (P,) forecast of the cycle under way, or of the coming one
    baseline_ahead: NDArray[np.float64]  # (P,) the same of the baseline
    shortfall: NDArray[np.float64]  # (c,) how far the model fell short of the baseline, 0 to 1
    versions: tuple[Version, ...]  # oldest first; the last is in service
    candidate: tuple[int, int] | None  # cycles that the fit in training saw
    hidden: tuple[tuple[str, str], ...]  # facts that no operator can see, by name


class History:
    """A row of numbers that only grows; what was handed out of it stays as it is."""

    def __init__(self, shape: tuple[int, ...], dtype: type = np.float64) -> None:
        self._held: NDArray[Any] = np.empty((64, *shape), dtype)
        self._count = 0

    def extend(self, values: Any) -> None:
        """Put some more behind the last."""
        count = self._count + len(values)
        if count > len(self._held):
            grown = np.empty((2 * count, *self._held.shape[1:]), self._held.dtype)
            grown[: self._count] = self._held[: self._count]
            self._held = grown
        self._held[self._count : count] = values
        self._count = count

    def first(self, count: int) -> NDArray[Any]:
        """The first ``count``, to read."""
        found = self._held[:count]
        found.flags.writeable = False
        return found
