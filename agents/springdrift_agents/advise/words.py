"""Advice in words: the recommendation, the strategies, and what the figures rest on."""

import math
from typing import Any

from springdrift_agents.advise.advice import RATIOS, Advice
from springdrift_agents.evaluation.statistics import Interval

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
