"""What the operator of a forecast sees: the shared dashboard as it is meant here, and more on request.

Errors are in *units*: ten times the usual error of the model that was commissioned, so that a model as good
as on its first day reads 0.1. The scale of costs and of the swing is the scenario's tolerance times that
usual error; with the usual tolerance of 10 the two are the same.
"""

from springdrift.game.observation import DASHBOARD, VERSIONS, Column, Table
from springdrift.series.laws import PARAMETERS

USUAL = 0.1  # units: what a healthy model's error reads
HISTORY = 8  # cycles that observe="signals" shows

MONITOR = DASHBOARD.described(
    error=("tanh(ln(e/0.25)/2)", "rms error e of the deployed model in the last known cycle, in units"),
    error_fast=("the same", "its moving average over about 3 cycles"),
    error_slow=("the same", "its moving average over about 20 cycles"),
    bias=("b/(1+|b|)", "mean error b of the deployed model in the last known cycle, in units"),
    swing=(
        "-sqrt(excess)",
        "how far the model fell short of the safe baseline: the excess of its squared error, in scales; "
        "0 where it is no worse",
    ),
    swing_change=("of the same", "its change in the last known cycle; the gauge ends at 1"),
    correlation=("1", "correlation of forecast and measurement over the last known cycle"),
    push=("d/(1+|d|)", "mean of the forecast that was served against the commissioning level, in units"),
    override_effect=("+-sqrt(excess)", "what the last intervention spared; below 0 where it did harm"),
    since_retrain=("n/(n+20)", "cycles since retraining was last asked for"),
    since_intervene=("n/(n+20)", "cycles since the last intervention"),
    in_flight=("(n+1)/(latency+1)", "n cycles of training left; 0 when none is in flight"),
    model_age=("n/(n+20)", "cycles since the model was deployed"),
    fit_error=("tanh(ln(e/0.25)/2)", "error of the newest fit on its own window, in units"),
    alarm=("s/(s+1)", "Page-Hinkley statistic s of the error since deployment"),
    peak=("1 - rms/peak", "how far one sample's error stands out: 0 even, 0.8 a single outlier of 24"),
    level=("d/(1+|d|)", "mean measurement of two cycles against commissioning, in units"),
    time_left=("1", "share of the episode before the deadline"),
)
_SIGNALS = (
    ("error", -1, "tanh(ln(e/0.25)/2)", "rms error of the deployed model"),
    ("naive", -1, "tanh(ln(e/0.25)/2)", "rms error of the safe baseline"),
    ("bias", -1, "b/(1+|b|)", "mean error of the deployed model, in units"),
    ("level", -1, "d/(1+|d|)", "mean measurement against commissioning, in units"),
)
SIGNALS = Table(
    tuple(
        Column(f"{name}_{HISTORY - n}_ago", low, 1, unit, f"{what}, {HISTORY - n} known cycles ago")
        for name, low, unit, what in _SIGNALS
        for n in range(HISTORY)
    )
    + tuple(MONITOR[MONITOR.index(name)] for name in ("in_flight", "model_age", "time_left"))
)
# what is subtracted from each parameter, and what it is divided by, before it is shown
SHOWN = ((0.0, 5.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.5), (0.3, 0.5), (0.0, 1.0), (1.0, 2.0))
assert len(SHOWN) == len(PARAMETERS)
TRUTH = Table(
    tuple(MONITOR)
    + tuple(
        Column(f"true_{name}", -1, 1, f"({name} - {usual:g})/{per:g}", f"true {name}; the gauge ends at 1")
        for name, (usual, per) in zip(PARAMETERS, SHOWN, strict=True)
    )
    + (
        Column("true_error", -1, 1, "as error", "true rms error of the deployed model in the last cycle"),
        Column("true_naive", -1, 1, "as error", "true rms error of the safe baseline in the last cycle"),
        Column("since_change", 0, 1, "n/(n+20)", "cycles since the world last changed; 1 before it does"),
    )
)
OBSERVE = {"monitor": MONITOR, "signals": SIGNALS, "truth": TRUTH}
OPS_OBSERVE = {name: Table((*table, *VERSIONS)) for name, table in OBSERVE.items()}
