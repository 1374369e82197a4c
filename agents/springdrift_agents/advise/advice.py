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
from springdrift_agents.advise.monitor import FORMAT
from springdrift_agents.advise.strategies import INTERVENE, RETRAIN, Prices, stretch
from springdrift_agents.evaluation.statistics import Interval

MOST_CYCLES = 4000  # that are compared: every fit with every later cycle
RATIOS = np.geomspace(0.1, 3000.0, 28)
LABELS = {
    "never": "never retrain",
    "calendar": "retrain by the calendar",
    "override": "serve the baseline while the model is worse",
    "threshold": "retrain when the error is high",
    "cusum": "retrain on a CUSUM alarm",
    "page-hinkley": "retrain on a Page-Hinkley alarm",
    "adwin": "retrain on an ADWIN alarm",
    "both": "the best trigger, and the baseline while the model is worse",
    "learned": "follow the learned policy",
    "optimum": "best decisions with the future known",
    "dummy": "as many retrainings at random times",
}


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
    judged: judging.Judged
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
    _check(error_cost, retrain_cost, intervene_cost, latency, label_delay, window, false_alarm)
    recording = load(source, time, value, drivers=tuple(drivers), **reading)
    season = periods.find(recording) if period is None else None
    season_length = season.period if season else int(period or 0)
    cycles = cut(mend(recording, season_length), season_length)
    notes = list(cycles.findings)
    if len(cycles.values) > MOST_CYCLES:
        notes.append(Finding("cycles", len(cycles.values), (), f"the newest {MOST_CYCLES:,} were compared"))
        cycles = _newest(cycles, MOST_CYCLES)
    values = without_drivers(cycles, window or 28)
    given = None if retrain_cost is None or error_cost is None else Prices(
        error_cost, retrain_cost, intervene_cost or 0.0
    )  # fmt: skip
    by_hand = intervene_cost is not None
    families = [name for name in judging.FAMILIES if by_hand or name not in ("override", "both")]
    prices = given or _example(values)
    judged = judging.judge(
        values,
        cycles.long_period,
        prices,
        latency=latency,
        delay=label_delay,
        window=window,
        model=model,
        rate=false_alarm,
        families=families,
        tell=tell,
    )
    whole = stretch(judged.found, judged.first, len(values) - judged.first, latency)
    tell("how the answer depends on prices")
    tried = pricing.pool(whole, prices, false_alarm, judged.window, by_hand)
    charts = [name for name in families if name not in ("never", "override")]
    return Advice(
        recording,
        season,
        cycles,
        given,
        currency,
        latency,
        label_delay,
        judged,
        pricing.aging(whole),
        pricing.sensitivity(tried, given) if given else None,
        pricing.by_ratio(tried, judged.normal.usual, values.shape[1], RATIOS) if not given else [],
        {
            name: pricing.alarms(name, judged.candidates[name].runs, judged.stretches, prices)
            for name in charts
        },
        tuple(notes),
        model if isinstance(model, str) else getattr(model, "__name__", type(model).__name__),
    )


def _check(
    error: Any, retrain: Any, intervene: Any, latency: Any, delay: Any, window: Any, rate: Any
) -> None:
    if (error is None) != (retrain is None):
        raise ValueError("give both --error-cost and --retrain-cost, or neither: only their ratio matters")
    if intervene is not None and error is None:
        raise ValueError("--intervene-cost needs --error-cost and --retrain-cost beside it")
    for name, value, low, high in (
        ("latency", latency, 1, 1000),
        ("label-delay", delay, 0, 1000),
        ("window", window, 3, 1000),
        ("false-alarm", rate, 10, 10_000),
    ):
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high
        ):
            raise ValueError(f"{name} must be a whole number from {low} to {high} cycles, got {value!r}")


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


# ---------------------------------------------------------------- in words


def sentences(advice: Advice) -> list[str]:
    """The recommendation in two sentences, and what it rests on in a third."""
    return _without_prices(advice) if advice.prices is None else _with_prices(advice)


