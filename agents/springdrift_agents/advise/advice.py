"""Advice on a series: everything that the report, the JSON and the terminal say, worked out once."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.series.staleness import RIDGE_MODEL
from springdrift_agents.advise import judge as judging
from springdrift_agents.advise import period as periods
from springdrift_agents.advise import prices as pricing
from springdrift_agents.advise.cycles import Cycles, cut, without_drivers
from springdrift_agents.advise.findings import Finding
from springdrift_agents.advise.grid import Recording, Step, load, mend
from springdrift_agents.advise.judged import Judged
from springdrift_agents.advise.monitor import FORMAT
from springdrift_agents.advise.strategies import INTERVENE, RETRAIN, Prices, stretch
from springdrift_agents.evaluation.statistics import Interval

MOST_CYCLES = 4000  # that are compared: every fit with every later cycle
RATIOS = np.geomspace(0.1, 3000.0, 28)


@dataclass(frozen=True)
class Advice:
    """What to do about a series, and all that it rests on."""

    recording: Recording
    season: periods.Season | None  # None where the period was given
    cycles: Cycles
    prices: Prices | None  # None where none were given
    currency: str
    latency: int
    delay: int
    judged: Judged
    aging: pricing.Aging
    sensitivity: pricing.Sensitivity | None
    ratios: list[pricing.Ratio]
    alarms: dict[str, list[pricing.Alarm]]
    findings: tuple[Finding, ...]
    model: str

    @property
    def period(self) -> int:
        """Measurements a cycle."""
        return int(self.cycles.values.shape[1])

    @property
    def policy(self) -> dict[str, Any]:
        """What ``policy.json`` holds: the recommended strategy with settings chosen on the whole record."""
        chosen = self.judged.candidates[self.judged.recommended].final
        about = {
            "series": self.recording.name,
            "strategy": self.judged.recommended,
            "cycle": self.length(1),
            "window": self.judged.window,
            "chosen_on": f"{_day(self.cycles.times[0])} to {_day(self.cycles.times[-1])}",
        }
        return {"format": FORMAT, **chosen, "about": about}

    def length(self, cycles: float) -> str:
        """So many cycles in words.

        A cycle of 24 hourly measurements is a day.
        """
        step = self.recording.step
        if step.months:
            return str(
                Step(step.seconds * self.period * cycles, max(1, round(step.months * self.period * cycles)))
            )
        return str(Step(round(step.seconds * self.period * cycles)))

    def a_year(self, interval: Interval) -> Interval:
        """Money a year from money a cycle."""
        return Interval(*(self.cycles.per_year * value for value in interval))

    def saving(self, name: str, other: str = "never") -> Interval:
        """What a strategy saves a year beside another."""
        gap = self.a_year(self.judged.difference(name, other))
        return Interval(-gap.value, -gap.high, -gap.low)

    def money(self, value: float) -> str:
        """An amount in the user's currency, to three digits."""
        if not math.isfinite(value):
            return "any amount"
        value += 0.0 if abs(value) >= 0.005 else -value  # no minus before a zero
        digits = 0 if abs(value) >= 100 else 2 if abs(value) < 10 else 1
        size = 10 ** max(0, math.floor(math.log10(abs(value))) - 2) if abs(value) >= 1000 else 1
        return f"{round(value / size) * size if size > 1 else value:,.{digits}f} {self.currency}".strip()


def _day(time: Any) -> str:
    return str(np.datetime64(time, "D"))


@dataclass(frozen=True)
class Question:
    """What advice is asked for: how the model is run, and what that costs."""

    period: int | None  # measurements of a season; None: to be found
    error_cost: float | None  # of one unit of error of one measurement
    retrain_cost: float | None
    intervene_cost: float | None  # None: overriding is no choice
    currency: str
    latency: int  # cycles
    label_delay: int  # cycles
    window: int | None  # cycles; None: to be tried out
    model: Any
    false_alarm: int  # cycles between two of a detector

    def __post_init__(self) -> None:
        if (self.error_cost is None) != (self.retrain_cost is None):
            raise ValueError(
                "give both --error-cost and --retrain-cost, or neither: only their ratio matters"
            )
        if self.intervene_cost is not None and self.error_cost is None:
            raise ValueError("--intervene-cost needs --error-cost and --retrain-cost beside it")
        for name, value, low, high in (
            ("latency", self.latency, 1, 1000),
            ("label-delay", self.label_delay, 0, 1000),
            ("window", self.window, 3, 1000),
            ("false-alarm", self.false_alarm, 10, 10_000),
        ):
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high
            ):
                raise ValueError(f"{name} must be a whole number from {low} to {high} cycles, got {value!r}")

    @property
    def prices(self) -> Prices | None:
        """In the user's money, if they were given."""
        if self.error_cost is None or self.retrain_cost is None:
            return None
        return Prices(self.error_cost, self.retrain_cost, self.intervene_cost or 0.0)

    @property
    def by_hand(self) -> bool:
        """Whether overriding is a choice."""
        return self.intervene_cost is not None

    @property
    def families(self) -> list[str]:
        """The strategies to compare."""
        return [name for name in judging.FAMILIES if self.by_hand or name not in ("override", "both")]

    @property
    def model_name(self) -> str:
        """The model, for people."""
        return (
            self.model
            if isinstance(self.model, str)
            else getattr(self.model, "__name__", type(self.model).__name__)
        )


