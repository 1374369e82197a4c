"""A strategy in production: feed it the newest errors once a cycle, get WAIT, INTERVENE or RETRAIN and why.

It needs nothing but Python (a learned policy needs NumPy and safetensors), and a policy that
``springdrift advise`` wrote::

    from springdrift_agents.advise import Monitor

    monitor = Monitor.load("policy.json")
    for cycle in cycles:                                  # as each begins
        advice = monitor.step(newest_error, newest_baseline_error)   # None where none is known yet
        if advice.action == "RETRAIN":
            start_training()                              # it counts the latency itself
        elif advice.action == "INTERVENE":
            serve_the_baseline()
        log(advice.action, advice.reason)

The errors are rms errors of one cycle: of the model in service, whether it was served or not, and of the
safe baseline. A learned policy reads more of a cycle, which :func:`springdrift_agents.advise.dashboard.seen`
works out: ``monitor.step(seen=seen(measured, forecast, baseline, fit_error))``.
"""

import json
import math
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from springdrift_agents.advise.dashboard import Dashboard, Seen

FORMAT = 1
TRIGGERS: dict[str, dict[str, float]] = {  # parameters of each, and what they are if not given
    "never": {},
    "calendar": {"every": 30},
    "threshold": {"level": 2.0, "cooldown": 6, "wait": 0},
    "cusum": {"limit": 5.0, "slack": 0.5, "cooldown": 0, "wait": 0},
    "page-hinkley": {"limit": 8.0, "slack": 0.25, "cooldown": 0, "wait": 0},
    "adwin": {"delta": 0.002, "cooldown": 0, "wait": 0},
    "learned": {},
}
CHARTS = ("cusum", "page-hinkley")
LEARNED = {"network": "ppo-series", "sha256": "", "level": 0.0, "by_hand": True}  # what "learned" adds
OVERRIDE = {"margin": 0.0, "memory": 3}
LOUDEST = 4.0  # standard deviations: one wild error is no more evidence than this
TINY = 1e-12


class Advice(NamedTuple):
    """What to do in the cycle that begins, and why."""

    action: str  # "WAIT", "INTERVENE" or "RETRAIN"
    reason: str


class Chart:
    """How far the errors of a model have risen above those of a fresh one, summed up in standard deviations.

    CUSUM (Page 1954) counts from a fresh model's error, Page-Hinkley from the mean error so far.

    >>> chart = Chart("cusum", usual=1.0, spread=0.5, slack=0.5)
    >>> [round(chart.add(error), 2) for error in (1.0, 2.0, 2.0)]
    [0.0, 0.89, 1.77]
    """

    def __init__(self, trigger: str, usual: float, spread: float, slack: float) -> None:
        self.from_mean, self.usual, self.spread, self.slack = trigger == "page-hinkley", usual, spread, slack
        self.reset()

    def reset(self) -> None:
        """Begin with a model that is fresh."""
        self._sum = self._mean = 0.0
        self._count = 0

    def add(self, error: float) -> float:
        """The statistic with one error more."""
        z = deviation(error, self.usual, self.spread)
        self._count += 1
        self._mean += (z - self._mean) / self._count
        self._sum = max(0.0, self._sum + z - (self._mean if self.from_mean else 0.0) - self.slack)
        return self._sum


def deviation(error: float, usual: float, spread: float) -> float:
    """How many standard deviations of its logarithm an error lies above a fresh model's."""
    return max(-LOUDEST, min(LOUDEST, math.log(max(error, TINY) / max(usual, TINY)) / spread))


