"""Forecast models of a user's own, which have scikit-learn's ``fit(X, y)`` and ``predict(X)``.

Their fits take a while, so tables of them can be kept in a folder, by the content of all that decides them.
"""

import os
import sys
import warnings
import zipfile
import zlib
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game.jit import allocating
from springdrift.series.forecaster import Shape, mean_of
from springdrift.series.waves import cosine, sine

KEPT = ("stats", "cost_error", "fit_error")  # what is kept of a table, by name


@allocating
def features(seen: Any, first: int, shape: Any, waves: Any) -> Any:
    """What a model may know of every sample of the cycles from ``first`` on, (N - first, P, F).

    Columns: the sample one and two cycles before the last unknown one, the mean of that cycle, sine and
    cosine of the longer season (zeros without one), and the harmonics of the cycle.
    """
    count, period = seen.shape
    width = 5 + waves.shape[1]
    table = np.empty((count - first, period, width))
    back = 1 + shape.delay
    for t in range(first, count):
        level = mean_of(seen[t - back])
        turns = (t % shape.long_period) / shape.long_period if shape.long_period > 0 else 0.0
        for j in range(period):
            row = table[t - first, j]
            row[0], row[1], row[2] = seen[t - back, j], seen[t - back - 1, j], level
            row[3] = sine(turns) if shape.long_period > 0 else 0.0
            row[4] = cosine(turns) if shape.long_period > 0 else 0.0
            for k in range(waves.shape[1]):
                row[5 + k] = waves[j, k]
    return table


def _one_thread() -> Any:
    """A context in which a library uses one thread: these fits are so small that more of them only wait."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # it comes with scikit-learn
        return nullcontext()
    return threadpool_limits(1)


def _one_fit(
    make: Any, table: NDArray[np.float64], targets: NDArray[np.float64], rows: slice, served: slice
) -> tuple[NDArray[np.float64], float]:
    """Forecasts of one fit for the cycles it may serve, (n, P), and its in-sample rms error."""
    width = table.shape[2]
    estimator = make()
    inputs, wanted = table[rows].reshape(-1, width), targets[rows].ravel()
    estimator.fit(inputs, wanted)
    wrong = np.asarray(estimator.predict(inputs), np.float64) - wanted
    said = np.asarray(estimator.predict(table[served].reshape(-1, width)), np.float64)
    return said.reshape(-1, table.shape[1]), float(np.sqrt(np.mean(wrong * wrong)))


def fits(
    seen: NDArray[np.float32], cycles: range, born: int, shape: Shape, waves: Any, make: Any, jobs: int = 1
) -> list[tuple[NDArray[np.float64], float]]:
    """The fits at the start of some cycles, each with what it says from its own cycle on.

    Args:
        seen: (N, P) measurements.
        cycles: at the start of which to fit, in order; the first of them has history enough.
        born: no fit from this cycle on sees an earlier one.
        shape: how the series is cut.
        waves: the harmonics of the cycle.
        make: makes a fresh estimator.
        jobs: fits made side by side.

    Returns:
        Forecasts, (N - cycle, P), and in-sample rms error of each.

    Raises:
        ValueError: a cold start leaves nothing to fit.
    """
    start = max(2 + 2 * shape.delay, cycles[0] - shape.delay - shape.window)  # no features before
    table = features(seen, start, shape, waves)
    targets = np.ascontiguousarray(seen[start:], np.float64)
    tasks = [_task(fitted, len(seen), start, born, shape) for fitted in cycles]
    if jobs == 1:
        with _one_thread():
            return [_one_fit(make, table, targets, *task) for task in tasks]
    from joblib import Parallel, delayed

    found: list[Any] = Parallel(n_jobs=jobs)(delayed(_one_fit)(make, table, targets, *task) for task in tasks)
    return found


def _task(fitted: int, count: int, start: int, born: int, shape: Shape) -> tuple[slice, slice]:
    """The rows of the features that a fit sees, and those that it is asked about."""
    last = fitted - shape.delay
    low = max(born if fitted >= born else 0, last - shape.window, start)
    if last <= low:
        raise ValueError("a cold start needs the ridge model: others cannot be fitted on nothing")
    return slice(low - start, last - start), slice(fitted - start, count - start)


def file_of(cache: Any, y: Any, seen: Any, shape: Shape, make: Any, born: int) -> Path | None:
    """The file that keeps a table, named by all that decides it."""
    if cache is None:
        return None
    import joblib

    estimator = make()  # by its content: its class, its parameters, and the version of its package
    name = joblib.hash((estimator, _version(estimator), tuple(shape), born, y, seen))
    return Path(cache) / f"staleness-{name}.npz"


def _version(estimator: Any) -> str:
    package = sys.modules.get(type(estimator).__module__.partition(".")[0])
    return str(getattr(package, "__version__", ""))


def recall(path: Path, out: Any) -> bool:
    """Fill in a table that was kept; False where there is none, or a damaged one, which is made anew."""
    try:
        with path.open("rb") as file, np.load(file) as held:
            found = [held[name] for name in KEPT]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return False
    if any(
        (one.shape, one.dtype) != (own.shape, own.dtype) or not np.isfinite(one).all()
        for one, own in zip(found, out, strict=True)
    ):
        return False
    for one, own in zip(found, out, strict=True):
        own[:] = one
    return True


def keep(path: Path, out: Any) -> None:
    """Write a table whole or not at all; where it cannot be written, a warning says so."""
    part = path.with_name(f"{path.stem}.{os.getpid()}.part.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(part, **dict(zip(KEPT, out, strict=True)))
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        why = error.strerror or error
        warnings.warn(f"fits cannot be kept in {path.parent} ({why}): they are made anew", stacklevel=3)
