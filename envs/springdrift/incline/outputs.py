"""What a call of the kernel reports of a batch, and the arrays that it writes this into."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.incline.reward import OPS_TERMS
from springdrift.incline.state import DRIFTING

TRUTH_NAMES = (
    *DRIFTING,
    *("driver_key", "last_change", "onset", "scenario", "cycle", "version", "model_age"),
    *("swing", "error", "shock", "faults", "work", "decision", "x", "v"),
)
VERSION_NAMES = ("number", "parent", "fitted_from", "fitted_to", "fit_error", "served", "tuned")
OPS_TRUTH_NAMES = (*TRUTH_NAMES, "bad", "previous_version")  # where versions can be rolled back
# fields of the state by the rows of ``truth``: what is hidden, and behind it the version in service
TRUTH_FIELDS = (*OPS_TRUTH_NAMES, "version", *VERSION_NAMES[1:])
REWARD, OVER, BILL = len(OPS_TERMS), len(OPS_TERMS) + 1, len(OPS_TERMS) + 2  # rows of a bill, their number


class Outputs(NamedTuple):
    """What a call reports of n envs."""

    obs: NDArray[np.float32]  # (n, D)
    bill: NDArray[np.float64]  # (8, n): the OPS_TERMS, the reward, and 1 where the episode is over
    truth: NDArray[np.float32]  # (T, n), the first T of TRUTH_FIELDS
    path: NDArray[np.float32]  # (8 * substeps + 1, lanes), m, of a block; without rows nothing is followed


_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_NO_PATH = np.empty((0, 0), _FLOAT32)


def empty_outputs(count: int, width: int, truths: int = len(TRUTH_NAMES)) -> Outputs:
    """Unfilled arrays for ``count`` envs with observations of ``width`` numbers and so many rows of truth;
    rows may be longer, and no path is followed.

    Rows a power of two apart would share the same few places of a cache.
    """
    length = count if count % 256 else count + 48
    return Outputs(
        np.empty((count, width), _FLOAT32),
        np.empty((BILL, length), _FLOAT64),
        np.empty((truths, length), _FLOAT32),
        _NO_PATH,
    )
