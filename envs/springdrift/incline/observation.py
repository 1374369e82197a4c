"""What can be observed of the inclined mass: the shared dashboard, raw signals, or the hidden truth."""

from springdrift.game.observation import DASHBOARD as OBS
from springdrift.game.observation import VERSIONS, Column, Table
from springdrift.incline.state import DRIFTING, HISTORY

SIGNALS = Table(
    tuple(
        Column(f"{kind}_{HISTORY - n}_ago", -1, 1, unit, f"{what}, {HISTORY - n} before the next one")
        for kind, unit, what in (
            ("measured", "d/1.5 m", "measurement against the commissioning level"),
            ("forecast", "d/1.5 m", "forecast against the commissioning level"),
            ("force", "F/F0", "force asked of the magnet"),
        )
        for n in range(HISTORY)
    )
    + tuple(OBS[OBS.index(name)] for name in ("in_flight", "model_age", "time_left"))
)
_TRUE = (
    ("stiffness", "k/k0 - 1, a third of it"),
    ("friction", "mu/0.02 - 1"),
    ("tilt", "(tilt - 30 deg), rad, doubled"),
    ("magnet", "B - 1"),
    ("drive", "D/1 N"),
)
TRUTH = Table(
    tuple(OBS)
    + tuple(Column(f"true_{name}", -1, 1, unit, f"true {name}; the gauge ends at 1") for name, unit in _TRUE)
    + (
        Column("true_error", -1, 1, "as error", "true rms forecast error"),
        Column("true_swing", -1, 1, "A/A* - 1", "true amplitude against target"),
        Column("since_change", 0, 1, "n/(n+20)", "cycles since the world last changed; 1 before it does"),
    )
)
assert tuple(name for name, _ in _TRUE) == DRIFTING
OBSERVE = {"monitor": OBS, "signals": SIGNALS, "truth": TRUTH}
OPS_OBSERVE = {name: Table((*table, *VERSIONS)) for name, table in OBSERVE.items()}
# what the kernel is asked to report; OPS_MODES more where what is seen of versions stands behind it
NOTHING, MONITOR_MODE, SIGNALS_MODE, TRUTH_MODE, OPS_MODES = range(-1, 4)
MODES = dict(zip(OBSERVE, (MONITOR_MODE, SIGNALS_MODE, TRUTH_MODE), strict=True))
