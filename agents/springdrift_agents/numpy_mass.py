"""A cycle of the inclined mass in vectorised NumPy: a second implementation, to check and time the first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import Action, World, kernel
from springdrift.dynamics import BUMPERS, GRAVITY
from springdrift.state import LAGS, MEASUREMENTS, WINDOW

Floats = NDArray[np.float32]
F = np.float32


class NumpyMass:
    """``world.count`` masses that start where ``world`` stands and move by array operations.

    Forecasts, controller, operator, substeps, measurements and the errors of a cycle are those of the
    kernel; retraining, drift and reports are left out, and measurement noise comes from NumPy's own
    generator. ``x``, ``v``, ``swing`` (n,) and ``true_x`` (8, n) follow each :meth:`cycle`.

    >>> world = World(3, "stationary")
    >>> world.seed(np.arange(3), np.arange(3, dtype=np.uint64))
    >>> world.begin(np.ones(3, bool))
    >>> NumpyMass(world).cycle(np.zeros(3, int)).shape
    (3,)
    """

    def __init__(self, world: World) -> None:
        n = world.count

        def field(name: str) -> Any:
            values = world.batch.window(name) if name.startswith("window") else world.batch.field(name)
            if values.ndim == 2:
                return values.reshape(-1)[:n].copy()
            return values.transpose(1, 0, 2).reshape(values.shape[1], -1)[:, :n].copy()

        self.x, self.v, self.swing, self.measured_swing = map(field, ("x", "v", "swing", "measured_swing"))
        self.stiffness, self.cubic, self.damping = map(field, ("stiffness", "cubic", "damping"))
        self.friction, self.tilt, self.magnet, self.drive = map(
            field, ("friction", "tilt", "magnet", "drive")
        )
        self.sine, self.cosine, self.noise = map(field, ("drive_sin", "drive_cos", "noise"))
        self.turn = field("turn_sin"), field("turn_cos")
        self.sweep = field("sweep_sin"), field("sweep_cos")
        self.model, self.window, self.pushes = map(field, ("model", "window_y", "window_u"))
        self.substeps = world.substeps // MEASUREMENTS
        self.rng = np.random.default_rng(0)
        self.true_x = np.empty((MEASUREMENTS, n), F)
        self.error = np.empty(n, F)

    def cycle(self, actions: NDArray[np.integer]) -> Floats:
        """One cycle; WAIT and INTERVENE alone are decisions here. Returns the measured rms error (n,)."""
        h = F(kernel.INTERVAL / self.substeps)
        half = F(0.5) * h
        pull = F(GRAVITY) * np.sin(self.tilt)
        damp = F(0.5) * self.damping * h
        gain, keep = h / (F(1) + damp), (F(1) - damp) / (F(1) + damp)
        grip = self.friction * F(GRAVITY) * np.cos(self.tilt) * gain
        linear, hardening, drive = self.stiffness * gain, self.cubic * gain, self.drive * gain
        ring = F(2) * self.turn[1]
        lowest, highest = self.x.copy(), self.x.copy()
        lags, before = list(self.window[-LAGS:]), self.pushes[-1]
        control = kernel.HOLD + kernel.CONTROLLER_GAIN * (F(1) - self.measured_swing * kernel.PER_TARGET)
        control = kernel.STRONGEST * np.clip(control, -kernel.CONTROLLER_LIMIT, kernel.CONTROLLER_LIMIT)
        operator = kernel.OPERATOR_GAIN * (F(1) - self.swing * kernel.PER_TARGET)
        operator = kernel.STRONGEST * np.clip(operator, -kernel.OPERATOR_LIMIT, kernel.OPERATOR_LIMIT)
        by_hand = np.asarray(actions) == Action.INTERVENE
        asked, forecasts = [], []
        for j in range(MEASUREMENTS):
            free = self.model[5] + self.model[0] * lags[3] + self.model[1] * lags[2]
            free = free + self.model[2] * lags[1] + self.model[3] * lags[0]
            half_b = F(0.5) * self.model[4]
            ahead = free + half_b * before - lags[3]
            middle = self.v + F(0.5 * kernel.INTERVAL) * (
                pull - (self.stiffness + self.cubic * self.x * self.x) * self.x
            )
            u = np.where(by_hand, np.where(middle < 0, -operator, operator), control * np.sign(ahead))
            forecast = np.clip(free + half_b * (before + u), kernel.SENSOR_LOW, kernel.SENSOR_HIGH)
            push = (pull + self.magnet * u) * gain
            now, then = drive * self.sine, drive * (self.sine * self.turn[1] + self.cosine * self.turn[0])
            self.sine, self.cosine = (
                self.sine * self.sweep[1] + self.cosine * self.sweep[0],
                self.cosine * self.sweep[1] - self.sine * self.sweep[0],
            )
            x, v = self.x, self.v
            for _ in range(self.substeps):
                x = x + half * v
                v = keep * v + (push + now - (linear * x + hardening * x * (x * x)))
                v = v - np.minimum(np.maximum(v, -grip), grip)
                x = x + half * v
                now, then = then, ring * then - now
                inside = np.minimum(np.maximum(x, F(BUMPERS[0])), F(BUMPERS[1]))
                v = np.where(inside == x, v, F(0))
                x = inside
                lowest, highest = np.minimum(lowest, x), np.maximum(highest, x)
            self.x, self.v, before = x, v, u
            self.true_x[j] = x
            asked.append(u)
            forecasts.append(forecast)
            lags = [*lags[1:], forecast]
        noise = self.rng.standard_normal(self.true_x.shape, np.float32)
        measured = np.clip(self.true_x + self.noise * noise, kernel.SENSOR_LOW, kernel.SENSOR_HIGH)
        self.window = np.concatenate((self.window[MEASUREMENTS:], measured))
        self.pushes = np.concatenate((self.pushes[MEASUREMENTS:], np.array(asked)))
        self.swing = F(0.5) * (highest - lowest)
        self.measured_swing = np.sqrt(F(2) * np.var(self.window[WINDOW - 2 * MEASUREMENTS :], axis=0))
        self.error = np.sqrt(np.mean((np.array(forecasts) - measured) ** 2, axis=0) / F(kernel.NORM))
        return self.error