class Monitor:
    """A retraining strategy that is run one cycle at a time.

    Args:
        policy: a mapping as in ``policy.json``: ``trigger`` (a name from ``TRIGGERS``), ``parameters`` of
            it, ``override`` (None, or ``margin`` and ``memory``), ``usual`` (rms error of a fresh model),
            ``spread`` (standard deviation of its logarithm), ``latency`` and ``label_delay`` in cycles. The
            trigger "learned" has besides ``network`` (the name of one that ships, or a file), ``sha256`` of
            its weights, ``level`` (mean measurement when the model was commissioned) and ``by_hand``
            (whether it may override).

    Raises:
        ValueError: a policy that is none, naming the part and what is allowed.

    >>> monitor = Monitor({"trigger": "threshold", "parameters": {"level": 2.0}, "usual": 1.0})
    >>> [monitor.step(error).action for error in (None, 1.1, 2.5, 2.6)]
    ['WAIT', 'WAIT', 'RETRAIN', 'WAIT']
    """

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.policy = check_policy(policy)
        self.trigger: str = self.policy["trigger"]
        self.parameters: dict[str, float] = self.policy["parameters"]
        self._network: Any = _network(self.policy) if self.trigger == "learned" else None
        self.reset()

    @classmethod
    def load(cls, path: str | Path) -> "Monitor":
        """A monitor from a file that ``springdrift advise`` wrote.

        Raises:
            ValueError: no such policy; says what is wrong.
            OSError: the file cannot be read.
        """
        try:
            policy = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as wrong:
            raise ValueError(f"{path} holds no policy: {wrong}") from None
        if not isinstance(policy, dict):
            raise ValueError(f"{path} holds no policy, but {type(policy).__name__}")
        return cls(policy)

    def reset(self) -> None:
        """Start again with a model that is fresh."""
        self.cycle = 0  # that begins with the next step
        self._deployed = 0  # cycle from which on the model in service serves
        self._lands: int | None = None  # cycle in which the one in training is deployed
        self._asked = -(10**9)
        self._alarmed: int | None = None  # cycle of an alarm that waits for fresh data
        self._worse: deque[float] = deque(maxlen=int((self.policy["override"] or OVERRIDE)["memory"]))
        if self._network is not None:
            self._network.reset()
            self._dashboard = Dashboard(self.policy["usual"], self.policy["level"], self.policy["latency"])
            self._decided: deque[str] = deque(maxlen=self.policy["label_delay"] + 1)
        self._forget()

    def _forget(self) -> None:
        """Statistics of the errors of the model in service begin anew."""
        given = self.parameters
        self._adwin = _adwin(given["delta"]) if self.trigger == "adwin" else None
        self._chart = (
            Chart(self.trigger, self.policy["usual"], self.policy["spread"], given["slack"])
            if self.trigger in CHARTS
            else None
        )

    def step(
        self, error: float | None = None, baseline_error: float | None = None, seen: Seen | None = None
    ) -> Advice:
        """The decision for the cycle that begins.

        Args:
            error: rms error of the model in service in the newest cycle whose measurements are known; None
                where none is.
            baseline_error: of the safe baseline in the same cycle.
            seen: all that is known of that cycle, instead of the two; a learned policy needs it.

        Raises:
            ValueError: an error that is negative or not a finite number; errors alone for a learned policy.
        """
        if seen is not None:
            error, baseline_error = seen.error, seen.baseline_error
        elif self._network is not None and error is not None:
            raise ValueError(
                "a learned policy needs seen=..., which springdrift_agents.advise.dashboard.seen makes"
            )
        for name, value in (("error", error), ("baseline_error", baseline_error)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be None or a finite number from 0 on, got {value!r}")
        now, self.cycle = self.cycle, self.cycle + 1
        if self._lands == now:
            self._deployed, self._lands = now, None
            self._forget()
            self._worse.clear()
        if self._network is not None:
            return self._learned(now, seen)
        known = now - 1 - self.policy["label_delay"]
        fresh = error is not None and known >= self._deployed  # else it is the error of the model before
        alarm = self._alarm(error if fresh else None, now)
        if fresh and baseline_error is not None and error is not None:
            self._worse.append(self._cost(error) - self._cost(baseline_error))
        if self._lands is None and alarm and now - self._asked >= self.parameters.get("cooldown", 0):
            self._asked, self._alarmed = now, None
            self._lands = now + self.policy["latency"]
            return Advice("RETRAIN", alarm)
        return self._override()

    def _learned(self, now: int, seen: Seen | None) -> Advice:
        """What the network decides."""
        board = self._dashboard
        if now:
            overrode = len(self._decided) == self._decided.maxlen and self._decided[0] == "INTERVENE"
            board.pass_cycle(self._decided[-1], seen, overrode)
        if self._deployed == now and now:
            board.deploy()
        training = None if self._lands is None else self._lands - now
        allowed = ("WAIT", "INTERVENE", "RETRAIN") if self.policy["by_hand"] else ("WAIT", "RETRAIN")
        action = self._network.decide(board.columns(training), allowed)
        if action == "RETRAIN" and self._lands is not None:
            action = "WAIT"  # one is in training already
        if action == "RETRAIN":
            self._lands = now + self.policy["latency"]
        self._decided.append(action)
        return Advice(action, "" if action == "WAIT" else f"the network {self.policy['network']} decides so")

    def _alarm(self, error: float | None, now: int) -> str:
        """Why to retrain now, or nothing."""
        given = self.parameters
        if self.trigger == "calendar":
            return f"{given['every']:g} cycles have passed" if (now + 1) % int(given["every"]) == 0 else ""
        if error is not None and self._lands is None and self._alarmed is None and self._exceeds(error):
            self._alarmed = now
        if self._alarmed is None or now - self._alarmed < given.get("wait", 0):
            return ""
        return self._why

    def _exceeds(self, error: float) -> bool:
        """Take in an error; whether the trigger's statistic leaves its limit."""
        given, usual = self.parameters, self.policy["usual"]
        if self._chart is not None:
            value, limit = self._chart.add(error), given["limit"]
            if value > limit:
                self._why = f"the error's {self.trigger} statistic is {value:.2g}, above {limit:.2g}"
            return value > limit
        if self._adwin is not None:
            self._adwin.update(deviation(error, usual, self.policy["spread"]))
            self._why = "ADWIN finds that the error has risen"
            return bool(self._adwin.drift_detected and self._adwin.estimation > 0)
        if self.trigger == "threshold":
            ratio, level = error / max(usual, TINY), given["level"]
            if ratio > level:
                self._why = f"the error is {ratio:.2g} times that of a fresh model, above {level:.2g}"
            return ratio > level
        return False

    def _override(self) -> Advice:
        wanted = self.policy["override"]
        if wanted is None or not self._worse:
            return Advice("WAIT", "")
        gain = sum(self._worse) / len(self._worse)
        if gain <= wanted["margin"]:
            return Advice("WAIT", "")
        return Advice("INTERVENE", f"the baseline has cost {gain:.3g} a cycle less than the model")

    def _cost(self, error: float) -> float:
        return float(self.policy["error_cost"]) * error


def check_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    """A policy with every part filled in, or a ValueError that names one and what is allowed."""
    if policy.get("format", FORMAT) != FORMAT:
        raise ValueError(f"policy format {policy['format']!r} is unknown; this version reads {FORMAT}")
    trigger = policy.get("trigger")
    if trigger not in TRIGGERS:
        raise ValueError(f"unknown trigger {trigger!r}; allowed: {', '.join(TRIGGERS)}")
    parameters = {**TRIGGERS[trigger], **_mapping(policy.get("parameters"), "parameters")}
    override = policy.get("override")
    if override is not None:
        override = {**OVERRIDE, **_mapping(override, "override")}
    for names, given, what in (
        (TRIGGERS[trigger], parameters, f"parameters of {trigger}"),
        (OVERRIDE, override or {}, "override"),
    ):
        for name, value in given.items():
            if name not in names:
                raise ValueError(f"unknown {name!r} in {what}; allowed: {', '.join(names) or 'none'}")
            _number(f"{what}: {name}", value, -math.inf if name == "margin" else 0.0)
    for name, given in (("every", parameters), ("memory", override or {})):
        if name in given and not (given[name] >= 1 and given[name] == int(given[name])):
            raise ValueError(f"{name} must be a whole number from 1 on, got {given[name]!r}")
    filled = {
        "format": FORMAT,
        "usual": 1.0,
        "spread": 1.0,
        "error_cost": 1.0,
        "latency": 1,
        "label_delay": 0,
    }
    filled.update({name: policy[name] for name in policy if name in filled})
    if trigger == "learned":
        filled.update({name: policy.get(name, usual) for name, usual in LEARNED.items()})
        _number("level", filled["level"], -math.inf)
        for name, kind in (("network", str), ("sha256", str), ("by_hand", bool)):
            if not isinstance(filled[name], kind):
                raise ValueError(f"{name} must be a {kind.__name__}, got {filled[name]!r}")
        if filled["usual"] == 0:
            raise ValueError("usual must be above 0 for a learned policy")
    for name in ("usual", "spread", "error_cost"):
        _number(name, filled[name], 0.0)
    if filled["spread"] <= 0:
        raise ValueError("spread must be above 0")
    for name, least in (("latency", 1), ("label_delay", 0)):
        value = filled[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}")
    return {**policy, **filled, "trigger": trigger, "parameters": parameters, "override": override}


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a mapping of name to number, got {value!r}")
    return dict(value)


def _number(name: str, value: Any, low: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or value < low
    ):
        raise ValueError(f"{name} must be a finite number{'' if low < 0 else ' from 0 on'}, got {value!r}")


def _network(policy: Mapping[str, Any]) -> Any:
    from springdrift_agents.advise.learned import DashboardNetwork  # NumPy: no other trigger needs it

    return DashboardNetwork(policy["network"], policy["sha256"])


def _adwin(delta: float) -> Any:
    from river.drift import ADWIN  # of the extra ``cli``; no other trigger needs it

    return ADWIN(delta=delta, clock=1)
