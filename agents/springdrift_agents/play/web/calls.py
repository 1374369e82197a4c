"""How the page calls the kernels: which of their functions, and with what, argument by argument."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import InclinedMassWorld
from springdrift.incline.outputs import empty_outputs
from springdrift.incline.reward import kernel_prices
from springdrift.incline.state import MEASUREMENTS
from springdrift.series import kernel
from springdrift.series.staleness import baseline_all, say_all
from springdrift.series.world import SeriesWorld

Json = dict[str, Any]


class Call(NamedTuple):
    """A compiled function and its arguments by name, as a page with a single world passes them."""

    function: Any
    arguments: Mapping[str, Any]


Calls = dict[str, Call]


def of_incline(world: InclinedMassWorld) -> Calls:
    """The calls of an incline."""
    lanes, substeps = world.batch.width, world.substeps // MEASUREMENTS
    common = {
        "real": world.batch.real,
        "keys": world.batch.keys,
        "plans": world.table.plans,
        "costs": kernel_prices(world.costs),
        "latency": world.latency,
        "substeps": substeps,
        "mode": world.modes[world.observe],
        **_cleared(empty_outputs(1, len(world.observation), len(world.truth_names)))._asdict(),
    }
    chosen, action = np.zeros(1, np.int64), np.zeros(1, np.int64)
    nowhere = np.zeros((0, lanes), np.float32)  # no path is followed into it
    path = np.zeros((MEASUREMENTS * substeps + 1, lanes), np.float32)
    return {
        "begin": Call(
            world.kernel.begin, {"chosen": chosen, "starts": world.starts, **common, "path": nowhere}
        ),
        "advance": Call(
            world.kernel.advance, {"action": action, "first": 0, "last": 1, **common, "path": path}
        ),
    }


def of_series(world: SeriesWorld) -> Calls:
    """The calls of a forecast in service."""
    chosen, action = np.zeros(1, np.int64), np.zeros(1, np.int64)
    lanes, rows, tracks, out = world.lanes, world.rows, world.tracks, _cleared(world.out)
    fixed = {"lanes": lanes, "rows": rows, "tracks": tracks}
    rules, shape = world.rules, world.shapes[0]
    seen = lanes.seen.reshape(-1, shape.period)
    said = {"seen": seen, "first": 0, "shape": shape, "said": np.zeros((1, shape.period))}
    flags = np.zeros(lanes.seen.size, np.uint8)
    return {
        "draw_series": Call(
            kernel.draw_series, {"chosen": chosen, "starts": world.starts, **fixed, "flags": flags}
        ),
        "begin": Call(kernel.begin, {"chosen": chosen, **fixed, "rules": rules, "out": out}),
        "advance": Call(kernel.advance, {"action": action, **fixed, "rules": rules, "out": out}),
        "say_all": Call(say_all, {"model": lanes.models[0, 0], **said}),
        "baseline_all": Call(baseline_all, said),
    }


def _cleared(out: Any) -> Any:
    """Outputs of which nothing is left from before."""
    for part in out:
        part[...] = 0
    return out


def described(calls: Calls) -> Json:
    """The same as JSON: every array once, by its name, and for each function what it takes, in its order.

    An array has a type and a shape, and numbers where they are not all 0; one that is another seen with
    another shape says of which. What is no array is a whole or a real number.
    """
    arrays: Json = {}
    known: dict[tuple[int, tuple[int, ...]], str] = {}  # by where it begins in memory, and its shape
    takes: Json = {}
    for function, call in calls.items():
        takes[function] = []
        for name, value in _leaves(call.arguments):
            if not isinstance(value, np.ndarray):
                whole = isinstance(value, int | np.integer)
                takes[function].append([name, *(("whole", int(value)) if whole else ("real", float(value)))])
                continue
            place = value.ctypes.data, value.shape
            if place not in known:
                first = next((one for (start, _), one in known.items() if start == place[0]), None)
                known[place] = name if name not in arrays else f"{function}.{name}"
                arrays[known[place]] = _array(value) if first is None else {"shape": value.shape, "of": first}
            takes[function].append([name, "array", known[place]])
    return {"arrays": arrays, "calls": takes}


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The parts of named tuples and tuples, as the compiled function takes them: one by one."""
    if isinstance(value, Mapping):
        parts: Any = value.items()
    elif isinstance(value, tuple):
        parts = zip(getattr(value, "_fields", map(str, range(len(value)))), value, strict=True)
    else:
        yield name, value
        return
    for key, part in parts:
        yield from _leaves(part, f"{name}.{key}" if name else key)


def _array(numbers: NDArray[Any]) -> Json:
    about: Json = {"type": numbers.dtype.name, "shape": numbers.shape}
    if not numbers.any():
        return about
    little = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
    return {**about, "base64": b64encode(little.tobytes()).decode()}
