"""One moment of an episode, as plain numbers: all that a picture of it may know."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """A snapshot; it holds no env, and nothing that happens later changes it.

    Positions are metres down the slope from the spring's rest, forces newtons, times cycles. Histories run
    from cycle ``since`` up to this moment, ``c`` being the cycles that are known: an episode that was
    entered in its middle, from a saved state, has no earlier ones.
    """

    scenario: str  # as announced
    drawn: str  # what a mixture drew for this episode
    cycles: int  # the deadline
    time: float  # cycles since the start of the episode
    since: int  # the cycle in which the histories begin
    x: float  # the mass
    ghost: float  # where the deployed model forecasts it to be
    push: float  # asked of the magnet: positive is down the slope
    by_operator: bool  # pushed by hand
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
    measurements: int  # in a cycle
    times: NDArray[np.float64]  # (m,) of the last of them
    measured: NDArray[np.float64]  # (m,)
    forecast: NDArray[np.float64]  # (m,) what was forecast for them
    errors: NDArray[np.float64]  # (c,) moving average of the rms forecast error, of the target's rms
    swings: NDArray[np.float64]  # (c,) measured amplitude, m
    terms: tuple[str, ...]  # names of the cost terms
    costs: NDArray[np.float64]  # (c, terms) cost of each cycle by term
    decisions: NDArray[np.int64]  # (n,) actions, that of the cycle under way included
    training: float  # cycles until the model in training can ship; nan when none is in flight
    version: int  # deployments since commissioning
    model_age: float  # cycles since deployment
    deployed: tuple[int, ...]  # cycles at whose start a new model went live
    changed: tuple[int, ...]  # cycles in which the world changed abruptly or began to drift
    policy: str = ""  # whose decisions these are
    threshold: float | None = None  # error at which that policy retrains
    rival: str = ""  # another who plays the same world
    rival_cost: float = 0.0  # what that one has paid by now
