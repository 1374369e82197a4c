"""Recordings: series that happened, cut into cycles, with where they come from and what drifts in them."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from springdrift.game import arguments
from springdrift.game.plain import made
from springdrift.series.costs import TOLERANCE
from springdrift.series.generator import draw
from springdrift.series.scenario import MOST_PERIOD, Scenario

MOST_WINDOW = 1000  # cycles
_FOLDER = files("springdrift.series") / "recordings"


@dataclass(frozen=True, eq=False)
class Recording:
    """A series that happened, N cycles of P samples; episodes are slices of it.

    ``y`` is what happened and ``seen`` what was measured; both (N, P) float32 and finite.

    Raises:
        ValueError: a field out of range, naming it and what is allowed.

    >>> rng = np.random.default_rng(0)
    >>> Recording.of("mine", rng.standard_normal(24 * 100), period=24).y.shape
    (100, 24)
    """

    name: str
    y: NDArray[np.float32]
    seen: NDArray[np.float32]
    period: int  # samples a cycle
    long_period: int = 0  # cycles of the longer season, 0 for none
    window: int = 14  # cycles that a fit sees, where the world is not told otherwise
    tolerance: float = TOLERANCE  # the scale of errors, in usual errors of the commissioned model
    release_every: int = 0  # cycles between the slots in which a model can ship; 0 is any time
    summary: str = ""
    unit: str = ""
    interval: str = ""  # from one sample to the next
    start: str = ""  # date of the first
    drifts: str = ""  # what drifts in it
    source: str = ""
    licence: str = ""
    remedy: str = ""  # what an operator who knew the truth would do
    missing: int = 0  # samples that were filled

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"Recording.name must be a text that is not empty, got {self.name!r}")
        arguments.whole("Recording.period", self.period, 2, MOST_PERIOD)
        arguments.whole("Recording.long_period", self.long_period, 0, 1000)
        arguments.whole("Recording.window", self.window, 2, MOST_WINDOW)
        arguments.number("Recording.tolerance", self.tolerance, 0.01, 1e6)
        arguments.whole("Recording.release_every", self.release_every, 0, arguments.MOST)
        for name in ("y", "seen"):
            values = getattr(self, name)
            if not isinstance(values, np.ndarray) or values.dtype != np.float32 or values.ndim != 2:
                raise ValueError(f"Recording.{name} must be float32 of shape (cycles, period)")
            if values.shape != (len(self.y), self.period) or not np.isfinite(values).all():
                shape = len(self.y), self.period
                raise ValueError(f"Recording.{name} must be finite, of shape {shape}, got {values.shape}")

    @property
    def length(self) -> int:
        """Cycles in the recording."""
        return len(self.y)

    @property
    def content(self) -> str:
        """Digest of the numbers: two recordings of one name may differ."""
        both = hashlib.blake2b(self.y.tobytes(), digest_size=16)
        both.update(self.seen.tobytes())
        return both.hexdigest()

    def to_dict(self) -> Any:
        """The recording as plain data: its name where it ships, else all of its fields."""
        if self.name in RECORDINGS and load(self.name) is self:
            return self.name
        about = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**about, "y": self.y.tolist(), "seen": self.seen.tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The recording that :meth:`to_dict` wrote; raises ValueError where it cannot be one."""
        found: Self = made(cls, data, "a recording", {"y": _cycles, "seen": _cycles})
        return found

    @classmethod
    def of(cls, name: str, values: Any, period: int, **about: Any) -> Self:
        """A recording from a plain series, oldest first; samples at the end that fill no cycle are left out.

        Args:
            name: its name.
            values: (n,) numbers; nan where one is missing. It is filled with what was a cycle before.
            period: samples a cycle.
            about: the other fields.

        Raises:
            ValueError: too short, not one-dimensional, infinite, or nothing known in the first cycle.
        """
        series = np.asarray(values, np.float64)
        period = arguments.whole("period", period, 2, MOST_PERIOD)
        if series.ndim != 1 or len(series) < 2 * period:
            raise ValueError(
                f"values must be one series of at least {2 * period} samples, got {series.shape}"
            )
        if np.isinf(series).any():
            raise ValueError("values must not be infinite")
        cut = series[: len(series) // period * period].reshape(-1, period).copy()
        missing = int(np.isnan(cut).sum())
        if np.isnan(cut[0]).all():
            raise ValueError("the first cycle of a series must not be missing altogether")
        cut[0] = np.where(np.isnan(cut[0]), np.nanmean(cut[0]), cut[0])
        for t in range(1, len(cut)):
            cut[t] = np.where(np.isnan(cut[t]), cut[t - 1], cut[t])
        y = cut.astype(np.float32)
        return cls(name, y, y, period, missing=missing, **about)

    @classmethod
    def generated(
        cls, scenario: Scenario, seed: int, episode: int = 0, cycles: int | None = None, history: int = 23
    ) -> Self:
        """A generated series as a recording: the one that a seed's episode of a scenario brings."""
        if scenario.members:
            raise ValueError(f"{scenario.name!r} is a mixture: pass one of {', '.join(scenario.members)}")
        if scenario.cold_start:
            raise ValueError(f"{scenario.name!r} starts cold; a recording always has a history")
        drawn = draw(scenario, seed, episode, cycles, history)
        return cls(
            *(f"{scenario.name}-{seed}-{episode}", drawn.y, drawn.seen, scenario.period),
            **{name: getattr(scenario, name) for name in ("long_period", "release_every", "tolerance")},
            summary=scenario.summary,
            interval="hour",
            drifts=scenario.remedy,
            source=f"generated: scenario {scenario.name}, seed {seed}, episode {episode}",
            licence="MIT",
        )


def _cycles(rows: Any) -> NDArray[np.float32]:
    return np.array(rows, np.float32)


@cache
def about_recordings() -> dict[str, dict[str, Any]]:
    """What is known of each recording that ships: source, licence, unit, digest and so on, by name."""
    table: dict[str, dict[str, Any]] = json.loads((_FOLDER / "recordings.json").read_text())
    return table


RECORDINGS = tuple(about_recordings())


@cache
def load(name: str) -> Recording:
    """A recording that ships with the package, by its name.

    >>> load("co2").period, load("co2").licence
    (4, 'public domain')
    >>> load("c02")
    Traceback (most recent call last):
    ValueError: unknown recording 'c02'; did you mean 'co2'? Allowed: co2, brent, solar-flux, generation, \
elnino, electricity, traffic, bitcoin

    Raises:
        ValueError: an unknown name, or a file that is not what was shipped.
    """
    table = about_recordings()
    if name not in table:
        hint = arguments.did_you_mean(name, table)
        raise ValueError(f"unknown recording {name!r}{hint} Allowed: {', '.join(table)}")
    about = dict(table[name])
    text = gzip.decompress((_FOLDER / f"{name}.csv.gz").read_bytes())
    if hashlib.sha256(text).hexdigest() != about["sha256"]:
        raise ValueError(f"the file of the recording {name!r} is not the one that was shipped")
    values = [float(line) if line else np.nan for line in text.decode().splitlines()]
    fields = {key: about[key] for key in about if key not in ("sha256", "package", "samples", "period")}
    return Recording.of(name, values, about["period"], **fields)
