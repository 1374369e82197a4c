"""What a restored state may hold: beyond, the kernel would leave its arrays or the observation its Box."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.series import state as fields
from springdrift.series.state import FIELDS, RECORD, Lanes

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
