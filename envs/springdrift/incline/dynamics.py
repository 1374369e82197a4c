"""The inclined mass: pure motion, no agent.

``m x'' = m g sin(tilt) - k x - k3 x^3 - c x' - mu m g cos(tilt) sgn(x') + B u(t) + D sin(w t + phase)``

with x in metres down the slope from the spring's rest. One substep is a symplectic leapfrog (drift,
kick, drift) in which Coulomb friction is a projection: it takes at most ``mu g cos(tilt) h`` from the
speed and never turns it round, so sticking is exact and needs no smoothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.arguments import MOST, finite, is_number, whole
from springdrift.game.jit import allocating, inlined

GRAVITY = 9.81  # m/s^2
BUMPERS = (-1.0, 2.0)  # m, where the inelastic end stops stand


@dataclass(frozen=True)
class Params:
    """The machine's physical parameters, SI units.

    >>> round(Params().equilibrium, 4)  # the static stretch m g sin(tilt) / k, in metres
    0.497
    """

    mass: float = 1.0  # kg
    tilt: float = np.pi / 6  # rad, angle of the incline
    stiffness: float = np.pi**2  # N/m, so that the period is 2 s
    cubic: float = 0.0  # N/m^3, hardening of the spring
    damping: float = 0.0  # N s/m
    friction: float = 0.005  # Coulomb coefficient
    magnet: float = 1.0  # newtons of force per newton asked of the electromagnet
    drive: float = 0.0  # N, amplitude of the unseen periodic force
    drive_omega: float = 1.0  # rad/s
    drive_phase: float = 0.0  # rad
    gravity: float = GRAVITY  # m/s^2
    bumper_low: float = BUMPERS[0]  # m
    bumper_high: float = BUMPERS[1]  # m

    def __post_init__(self) -> None:
        for field in fields(self):
            value, name = getattr(self, field.name), f"Params.{field.name}"
            if not field.name.startswith("bumper"):
                finite(name, value)
            elif not is_number(value) or np.isnan(value):  # an infinite one is none
                raise ValueError(f"{name} must be a number, got {value!r}")
        if self.mass <= 0:
            raise ValueError(f"Params.mass must be above 0 kg, got {self.mass}")
        for name in ("friction", "damping"):
            if getattr(self, name) < 0:
                raise ValueError(f"Params.{name} must not be negative, got {getattr(self, name)}")
        if abs(self.tilt) > np.pi / 2:
            raise ValueError(f"Params.tilt must lie within [-pi/2, pi/2] rad, got {self.tilt}")
        if self.bumper_low >= self.bumper_high:
            raise ValueError(
                f"Params.bumper_low must lie below bumper_high, got {self.bumper_low} and {self.bumper_high}"
            )

    @property
    def equilibrium(self) -> float:
        """Static stretch of the linear spring, metres; nan without a spring."""
        k = self.stiffness
        return float(self.mass * self.gravity * np.sin(self.tilt) / k) if k else float("nan")


@inlined
def lesser(a: Any, b: Any) -> Any:
    return a if a < b else b


@inlined
def greater(a: Any, b: Any) -> Any:
    return a if a > b else b


@inlined
def clamp(value: Any, low: Any, high: Any) -> Any:
    return lesser(greater(value, low), high)


_SIN = [np.float32((-1) ** n / math.factorial(2 * n + 1)) for n in range(7)]
_COS = [np.float32((-1) ** n / math.factorial(2 * n)) for n in range(8)]
_S0, _S1, _S2, _S3, _S4, _S5, _S6 = _SIN
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7 = _COS


@inlined
def sin_cos(angle: Any) -> Any:
    """Sine and cosine of a float32, |angle| <= pi/2, by Taylor's series; no library call: it vectorises."""
    z = angle * angle
    sine = angle * (_S0 + z * (_S1 + z * (_S2 + z * (_S3 + z * (_S4 + z * (_S5 + z * _S6))))))
    return sine, _C0 + z * (_C1 + z * (_C2 + z * (_C3 + z * (_C4 + z * (_C5 + z * (_C6 + z * _C7))))))


@inlined
def substep(x: Any, v: Any, push: Any, k: Any, k3: Any, keep: Any, grip: Any, half: Any) -> Any:
    """Advance (x, v) by one substep h, with what each force adds to the speed in it.

    ``push`` (m/s) gathers gravity, magnet and drive, ``k`` (1/s) and ``k3`` (1/(s m^2)) are the spring's,
    and ``grip`` (m/s) is the most that friction takes: each a force over mass times ``gain``. ``keep``
    and that gain are the factors of semi-implicit damping, (1 - c h/2m)/(1 + c h/2m) and
    h/(1 + c h/2m); ``half`` is h/2.
    """
    x = x + half * v
    v = keep * v + (push - (k * x + k3 * x * (x * x)))
    v = v - clamp(v, -grip, grip)
    return x + half * v, v


