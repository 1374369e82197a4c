"""``springdrift/TimeSeriesOps-v0``: five decisions, with fine-tuning and versions to go back to."""

from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import FIVE_ACTIONS
from springdrift.series import state as fields
from springdrift.series.catalogue import Scenarios
from springdrift.series.costs import OPS_TERMS, OpsCosts
from springdrift.series.env import TimeSeriesEnv, TimeSeriesVectorEnv
from springdrift.series.forecaster import PROFILE, Shape, fit
from springdrift.series.laws import BadRelease, Jump, Recurring, Walk
from springdrift.series.observation import OPS_OBSERVE
from springdrift.series.output import MODES, OPS_MODES
from springdrift.series.recording import Recording
from springdrift.series.scenario import GENERATED, Scenario
from springdrift.series.staleness import RIDGE_MODEL, Staleness, harmonics_of
from springdrift.series.state import OPS_TRUTH_NAMES, VERSION_NAMES, Tracks, tracks_of
from springdrift.series.versions_optimum import ops_optimum as ops_optimum
from springdrift.series.versions_problem import OpsProblem, bad_releases, ops_problem
from springdrift.series.world import SeriesWorld

_ALL = (
    *(scenario for scenario in GENERATED.values() if not scenario.members),
    Scenario(
        "bad-release",
        "the season jumps, and now and then a deployment goes wrong although the fit looked right",
        (Jump("lag", (-0.4, 0.4), 0.15), BadRelease(0.4)),
        "retrain after a jump; roll back what turns out worse than the version before",
    ),
    Scenario(
        "returning",
        "two regimes take turns: the season's phase and shape, and how strong the longer season is",
        (
            Recurring(
                ({"lag": 0.0, "shape": 0.0, "long": 0.3}, {"lag": 0.2, "shape": 0.6, "long": 1.2}),
            ),
        ),
        "roll back: the version before was fitted on the regime that returned",
        gap=(20, 40),
    ),
    Scenario(
        "two-speed",
        "the level walks slowly, and now and then the season jumps",
        (Walk("level", 0.05, (-10.0, 10.0)), Jump("lag", (-0.4, 0.4), 0.2)),
        "fine-tune after the walk, retrain after a jump",
        gap=(60, 100),
    ),
)
OPS_SCENARIOS = Scenarios(
    {
        **GENERATED,
        **{scenario.name: scenario for scenario in _ALL},
        "mix-ops": replace(
            GENERATED["mix"], name="mix-ops", members=tuple(scenario.name for scenario in _ALL)
        ),
    }
)


@lru_cache(maxsize=32)
def _coefficients(recording: Recording, shape: Shape) -> NDArray[np.float64]:
    """Those of every fit that could be asked for, (N, PROFILE + P); zeros before the first."""
    found = np.zeros((recording.length, PROFILE + shape.period))
    waves = harmonics_of(shape)
    for at in range(shape.history - shape.validation, recording.length):
        fit(recording.seen, at, 0, shape, waves, found[at])
    return found


class SeriesOpsWorld(SeriesWorld):
    """A batch of forecasts in service whose operator can also fine-tune, and roll back to the version before.

    Options are those of :class:`~springdrift.series.world.SeriesWorld`, and so is what they do. A fine-tuning
    refits on the newest few cycles, leaning strongly on the last retraining, and is live in the next cycle,
    without waiting for a release slot. A rollback puts the version that served before into service at once;
    the next one takes it back. The model is the ridge regression: others cannot be fine-tuned.
    """

    scenarios, prices, observations = OPS_SCENARIOS, OpsCosts, OPS_OBSERVE
    actions = FIVE_ACTIONS
    terms: ClassVar = OPS_TERMS
    truth_names: ClassVar = (*OPS_TRUTH_NAMES, *VERSION_NAMES)
    version_names: ClassVar = VERSION_NAMES
    modes: ClassVar = {name: mode + OPS_MODES for name, mode in MODES.items()}

    def _table(self, source: Recording, shape: Shape) -> Staleness:
        if self.model != RIDGE_MODEL:
            raise ValueError(f"a model of your own cannot be fine-tuned: model must be {RIDGE_MODEL!r} here")
        return super()._table(source, shape)

    def _tracks(self) -> Tracks:
        tables, kept = [], list[tuple[Any, Any, Any]]()
        for source, shape, table in zip(self.sources, self.shapes, self.tables, strict=True):
            if isinstance(source, Recording) and table is not None:
                tables.append(table)
                kept.append((source.y, source.seen, _coefficients(source, shape)))
        return tracks_of(tables, kept)

    def problem(self, lane: int = 0) -> OpsProblem:  # type: ignore[override]
        """The episode that a lane is in, with all that is still to come: what its exact optimum is of.

        It is that of the whole episode, whatever was decided in it so far. It holds what each of some
        ``cycles ** 2 / 2`` versions would cost in each cycle: 32 MB for 200 cycles.
        """
        s, rows = self.lanes.state[lane], self.rows
        row, start = int(s[fields.ROW]), int(s[fields.START])
        shape, cycles, source = self.shapes[row], int(rows.cycles[row]), self.sources[row]
        bad = np.zeros(cycles, np.bool_)
        if isinstance(source, Recording):
            y, seen = source.y, source.seen
        else:
            count = start + cycles
            y, seen = (
                part[lane, : count * shape.period].reshape(count, shape.period)
                for part in (self.lanes.y, self.lanes.seen)
            )
            episode = self.lanes.episodes[lane] - np.uint32(1)
            bad_releases(self.lanes.seeds[lane], episode, float(rows.plans.bad_release[row]), bad)
        return ops_problem(
            *(y, seen, shape, start, cycles),
            costs=OpsCosts.of(self.costs),
            scale=float(s[fields.SCALE]),
            bad=bad,
            latency=self.latency,
            release_every=int(rows.release_every[row]),
            born=start if rows.cold[row] else 0,
            tuning=(self.rules.tuned, self.rules.pull),
        )


class TimeSeriesOpsEnv(TimeSeriesEnv):
    """A forecast in service with five decisions: wait, intervene, retrain, fine-tune, roll back.

    As :class:`~springdrift.series.env.TimeSeriesEnv`; ``info["version"]`` says which version serves.

    >>> import gymnasium as gym, springdrift
    >>> env = gym.make("springdrift/TimeSeriesOps-v0", scenario="stationary")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(springdrift.Action.FINE_TUNE)
    >>> info["terms"]["fine_tune"], info["version"]["number"], info["version"]["tuned"]
    (0.3, 1.0, 1.0)
    """

    World = SeriesOpsWorld


class TimeSeriesOpsVectorEnv(TimeSeriesVectorEnv):
    """Many of them in one kernel call; as :class:`~springdrift.series.env.TimeSeriesVectorEnv`."""

    Env = TimeSeriesOpsEnv