def _with_prices(advice: Advice) -> list[str]:
    judged, name = advice.judged, advice.judged.recommended
    means = {one: float(judged.costs(one).sum(axis=1).mean()) for one in judged.candidates}
    cheapest = min(means, key=means.__getitem__)
    span = f"the {advice.length(judged.stretches[0][1].cycles)} of each stretch that was judged"
    if name == "never":
        found = [
            "Do not retrain: nothing that was tried is clearly cheaper than leaving the model alone for "
            f"{span}."
        ]
        if cheapest != "never":
            best = advice.saving(cheapest)
            found.append(
                f"The cheapest, to {LABELS[cheapest]}, saved {_range(advice, best)} a year, which may be "
                "chance."
            )
        else:
            found.append("Leaving it alone was the cheapest of all.")
        return found
    saving = advice.saving(name)
    found = [
        f"{describe(advice, name)}: saves {_range(advice, saving)} a year against never retraining in {span}."
    ]
    others = [one for one in judged.candidates if one not in (name, "never")]
    if cheapest != name:
        more = advice.saving(cheapest, name)
        found.append(
            f"Nothing more involved is clearly better: to {LABELS[cheapest]} saves {_range(advice, more)} "
            "more, which may be chance."
        )
    elif name != "calendar" and "calendar" in others:
        more = advice.saving(name, "calendar")
        sure = "" if more.low > 0 else ", which may be chance"
        found.append(f"That is {_range(advice, more)} a year more than the best calendar saves{sure}.")
    return found


def _without_prices(advice: Advice) -> list[str]:
    usual = f"{advice.judged.normal.usual:.3g}"
    some = [one for one in advice.ratios if one.family != "never"]
    unit = f"what a fresh model's error ({usual} rms) costs in one {advice.length(1)}"
    if not some:
        return [
            "Do not retrain, whatever it costs: no strategy was cheaper than leaving the model alone by 2 %, "
            f"from a retraining at {RATIOS[0]:g} times to one at {RATIOS[-1]:,.0f} times {unit}.",
            "Give --error-cost and --retrain-cost for an answer in money, with its uncertainty.",
        ]
    last = some[-1]
    parts = []
    for ratio in (1.0, 10.0, 100.0):
        near = min(advice.ratios, key=lambda one: abs(math.log(one.ratio / ratio)))
        parts.append(f"{ratio:g} times: {_policy_text(advice, near.family, near.policy)}")
    return [
        f"It depends on the price of a retraining in units of {unit}: {'; '.join(parts)}.",
        f"From about {last.ratio:,.3g} times on no retraining pays. These are hindsight on the whole record; "
        "give --error-cost and --retrain-cost for an answer in money, judged on data that did not choose it.",
    ]


def _range(advice: Advice, interval: Interval) -> str:
    value, low, high = (advice.money(part) for part in interval)
    bare = [text.removesuffix(advice.currency).strip() for text in (low, high)]
    return f"{value} [{bare[0]}, {bare[1]}]"


def describe(advice: Advice, name: str) -> str:
    """What a strategy does, with the settings that it would be run with."""
    text = _policy_text(advice, name, advice.judged.candidates[name].final)
    return text[0].upper() + text[1:]


def _policy_text(advice: Advice, name: str, policy: dict[str, Any]) -> str:
    given = policy.get("parameters") or {}
    trigger, hand = policy["trigger"], policy.get("override")
    if trigger == "calendar":
        text = f"retrain every {advice.length(given['every'])}"
    elif trigger == "threshold":
        text = f"retrain when the error exceeds {given['level']:g} times a fresh model's"
    elif trigger == "never":
        text = LABELS["override"] if hand else LABELS["never"]
        return text
    else:
        text = LABELS[trigger]
    if given.get("wait"):
        text += f", after waiting {advice.length(given['wait'])} for fresh data"
    return f"{text}, and serve the baseline while the model is worse" if hand else text


def caveats(advice: Advice) -> list[str]:
    """What the figures rest on, and what was not tested."""
    judged = advice.judged
    count, cycles = len(judged.stretches), judged.stretches[0][1].cycles
    found = [
        f"Settings were chosen on what lay before each of {count} stretches of about {cycles} cycles and "
        "judged on it; all strategies start a stretch with a fresh model.",
        f"Intervals are 95 %, from blocks of {judged.block} cycles; strategies were compared without "
        "correction for their number.",
        f"The model was {advice.model}, fitted on the last {judged.window} cycles; another model ages "
        "differently.",
        "The cost of an error was taken as proportional to its size (rms of a cycle).",
        "Not tested: fine-tuning, rolling back to an earlier version, other features, changes that the "
        "record does not hold, and what decisions do to the series itself.",
    ]
    if advice.cycles.drivers:
        found.append(
            f"The drivers {', '.join(advice.cycles.drivers)} were taken as known for the cycle that is "
            "forecast, and their weights follow the data without a retraining."
        )
    if advice.aging.curved:
        found.append(
            "The error does not grow evenly with age, so the square-root rule is a rough guide here."
        )
    return found


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
