"""What a restored state may hold: beyond, the kernel would leave its arrays or the observation its Box."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.world import check_origin
from springdrift.series import state as fields
from springdrift.series.state import FIELDS, RECORD, Lanes, Rows, Tracks


class Origin(NamedTuple):
    """What a world must have in common with another for the other's moments to be its own."""

    num_envs: int
    scenario: str
    cycles: int | None
    latency: int
    label_delay: int
    window: int | None
    baseline: str
    model: str
    content: str  # digest of the scenarios' numbers


class WorldState(NamedTuple):
    """All that decides the future of a batch, as copies."""

    lanes: Lanes
    origin: Origin


_FAR, _LARGE, _COUNT = (-1e30, 1e30), (0.0, 1e30), (0.0, float(2**24))
RANGES: dict[str, tuple[float, float]] = {  # of the fields of a lane
    **dict.fromkeys(("unit", "scale"), (1e-13, 1e30)),
    **dict.fromkeys(("home", "override_effect", "previous_swing", "push"), _FAR),
    **dict.fromkeys(("fit_error", "error_fast", "error_slow", "alarm", "alarm_mean"), _LARGE),
    **dict.fromkeys(("error", "naive_error", "previous_error"), _LARGE),
}
WHOLE: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("cycle", "deadline", "row", "start", "version", "candidate", "ready"), _COUNT),
    **dict.fromkeys(("model_age", "since_retrain", "since_intervene", "alarm_count"), _COUNT),
    **dict.fromkeys(("since_fine_tune", "since_rollback", "versions"), _COUNT),
    **dict.fromkeys(("onset", "lands", "previous"), (-1.0, float(2**24))),
    "in_flight": (0.0, 1.0), "decision": (0.0, 4.0),
}  # fmt: skip
KEPT: dict[str, tuple[float, float]] = {  # of a version; all but its error are whole numbers
    **dict.fromkeys(("number", "parent"), (-1.0, float(2**24))), "fit_error": _LARGE, "served": _COUNT,
    **dict.fromkeys(("fitted_from", "fitted_to"), (-float(2**24), float(2**24))),
    **dict.fromkeys(("tuned", "bad"), (0.0, 1.0)),
}  # fmt: skip
PARTS: dict[str, tuple[float, float]] = dict.fromkeys(("models", "y", "seen", "truth"), (-1e9, 1e9))
NOTED: dict[int, tuple[float, float]] = {  # of a cycle; all else is far
    fields.NOTE_ERROR: _LARGE, fields.NOTE_NAIVE: _LARGE, fields.NOTE_PEAK: (0.0, 1.0),
}  # fmt: skip
assert {*RANGES, *WHOLE} == {*FIELDS}
assert {*KEPT} == {*RECORD}


def check_state(
    state: Any, origin: Origin, lanes: Lanes, rows: Rows, tracks: Tracks, latency: int
) -> WorldState:
    """The state, if nothing that the kernel reads with it lies outside of its tables.

    Args:
        state: what is to be restored.
        origin, lanes, rows, tracks, latency: those of the world that it is for.

    Raises:
        ValueError: no state, one from other options, or one that the kernel could not go on from.
    """
    if not isinstance(state, WorldState):
        raise ValueError(f"expected a state from get_state(), got {type(state).__name__}")
    check_origin(state.origin, origin, "options")
    pairs: Any = zip(lanes, state.lanes, strict=True)
    for own, part in pairs:
        if not isinstance(part, np.ndarray) or (part.shape, part.dtype) != (own.shape, own.dtype):
            raise ValueError(f"a state's arrays must have shape {own.shape} and type {own.dtype}")
    _check_places(state.lanes.state, rows, tracks)
    check_lanes(state.lanes, latency)
    return state


def _check_places(s: NDArray[np.float64], rows: Rows, tracks: Tracks) -> None:
    """Make sure that cycles and versions lie within the series."""
    row, count = s[:, fields.ROW], len(rows.track)
    if not ((row >= 0) & (row < count) & (row == np.floor(row))).all():
        raise ValueError(f"a state names rows of the scenario table that do not exist; it has {count}")
    at = row.astype(np.int64)
    recorded = rows.track[at] >= 0
    start, cycle = s[:, fields.START], s[:, fields.CYCLE]
    last = np.where(recorded, 0, rows.history[at]).astype(np.float64)
    if recorded.any():
        last[recorded] = tracks.cycles[rows.track[at[recorded]]] - rows.cycles[at[recorded]]
    begun = s[:, fields.DEADLINE] != 0
    fine = (start >= rows.history[at]) & (start <= last) & (cycle >= 0) & (cycle <= rows.cycles[at])
    fine &= s[:, fields.DEADLINE] == rows.cycles[at]
    for place in (fields.VERSION, fields.CANDIDATE):
        fine &= (s[:, place] >= start) & (s[:, place] <= start + cycle)
    fine &= (s[:, fields.PREVIOUS] < 0) | (s[:, fields.PREVIOUS] >= start)
    fine &= s[:, fields.PREVIOUS] <= start + cycle
    if not (fine | ~begun).all() or not np.isfinite(s).all():
        raise ValueError("a state's cycles and versions must lie within its series")


def check_lanes(lanes: Lanes, latency: int) -> None:
    """Make sure that the kernel can go on from what a batch of lanes carries.

    Raises:
        ValueError: it cannot; says which part is out of range, and what is allowed.
    """
    for place, name in enumerate(FIELDS):
        values = lanes.state[:, place]
        low, high = WHOLE.get(name) or (RANGES[name] if lanes.state[:, fields.DEADLINE].any() else _FAR)
        if name in WHOLE:
            _refuse(name, values, low, high, values == np.floor(values), "whole numbers")
        else:
            _refuse(name, values, low, high)
    for name, (low, high) in PARTS.items():
        _refuse(name, getattr(lanes, name), low, high)
    for place, name in enumerate(RECORD):
        values = lanes.versions[..., place]
        if name == "fit_error":
            _refuse(f"versions' {name}", values, *KEPT[name])
        else:
            _refuse(f"versions' {name}", values, *KEPT[name], values == np.floor(values), "whole numbers")
    for note in range(fields.NOTES):
        _refuse("notes", lanes.notes[..., note], *NOTED.get(note, _FAR))
    late = lanes.state[:, fields.READY] - lanes.state[:, fields.CYCLE]
    if ((lanes.state[:, fields.IN_FLIGHT] > 0) & (late > latency)).any():
        raise ValueError(f"a state's ready must lie at most the latency, {latency}, after its cycle")


def _refuse(
    name: str, values: NDArray[Any], low: float, high: float, more: Any = True, kind: str = "numbers"
) -> None:
    fine = (values >= low) & (values <= high) & more
    if not fine.all():
        raise ValueError(
            f"a state's {name} must be {kind} from {low:g} to {high:g}, got {values[~fine].flat[0]:g}"
        )
