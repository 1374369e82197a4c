"""What a player is told before and during a first round."""

from collections.abc import Mapping, Sequence

from springdrift import Action
from springdrift.render.canvas import COLOURS, FAINT, GOOD, HAND, INK, LINE, TRAIN
from springdrift.render.frame import MachineFrame
from springdrift.render.view import View

STALE, LOW = 0.5, 0.75  # forecast error of a stale model; swing, of its target, that costs
TITLE = "Keep the mass swinging, for as little as you can"
GOAL = (
    "A forecast model drives the magnet that keeps the mass swinging. The world drifts, and the model goes "
    "stale: it pushes wrongly, the swing dies, and every such cycle costs. Each cycle you decide once. The "
    "lowest cost at the deadline wins; the rules and a plan that knew the future play the same world."
)


def hint(frame: MachineFrame, prices: Mapping[str, float], latency: int) -> str:
    """One sentence on what the dashboard shows now, and what could be done.

    Args:
        frame: the moment.
        prices: by cost term.
        latency: cycles until a new model is live.
    """
    push, retrain = prices["intervene"], prices["retrain"]
    if frame.time == 0:
        return (
            "Blue is where the model forecasts the mass. While they move together the model is good: SPACE "
            "waits, and costs nothing."
        )
    error = frame.errors[-1] if len(frame.errors) else 0.0
    swing = frame.swings[-1] / frame.target if len(frame.swings) else 1.0
    if frame.training == frame.training:
        return (
            f"A new model is in training. Until it is live, ↑ keeps it swinging for {push:g} a cycle."
            if swing < LOW
            else "A new model is in training; the swing holds, so SPACE waits."
        )
    if error > STALE:
        advice = f"→ retrains for {retrain:g}, live {latency} cycles later, on the last 6 cycles as they are"
        if swing < LOW:
            return f"Forecasts err and the swing falls: {advice}; ↑ pushes by hand meanwhile, for {push:g}."
        return f"Forecasts err: the world may have changed. {advice}: too soon, and it learns the old world."
    if swing < LOW:
        return f"The swing is low but the forecasts hold: ↑ pushes for {push:g}; a new model is no help."
    return "Forecasts and swing are good: SPACE waits."


def draw_title(view: View, scenario: str, cycles: int, prices: Mapping[str, float], latency: int) -> None:
    """The card before the first round, over the picture: goal, decisions with prices and keys, signs."""
    left, right = 112.0, 848.0
    lines = view.wrap(GOAL, right - left, 14)
    decisions = [
        ("WAIT", "SPACE", "the deployed model carries on", "free", INK),
        ("PUSH", "↑", "push by hand for one cycle: cures nothing", f"{prices['intervene']:g}", HAND),
        ("RETRAIN", "→", f"a new model, live in {latency} cycles", f"{prices['retrain']:g}", TRAIN),
    ]
    if "rollback" in prices:
        tuned = "adjust the model to the newest 3 cycles, live in the next"
        decisions += [
            ("TUNE", "F", tuned, f"{prices['fine_tune']:g}", COLOURS["fine_tune"]),
            ("BACK", "←", "the version before, at once", f"{prices['rollback']:g}", COLOURS["rollback"]),
        ]
    row, line = view.height(15) + 12, view.height(14)
    high = view.height(24) + line * len(lines) + len(decisions) * row + 3 * view.height(13) + 98
    y = (600 - high) / 2
    view.box(84, y, 792, high, "#ffffff", INK, 8)
    y += 18
    view.text(TITLE, left, y, 24, INK, bold=True, fit=right - left)
    y += view.height(24) + 6
    y += view.paragraph(GOAL, left, y, right - left, 14, INK) + 12
    for name, key, what, cost, colour in decisions:
        view.box(left, y, 116, row - 6, "#ffffff", colour, 5)
        view.text(name, left + 58, y + 2, 15, colour, bold=True, align=0.5, fit=108)
        view.text(key, left + 132, y + 2, 15, INK, bold=True, fit=76)
        view.text(what, left + 216, y + 2, 15, INK, fit=right - left - 290)
        view.text(cost, right, y + 2, 15, INK, bold=True, align=1)
        y += row
    y += 6
    view.box(left, y, right - left, 1, LINE)
    y += 8
    swing = f"a cycle without its swing costs up to {prices['swing']:g}, a wrong forecast up to "
    swing += f"{prices['forecast'] * prices['forecast_cap']:g}"
    view.text(swing, left, y, 13, FAINT, fit=right - left)
    y += view.height(13) + 4
    view.polygon([(left, y + 12), (left + 12, y + 12), (left + 6, y + 2)], GOOD)
    signs = "where the swing should turn · dashed: the target, and the error at which the rule retrains"
    view.text(signs, left + 20, y, 13, FAINT, fit=right - left - 20)
    y += view.height(13) + 14
    view.text(f"{scenario} · {cycles} cycles", left, y, 13, FAINT, fit=260)
    view.text("ENTER plays · G with or without hints", right, y, 14, INK, bold=True, align=1, fit=440)


def draw_hint(view: View, text: str) -> None:
    """A hint over the machine."""
    lines = view.wrap(text, 590, 13)
    high = view.height(13) * len(lines) + 10
    view.box(20, 78, 612, high, "#fffbe8", LINE, 5)
    view.paragraph(text, 30, 83, 590, 13, INK)


def hindsight_told(decisions: Sequence[int]) -> str:
    """What a plan that knew the future did, and when.

    >>> hindsight_told([0, 2, 0, 1, 1])
    'Hindsight retrained in cycle 1 and pushed 2 times.'
    >>> hindsight_told([0, 0])
    'Hindsight only waited.'
    """
    retrains = [cycle for cycle, action in enumerate(decisions) if action == Action.RETRAIN]
    pushes = sum(action == Action.INTERVENE for action in decisions)
    told = []
    if retrains:
        shown = ", ".join(map(str, retrains[:6])) + (f" and {len(retrains) - 6} more" * (len(retrains) > 6))
        told.append(f"retrained in cycle{'s' * (len(retrains) > 1)} {shown}")
    for action, done in ((Action.FINE_TUNE, "fine-tuned"), (Action.ROLLBACK, "rolled back")):
        count = sum(one == action for one in decisions)
        if count:
            told.append(f"{done} {count} time{'s' * (count > 1)}")
    if pushes:
        told.append(f"pushed {pushes} time{'s' * (pushes > 1)}")
    *most, last = told or ["only waited"]
    return f"Hindsight {', '.join(most)} and {last}." if most else f"Hindsight {last}."
