"""The state of a batch of worlds: one table of fields, stored field by field in blocks of lanes.

An env is a lane; some of them make a block, and a block is one flat float32 row in which every field
takes as many neighbouring places as there are lanes (an array takes as many as it has elements, one after
the other). So the kernel's inner loop runs over neighbours and compiles to vector instructions.
``row("x") * lanes + lane`` is the place of field ``x``; element ``j`` of an array lies ``j * lanes`` on.
Whatever drifts lives here; whatever can be derived does not.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ALIGNED = 16  # words of four bytes: a cache line
MEASUREMENTS = 8  # a cycle
CYCLE_SECONDS = 2.0
WINDOW = 48  # measurements that a fit sees: six cycles
HISTORY = 32  # measurements and forecasts that observe="signals" shows: four cycles
LAGS = 4
COEFFICIENTS = LAGS + 2  # lags, force, level
WINDOW_CYCLES, HISTORY_CYCLES = WINDOW // MEASUREMENTS, HISTORY // MEASUREMENTS
COMMISSIONING_CYCLES = WINDOW_CYCLES  # before cycle 0
TURNS = math.lcm(WINDOW_CYCLES, HISTORY_CYCLES)  # cycles after which all rings stand as they stood

# What a drift law can move, and what each may reach whatever its laws say.
LIMITS = {
    "stiffness": (-10.0, 30.0),  # N/m; negative snaps through
    "friction": (0.0, 0.1),
    "tilt": (0.0, 1.0),  # rad
    "magnet": (0.05, 2.0),
    "drive": (0.0, 2.0),  # N
}
DRIFTING = tuple(LIMITS)


class Field(NamedTuple):
    name: str
    size: int
    meaning: str


# what is kept of a version, in this order
RECORD = {
    "version": "number, counted from commissioning",
    "parent": "number of the version in service when it was asked for; -1 for none",
    "fitted_from": "first cycle of the window it was fitted on",
    "fitted_to": "the cycle behind its last",
    "fit_error": "in-sample rms error over the target amplitude's rms",
    "served": "cycles in service",
    "tuned": "1 for a fine-tuned one",
    "bad": "1 where its deployment went wrong",
}


def _record(prefix: str, whose: str) -> tuple[Field, ...]:
    return tuple(Field(f"{prefix}{name}", 1, f"{meaning}, of {whose}") for name, meaning in RECORD.items())


def _each(prefix: str, meaning: str) -> tuple[Field, ...]:
    return tuple(Field(f"{prefix}_{name}", 1, f"{meaning} of {name}") for name in DRIFTING)


FIELDS: tuple[Field, ...] = (
    # the machine
    Field("x", 1, "position, m down the slope from the spring's rest"),
    Field("v", 1, "velocity, m/s"),
    *(Field(name, 1, f"{name} in force this cycle") for name in DRIFTING),
    Field("cubic", 1, "hardening of the spring, N/m^3"),
    Field("damping", 1, "viscous damping, N s/m"),
    Field("noise", 1, "standard deviation of measurement noise, m"),
    Field("drive_sin", 1, "sine of the unseen force's phase at the next kick"),
    Field("drive_cos", 1, "cosine of the same"),
    Field("turn_sin", 1, "sine of the phase turned in a substep"),
    Field("turn_cos", 1, "cosine of the same"),
    Field("sweep_sin", 1, "sine of the phase turned between two measurements"),
    Field("sweep_cos", 1, "cosine of the same"),
    # the drift laws, as drawn for this episode
    *_each("base", "seasonless value"),
    *_each("walk", "random-walk step a cycle"),
    *_each("trend", "trend a cycle"),
    *_each("low", "lowest value"),
    *_each("high", "highest value"),
    *_each("season", "seasonal amplitude"),
    Field("season_sin", 1, "sine of the season's phase"),
    Field("season_cos", 1, "cosine of the same"),
    Field("season_turn_sin", 1, "sine of the season's turn a cycle"),
    Field("season_turn_cos", 1, "cosine of the same"),
    Field("onset", 1, "cycle in which drift begins"),
    Field("next_change", 1, "cycle of the next abrupt change"),
    Field("last_change", 1, "cycle of the last change, -1 before the first"),
    Field("driver_key", 1, "row of the hidden driver table in force"),
    Field("shock_rate", 1, "velocity kicks a cycle"),
    Field("shock_size", 1, "largest kick, m/s"),
    Field("outlier_rate", 1, "cycles with an outlier, a cycle"),
    Field("outlier_size", 1, "largest outlier, m"),
    Field("dropout_rate", 1, "cycles in which the sensor freezes, a cycle"),
    Field("bad_release", 1, "share of deployments that go wrong"),
    Field("scenario", 1, "row of the scenario table"),
    # the deployed model
    Field("model", COEFFICIENTS, "coefficients of the deployed model"),
    Field("candidate", COEFFICIENTS, "coefficients of the model in training"),
    Field("in_flight", 1, "1 from the request of a retraining until its deployment"),
    Field("training", 1, "cycles of training left"),
    Field("release_every", 1, "cycles between release slots, 0 for any time"),
    Field("anchor", COEFFICIENTS, "coefficients of the retraining that the deployed model goes back to"),
    Field("previous", COEFFICIENTS, "coefficients of the version that served before"),
    Field("previous_anchor", COEFFICIENTS, "and of the retraining that it goes back to"),
    *_record("", "the version in service"),
    *_record("previous_", "the one that served before"),
    *_record("candidate_", "the one in training"),
    Field("versions", 1, "number of the newest version that was deployed"),
    Field("model_age", 1, "cycles since deployment"),
    Field("samples", 1, "measurements in the window that a fit may use"),
    # what the operator's dashboard carries from cycle to cycle
    Field("measured_swing", 1, "measured amplitude over two cycles, m"),
    Field("previous_swing", 1, "the same a cycle earlier, m"),
    Field("home", 1, "level measured at commissioning, m"),
    Field("error_fast", 1, "fast moving average of the forecast error"),
    Field("error_slow", 1, "slow moving average of the forecast error"),
    Field("alarm", 1, "Page-Hinkley statistic of the forecast error since deployment"),
    Field("alarm_mean", 1, "running mean of the forecast error since deployment"),
    Field("alarm_count", 1, "cycles in that mean"),
    Field("override_effect", 1, "change of swing in the last cycle of intervention, of target"),
    Field("since_retrain", 1, "cycles since the last request of a retraining"),
    Field("since_intervene", 1, "cycles since the last intervention"),
    Field("since_fine_tune", 1, "cycles since the last fine-tuning"),
    Field("since_rollback", 1, "cycles since the last rollback"),
    Field("level_push", 1, "size of the controller's push, of its strongest, signed"),
    # the clock
    Field("cycle", 1, "cycles done; negative while commissioning"),
    Field("deadline", 1, "cycles in the episode"),
    # the cycle that has just ended
    Field("swing", 1, "true amplitude: half the distance between the furthest points, m"),
    Field("error", 1, "true NMSE of the forecast"),
    Field("shock", 1, "velocity kick in the cycle, m/s"),
    Field("faults", 1, "faulty measurements in the cycle"),
    Field("work", 1, "work done by the magnet in the cycle, J"),
    Field("decision", 1, "decision carried out in the cycle"),
    Field("charged", 1, "1 when the decision changed something of the model and was paid in the cycle"),
    Field("measured_error", 1, "rms error of the forecast against the measurements, of target rms"),
    Field("previous_error", 1, "the same of what the version before would have forecast"),
    Field("bias", 1, "mean error of the forecast against the measurements, m"),
    Field("correlation", 1, "correlation of forecast and measurement over the cycle"),
    Field("peak", 1, "largest forecast error of the cycle against its rms"),
    Field("level", 1, "mean measurement over two cycles, m"),
    # rings of cycles: the newest is cycle ``turn``, modulo their length
    Field("turn", 1, f"cycles that the batch has done, modulo {TURNS}; the same in every lane"),
    Field("window_y", WINDOW, "measurements, m"),
    Field("window_u", WINDOW, "forces asked of the magnet in the interval before each, N"),
    Field("window_f", HISTORY, "forecasts of the last measurements, m"),
)

# What a field may be in a state that is restored: beyond, the kernel would leave its arrays, or what it
# computes would not stay finite. Whatever counts is a whole number.
_FAR, _LONG, _PLACE, _COUNT = (-1e9, 1e9), (0.0, 1e9), (-10.0, 10.0), (0.0, float(2**24))
_FLAG, _SHARE, _TURN, _FROM_NONE = (0.0, 1.0), (-1e-3, 1.001), (-1.1, 1.1), (-1.0, float(2**24))
RANGES: dict[str, tuple[float, float]] = {
    **{f"{prefix}{name}": limits
       for prefix in ("", "base_", "low_", "high_") for name, limits in LIMITS.items()},
    **{f"walk_{name}": (0.0, high - low) for name, (low, high) in LIMITS.items()},
    **{f"{prefix}_{name}": (low - high, high - low)
       for prefix in ("trend", "season") for name, (low, high) in LIMITS.items()},
    **dict.fromkeys(("x", "home", "level", "bias", "window_y", "window_u", "window_f"), _PLACE),
    "v": (-1e3, 1e3), "cubic": (-100.0, 100.0), "damping": (0.0, 10.0), "noise": (0.0, 1.0),
    **{f"{prefix}_{part}": _TURN
       for prefix in ("drive", "turn", "sweep", "season", "season_turn") for part in ("sin", "cos")},
    **dict.fromkeys(("shock_rate", "outlier_rate", "dropout_rate", "bad_release"), _SHARE),
    "shock_size": (0.0, 10.0), "outlier_size": (0.0, 5.0), "shock": (-10.0, 10.0),
    **dict.fromkeys(("model", "candidate", "anchor", "previous", "previous_anchor", "work"), _FAR),
    **dict.fromkeys(("fit_error", "candidate_fit_error", "previous_fit_error"), _LONG),
    **dict.fromkeys(("error", "measured_error", "previous_error"), _LONG),
    **dict.fromkeys(("error_fast", "error_slow", "alarm", "alarm_mean"), _LONG),
    **dict.fromkeys(("measured_swing", "previous_swing", "swing"), (0.0, 10.0)),
    **dict.fromkeys(("override_effect", "level_push", "correlation", "peak"), _TURN),
}  # fmt: skip
WHOLE: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("in_flight", "charged"), _FLAG),
    **{f"{prefix}{name}": limits for prefix in ("", "previous_", "candidate_") for name, limits in {
        **dict.fromkeys(("version", "parent"), _FROM_NONE), **dict.fromkeys(("tuned", "bad"), _FLAG),
        **dict.fromkeys(("fitted_from", "fitted_to"), (-6.0, _COUNT[1])), "served": _COUNT}.items()},
    **dict.fromkeys(("onset", "next_change", "release_every", "versions", "model_age", "deadline"), _COUNT),
    **dict.fromkeys(("since_retrain", "since_intervene", "since_fine_tune", "since_rollback"), _COUNT),
    **dict.fromkeys(("training", "scenario", "alarm_count"), _COUNT),
    "last_change": (-1.0, float(2**24)), "cycle": (0.0, float(2**24)), "driver_key": (0.0, 7.0),
    "samples": (0.0, float(WINDOW)), "faults": (0.0, float(MEASUREMENTS)), "decision": (0.0, 4.0),
    "turn": (0.0, TURNS - 1.0),
}  # fmt: skip
INDEXING = ("scenario", "driver_key", "samples", "decision", "turn")  # the kernel finds its way by these
assert {*RANGES, *WHOLE} == {field.name for field in FIELDS}

_PLACES: dict[str, int] = {}
_total = 0
for _field in FIELDS:
    _PLACES[_field.name] = _total
    _total += _field.size
ROWS = _total  # floats an env


def row(name: str) -> int:
    """Number of a field's row in a block, or of the first of its rows.

    >>> row("v") - row("x")
    1
    """
    return _PLACES[name]


KEYS = ("key0", "key1", "seed0", "seed1", "episode")  # uint32 words an env, laid out alike


class Batch(NamedTuple):
    """Storage of a batch: ``real`` (blocks, ROWS * width) float32, ``keys`` (blocks, 5 * width) uint32."""

    real: NDArray[np.float32]
    keys: NDArray[np.uint32]

    @property
    def width(self) -> int:
        """Lanes of a block."""
        return self.real.shape[1] // ROWS

    @property
    def size(self) -> int:
        """Lanes in the batch, the idle ones of the last block included."""
        return len(self.real) * self.width

    def field(self, name: str) -> NDArray[np.float32]:
        """View of a field for all lanes: (blocks, width), or (blocks, size, width) for an array."""
        size = next(field.size for field in FIELDS if field.name == name)
        first, width = row(name), self.width
        view = self.real[:, first * width : (first + size) * width]
        return view.reshape(len(view), size, width) if size > 1 else view

    def window(self, name: str) -> NDArray[np.float32]:
        """Copy of a ring for all lanes, oldest first: (blocks, size, width)."""
        newest = int(self.field("turn")[0, 0])
        return np.roll(self.field(name), -(newest + 1) * MEASUREMENTS, axis=1)

    def lanes(self, name: str, count: int) -> NDArray[np.float32]:
        """Copy of a scalar field for the first ``count`` lanes, shape (count,)."""
        return self.field(name).reshape(-1)[:count]


def empty_batch(count: int, width: int) -> Batch:
    """Zeroed storage for at least ``count`` lanes in blocks of ``width``; rows begin at cache lines."""
    blocks = -(-count // width)
    return Batch(_zeros(blocks, ROWS * width, np.float32), _zeros(blocks, len(KEYS) * width, np.uint32))


def _zeros(rows: int, columns: int, dtype: type) -> NDArray[Any]:
    raw: NDArray[Any] = np.zeros(rows * columns + ALIGNED, dtype)
    start = -raw.ctypes.data % (4 * ALIGNED) // 4
    return raw[start : start + rows * columns].reshape(rows, columns)


def read_lanes(batch: Batch, lanes: NDArray[np.integer]) -> Batch:
    """The columns of some lanes as plain arrays: real (n, ROWS), keys (n, 5)."""
    block, lane = np.divmod(lanes, batch.width)
    real = batch.real.reshape(-1, ROWS, batch.width)[block, :, lane]
    keys = batch.keys.reshape(-1, len(KEYS), batch.width)[block, :, lane]
    return Batch(real, keys)


def write_lanes(batch: Batch, lanes: NDArray[np.integer], columns: Batch) -> None:
    """Write columns read by :func:`read_lanes` into some lanes."""
    block, lane = np.divmod(lanes, batch.width)
    batch.real.reshape(-1, ROWS, batch.width)[block, :, lane] = columns.real
    batch.keys.reshape(-1, len(KEYS), batch.width)[block, :, lane] = columns.keys


def start_keys(batch: Batch, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
    """Give lanes their seeds; the next episode of each is its episode 0."""
    words = batch.keys.reshape(-1, len(KEYS), batch.width)
    block, lane = np.divmod(lanes, batch.width)
    words[block, KEYS.index("seed0"), lane] = (seeds & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    words[block, KEYS.index("seed1"), lane] = (seeds >> np.uint64(32)).astype(np.uint32)
    words[block, KEYS.index("episode"), lane] = 0