@inlined
def bump(x: Any, v: Any, low: Any, high: Any) -> Any:
    """Inelastic end stops: the mass stays inside [low, high] and loses its speed there."""
    inside = clamp(x, low, high)
    return inside, v if inside == x else v - v  # a zero of v's own type


@allocating
def _trajectory(
    x: float,
    v: float,
    forces: Any,
    every: int,
    h: float,
    drive: Any,
    factors: Any,
    stops: Any,
    out: Any,
) -> None:
    k, k3, pull, keep, grip = factors
    s, c, turn_s, turn_c, amplitude = drive
    out[0, 0], out[0, 1] = x, v
    row = 1
    for n in range(forces.shape[0]):
        x, v = substep(x, v, pull + forces[n] + amplitude * s, k, k3, keep, grip, 0.5 * h)
        x, v = bump(x, v, stops[0], stops[1])
        s, c = s * turn_c + c * turn_s, c * turn_c - s * turn_s
        if (n + 1) % every == 0:
            out[row, 0], out[row, 1] = x, v
            row += 1


class Trajectory(NamedTuple):
    """Arrays of shape (steps + 1,): time in s, position in m, velocity in m/s."""

    t: NDArray[np.float64]
    x: NDArray[np.float64]
    v: NDArray[np.float64]


def _forces(force: Any, steps: int, dt: float) -> NDArray[np.float64]:
    """What the magnet is asked for in every substep, N."""
    if force is None:
        forces = np.zeros(steps)
    elif callable(force):
        forces = np.array([force(t) for t in (np.arange(steps) + 0.5) * dt], dtype=np.float64)
    else:
        try:
            forces = np.asarray(force, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"force must be a number, a function or numbers, got {force!r}") from None
        if forces.ndim == 0:
            forces = np.full(steps, forces)
    if forces.shape != (steps,):
        raise ValueError(
            f"force must be a number, a function or {steps} values (one a substep), got shape {forces.shape}"
        )
    if not np.isfinite(forces).all():
        raise ValueError("force must be finite")
    return forces


def simulate(
    params: Params | None = None,
    x0: float = 0.0,
    v0: float = 0.0,
    duration: float = 20.0,
    force: Callable[[float], float] | NDArray[np.float64] | float | None = None,
    *,
    dt: float = 1 / 32,
    every: int = 1,
) -> Trajectory:
    """Let the machine run by itself and return its trajectory.

    Args:
        params: the physical parameters; the defaults are those of the environment.
        x0: start position, m down the slope from the spring's rest.
        v0: start velocity, m/s.
        duration: s, rounded to a whole number of substeps.
        force: what is asked of the magnet, N: a number, a function of time (taken at the middle of
            each substep), or an array with one value a substep.
        dt: substep, s. The error falls with its square.
        every: record every so many substeps.

    Raises:
        ValueError: an argument that is not finite, not positive where it must be, or a force of the
            wrong shape.

    >>> quiet = simulate(Params(friction=0.0), x0=Params().equilibrium, duration=2.0)
    >>> bool(abs(quiet.x - quiet.x[0]).max() < 1e-12)  # at rest where spring and slope balance
    True
    """
    p = Params() if params is None else params
    if not isinstance(p, Params):
        raise ValueError(f"params must be a Params or None, got {params!r}")
    for name, value in (("x0", x0), ("v0", v0), ("duration", duration), ("dt", dt)):
        finite(name, value)
    if duration <= 0 or dt <= 0:
        raise ValueError(f"duration and dt must be positive, got {duration} and {dt}")
    every = whole("every", every, 1, MOST)
    if not p.bumper_low <= x0 <= p.bumper_high:
        raise ValueError(f"x0 must lie between the bumpers [{p.bumper_low}, {p.bumper_high}] m, got {x0}")
    steps = max(1, round(duration / dt))
    forces = _forces(force, steps, dt)
    m, c, w = p.mass, p.damping, p.drive_omega
    gain = dt / (1 + 0.5 * c * dt / m)
    factors = (
        gain * p.stiffness / m,
        gain * p.cubic / m,
        gain * p.gravity * float(np.sin(p.tilt)),
        (1 - 0.5 * c * dt / m) / (1 + 0.5 * c * dt / m),
        p.friction * p.gravity * float(np.cos(p.tilt)) * gain,
    )
    start, turn = p.drive_phase + 0.5 * w * dt, w * dt
    phase = tuple(map(float, (np.sin(start), np.cos(start), np.sin(turn), np.cos(turn))))
    drive = (*phase, gain * p.drive / m)
    stops, pushes = (float(p.bumper_low), float(p.bumper_high)), forces * (gain * p.magnet / m)
    out = np.empty((steps // every + 1, 2))
    _trajectory(float(x0), float(v0), pushes, every, float(dt), drive, factors, stops, out)
    return Trajectory(np.arange(len(out), dtype=np.float64) * float(every * dt), out[:, 0], out[:, 1])