def advise(
    source: Any,
    time: str,
    value: str,
    *,
    period: int | None = None,
    error_cost: float | None = None,
    retrain_cost: float | None = None,
    intervene_cost: float | None = None,
    currency: str = "",
    latency: int = 1,
    label_delay: int = 0,
    window: int | None = None,
    model: Any = RIDGE_MODEL,
    drivers: Sequence[str] = (),
    false_alarm: int = 100,
    tell: Callable[[str], None] = lambda what: None,
    **reading: Any,
) -> Advice:
    """Which retraining strategy would have cost least on your own series, by how much, and how sure that is.

    Args:
        source: path of a CSV, Parquet or SQLite file, or a data frame that narwhals knows.
        time: name of the column with the times.
        value: name of the column with the measurements.
        period: measurements of a season; found, or refused, if None.
        error_cost: what one unit of error of one measurement costs; None with ``retrain_cost`` None gives
            the answer as a function of their ratio.
        retrain_cost: what a retraining costs.
        intervene_cost: what serving the safe baseline costs a cycle; None: overriding is no choice.
        currency: of the costs, for the report.
        latency: cycles from the request of a retraining to its deployment.
        label_delay: cycles until a measurement is known.
        window: cycles that a fit looks back; tried out if None.
        model: "ridge", or a function that makes an estimator with scikit-learn's fit and predict.
        drivers: columns known in advance that help to forecast.
        false_alarm: cycles between two false alarms of a detector.
        tell: is told what is being done.
        reading: ``table``, ``dates``, ``zone``, ``decimal`` of :func:`springdrift_agents.advise.grid.load`.

    Raises:
        DataError: the data cannot be used; says what is wrong, where, and what to do.
        ValueError: an option out of range.
    """
    question = Question(
        period, error_cost, retrain_cost, intervene_cost, currency, latency, label_delay, window, model,
        false_alarm,
    )  # fmt: skip
    return _answer(question, load(source, time, value, drivers=tuple(drivers), **reading), tell)


def _answer(question: Question, recording: Recording, tell: Callable[[str], None]) -> Advice:
    season = periods.find(recording) if question.period is None else None
    cycles, notes = _cycles_of(recording, season.period if season else int(question.period or 0))
    values = without_drivers(cycles, question.window or 28)
    given, families = question.prices, question.families
    prices = given or _example(values)
    judged = judging.judge(
        values,
        cycles.long_period,
        prices,
        latency=question.latency,
        delay=question.label_delay,
        window=question.window,
        model=question.model,
        rate=question.false_alarm,
        families=families,
        tell=tell,
    )
    whole = stretch(judged.found, judged.first, len(values) - judged.first, question.latency)
    tell("how the answer depends on prices")
    tried = pricing.pool(whole, prices, question.false_alarm, judged.window, question.by_hand)
    return Advice(
        recording,
        season,
        cycles,
        given,
        question.currency,
        question.latency,
        question.label_delay,
        judged,
        pricing.aging(whole),
        pricing.sensitivity(tried, given) if given else None,
        pricing.by_ratio(tried, judged.normal.usual, values.shape[1], RATIOS) if not given else [],
        {
            name: pricing.alarms(name, judged.candidates[name].runs, judged.stretches, prices)
            for name in families
            if name not in ("never", "override")
        },
        notes,
        question.model_name,
    )


def _cycles_of(recording: Recording, period: int) -> tuple[Cycles, tuple[Finding, ...]]:
    """A recording in cycles, no more than can be compared, and what was found on the way."""
    cycles = cut(mend(recording, period), period)
    if len(cycles.values) <= MOST_CYCLES:
        return cycles, cycles.findings
    note = Finding("cycles", len(cycles.values), (), f"the newest {MOST_CYCLES:,} were compared")
    return _newest(cycles, MOST_CYCLES), (*cycles.findings, note)


def _newest(cycles: Cycles, count: int) -> Cycles:
    return cycles._replace(
        values=cycles.values[-count:],
        times=cycles.times[-count:],
        drivers={name: rows[-count:] for name, rows in cycles.drivers.items()},
    )


def _example(values: NDArray[np.float64]) -> Prices:
    """Prices for the pictures where none were given: a retraining costs ten cycles of usual error."""
    usual = float(np.sqrt(np.mean(np.diff(values, axis=0) ** 2))) or 1.0
    return Prices(1.0 / (usual * values.shape[1]), 10.0, 0.0)


def square_root(advice: Advice) -> Interval | None:
    """The calendar that the square-root rule gives, cycles, where errors grow with age."""
    if advice.prices is None:
        return None
    slope = advice.aging.slope
    price = advice.prices.error * advice.period
    if slope.low <= 0 or price <= 0:
        return None
    rule = [
        math.sqrt(2 * advice.prices.retrain / (price * part)) for part in (slope.value, slope.high, slope.low)
    ]
    return Interval(*rule)


def rates(advice: Advice, name: str) -> tuple[float, float]:
    """Retrainings and interventions a year of a strategy on the judged stretches."""
    judged = advice.judged
    runs = judged.candidate(name).runs
    actions = np.concatenate([run.actions for run in runs])
    per_year = advice.cycles.per_year / len(actions)
    return float((actions == RETRAIN).sum() * per_year), float((actions == INTERVENE).sum() * per_year)
