"""A cycle of the inclined mass in vectorised NumPy: a second implementation, to check and time the first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import OBS, Action, World
from springdrift.game.observation import AGE_HALF, ERROR_HALF
from springdrift.incline import machine
from springdrift.incline.dynamics import BUMPERS, GRAVITY
from springdrift.incline.reward import TARGET
from springdrift.incline.state import LAGS, MEASUREMENTS

Floats = NDArray[np.float32]
F = np.float32
# fields of the state that the dashboard carries from cycle to cycle
CARRIED = (
    *("measured_swing", "previous_swing", "home", "error_fast", "error_slow", "alarm", "alarm_mean"),
    *("alarm_count", "override_effect", "since_retrain", "since_intervene", "model_age"),
    *("candidate_fit_error", "cycle", "deadline"),
)


class NumpyMass:
    """``world.count`` masses that start where ``world`` stands and move by array operations.

    Forecasts, controller, operator, substeps, measurements, dashboard and costs of a cycle are those of the
    kernel; retraining, drift and the names in ``info`` are left out, and measurement noise comes from
    NumPy's own generator. ``x``, ``v``, ``swing`` (n,) and ``true_x`` (8, n) follow each :meth:`cycle`.

    >>> world = World(3, "stationary")
    >>> world.seed(np.arange(3), np.arange(3, dtype=np.uint64))
    >>> world.begin(np.ones(3, bool))
    >>> observation, reward = NumpyMass(world).cycle(np.zeros(3, int))
    >>> observation.shape, reward.shape
    ((3, 18), (3,))
    """

    def __init__(self, world: World) -> None:
        n = world.count

        def field(name: str) -> Any:
            values = world.batch.window(name) if name.startswith("window") else world.batch.field(name)
            if values.ndim == 2:
                return values.reshape(-1)[:n].copy()
            return values.transpose(1, 0, 2).reshape(values.shape[1], -1)[:, :n].copy()

        self.x, self.v, self.swing = map(field, ("x", "v", "swing"))
        self.stiffness, self.cubic, self.damping = map(field, ("stiffness", "cubic", "damping"))
        self.friction, self.tilt, self.magnet, self.drive = map(
            field, ("friction", "tilt", "magnet", "drive")
        )
        self.sine, self.cosine, self.noise = map(field, ("drive_sin", "drive_cos", "noise"))
        self.turn = field("turn_sin"), field("turn_cos")
        self.sweep = field("sweep_sin"), field("sweep_cos")
        self.model, self.window, self.pushes = map(field, ("model", "window_y", "window_u"))
        self.seen = {name: field(name) for name in CARRIED}
        self.costs = world.costs
        self.substeps = world.substeps // MEASUREMENTS
        self.rng = np.random.default_rng(0)
        self.true_x = np.empty((MEASUREMENTS, n), F)

    def cycle(self, actions: NDArray[np.integer]) -> tuple[Floats, NDArray[np.float64]]:
        """One cycle; WAIT and INTERVENE alone are decisions here.

        Returns the observation (n, 18), as ``observe="monitor"`` shows it, and the reward (n,).
        """
        h = F(machine.INTERVAL / self.substeps)
        half = F(0.5) * h
        pull = F(GRAVITY) * np.sin(self.tilt)
        damp = F(0.5) * self.damping * h
        gain, keep = h / (F(1) + damp), (F(1) - damp) / (F(1) + damp)
        grip = self.friction * F(GRAVITY) * np.cos(self.tilt) * gain
        linear, hardening, drive = self.stiffness * gain, self.cubic * gain, self.drive * gain
        ring = F(2) * self.turn[1]
        lowest, highest = self.x.copy(), self.x.copy()
        lags, before = list(self.window[-LAGS:]), self.pushes[-1]
        control = machine.HOLD + machine.CONTROLLER_GAIN * (
            F(1) - self.seen["measured_swing"] * machine.PER_TARGET
        )
        control = machine.STRONGEST * np.clip(control, -machine.CONTROLLER_LIMIT, machine.CONTROLLER_LIMIT)
        operator = machine.OPERATOR_GAIN * (F(1) - self.swing * machine.PER_TARGET)
        operator = machine.STRONGEST * np.clip(operator, -machine.OPERATOR_LIMIT, machine.OPERATOR_LIMIT)
        by_hand = np.asarray(actions) == Action.INTERVENE
        asked, forecasts = [], []
        for j in range(MEASUREMENTS):
            free = self.model[5] + self.model[0] * lags[3] + self.model[1] * lags[2]
            free = free + self.model[2] * lags[1] + self.model[3] * lags[0]
            half_b = F(0.5) * self.model[4]
            ahead = free + half_b * before - lags[3]
            middle = self.v + F(0.5 * machine.INTERVAL) * (
                pull - (self.stiffness + self.cubic * self.x * self.x) * self.x
            )
            u = np.where(by_hand, np.where(middle < 0, -operator, operator), control * np.sign(ahead))
            forecast = np.clip(free + half_b * (before + u), machine.SENSOR_LOW, machine.SENSOR_HIGH)
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
        shrink = F(1.5) - F(0.5) * (self.sine * self.sine + self.cosine * self.cosine)
        self.sine, self.cosine = self.sine * shrink, self.cosine * shrink  # back on the unit circle
        noise = self.rng.standard_normal(self.true_x.shape, np.float32)
        measured = np.clip(self.true_x + self.noise * noise, machine.SENSOR_LOW, machine.SENSOR_HIGH)
        self.swing = F(0.5) * (highest - lowest)
        push = np.where(by_hand, operator, control) / machine.STRONGEST
        seen, true_error = self._assess(np.array(forecasts), measured, by_hand)
        self.window = np.concatenate((self.window[MEASUREMENTS:], measured))
        self.pushes = np.concatenate((self.pushes[MEASUREMENTS:], np.array(asked)))
        return self._dashboard(seen, push), self._reward(true_error, by_hand)

    def _assess(
        self, forecasts: Floats, measured: Floats, by_hand: NDArray[np.bool_]
    ) -> tuple[dict[str, Floats], Floats]:
        """What the operator reads from a cycle, by name, and the true NMSE of its forecasts."""
        carried, n, per_n = self.seen, F(MEASUREMENTS), F(1.0 / MEASUREMENTS)
        home = carried["home"]
        f, y, old = forecasts - home, measured - home, self.window[-MEASUREMENTS:] - home
        wrong, e = f - (self.true_x - home), f - y
        squared = e * e
        squares, largest = squared.sum(0), squared.max(0)
        sum_y, sum_yy, sum_f, sum_ff = y.sum(0), (y * y).sum(0), f.sum(0), (f * f).sum(0)
        error = np.sqrt(squares * machine.PER_NORM)
        spread = np.maximum(n * sum_yy - sum_y * sum_y, machine.TINY)
        spread = spread * np.maximum(n * sum_ff - sum_f * sum_f, machine.TINY)
        level = (sum_y + old.sum(0)) * (F(0.5) * per_n)
        variance = (sum_yy + (old * old).sum(0)) * (F(0.5) * per_n) - level * level
        swing = np.sqrt(F(2) * np.maximum(variance, F(0)))
        effect = np.clip((swing - carried["measured_swing"]) * machine.PER_TARGET, F(-1), F(1))
        count = carried["alarm_count"] + F(1)
        mean = carried["alarm_mean"] + (error - carried["alarm_mean"]) / count
        self.seen = {
            **carried,
            "measured_swing": swing,
            "previous_swing": carried["measured_swing"],
            "error_fast": carried["error_fast"] + machine.FAST * (error - carried["error_fast"]),
            "error_slow": carried["error_slow"] + machine.SLOW * (error - carried["error_slow"]),
            "alarm": np.maximum(F(0), carried["alarm"] + error - mean - machine.PAGE_HINKLEY_SLACK),
            "alarm_mean": mean,
            "alarm_count": count,
            "override_effect": np.where(by_hand, effect, carried["override_effect"]),
            "since_retrain": carried["since_retrain"] + F(1),
            "since_intervene": np.where(by_hand, F(0), carried["since_intervene"] + F(1)),
            "model_age": carried["model_age"] + F(1),
            "cycle": carried["cycle"] + F(1),
        }
        of_cycle = {
            "error": error,
            "bias": e.sum(0) * per_n,
            "correlation": np.clip((n * (f * y).sum(0) - sum_f * sum_y) / np.sqrt(spread), F(-1), F(1)),
            "peak": F(1) - np.sqrt((squares + machine.TINY) / (n * (largest + machine.TINY))),
            "level": home + level,
        }
        return {**self.seen, **of_cycle}, (wrong * wrong).sum(0) * machine.PER_NORM

    def _dashboard(self, seen: dict[str, Floats], push: Floats) -> Floats:
        def log_error(error: Floats) -> Any:
            return (error - F(ERROR_HALF)) / (error + F(ERROR_HALF))

        def age(cycles: Floats) -> Any:
            return cycles / (cycles + F(AGE_HALF))

        def bounded(value: Floats) -> Any:
            return value / (F(1) + np.abs(value))

        swing, per_target = seen["measured_swing"], machine.PER_TARGET
        columns = {
            "error": log_error(seen["error"]),
            "error_fast": log_error(seen["error_fast"]),
            "error_slow": log_error(seen["error_slow"]),
            "bias": bounded(seen["bias"] * per_target),
            "swing": np.clip(swing * per_target - F(1), F(-1), F(1)),
            "swing_change": np.clip((swing - seen["previous_swing"]) * per_target, F(-1), F(1)),
            "correlation": seen["correlation"],
            "push": push,
            "override_effect": seen["override_effect"],
            "since_retrain": age(seen["since_retrain"]),
            "since_intervene": age(seen["since_intervene"]),
            "in_flight": np.zeros_like(push),
            "model_age": age(seen["model_age"]),
            "fit_error": log_error(seen["candidate_fit_error"]),
            "alarm": seen["alarm"] / (F(1) + seen["alarm"]),
            "peak": seen["peak"],
            "level": bounded((seen["level"] - seen["home"]) * per_target),
            "time_left": (seen["deadline"] - seen["cycle"]) / seen["deadline"],
        }
        return np.stack([columns[sense.name] for sense in OBS], axis=1)

    def _reward(self, true_error: Floats, by_hand: NDArray[np.bool_]) -> NDArray[np.float64]:
        costs, error, swing = self.costs, true_error.astype(np.float64), self.swing.astype(np.float64)
        deviation = swing / TARGET - 1.0
        total = costs.forecast * np.minimum(error, costs.forecast_cap)
        total = total + costs.swing * np.minimum(deviation * deviation, costs.swing_cap)
        reward: NDArray[np.float64] = -(total + np.where(by_hand, costs.intervene, 0.0))
        return reward
