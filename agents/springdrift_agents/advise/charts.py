"""The pictures of a report, as SVG for a wide and for a narrow page."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from springdrift_agents.advise.advice import Advice, square_root
from springdrift_agents.advise.strategies import INTERVENE, RETRAIN
from springdrift_agents.advise.summary import rows

WIDE, NARROW = 8.6, 3.7  # inches; a page shows one or the other
INK, FAINT, MODEL, BASE, GOOD, BAD = "#1f2933", "#9aa5b1", "#2f6fb0", "#b4690e", "#2e7d4f", "#b3261e"
COLOURS = {
    "never": "#9aa5b1",
    "calendar": "#2f6fb0",
    "override": "#b4690e",
    "threshold": "#2e7d4f",
    "cusum": "#6a4c93",
    "page-hinkley": "#b23a72",
    "adwin": "#00798c",
    "both": "#5c4a1f",
    "learned": "#2f7f86",
    "optimum": "#1f2933",
    "dummy": "#c9c2b8",
}
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "springdrift",
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "DejaVu Sans", "sans-serif"],
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "text.parse_math": False,  # a series may be called $x$
}


def pictures(advice: Advice) -> dict[str, dict[str, str]]:
    """SVG text by picture and width ("wide" or "narrow")."""
    drawn: dict[str, Callable[[Advice, float], Figure]] = {"timeline": timeline, "staleness": staleness}
    if advice.prices is not None:
        drawn["costs"] = costs
    if advice.sensitivity is not None:
        drawn["sensitivity"] = sensitivity
    if advice.ratios:
        drawn["ratios"] = ratios
    made = {}
    with mpl.rc_context(STYLE):
        for name, draw in drawn.items():
            made[name] = {
                label: _svg(draw(advice, width), f"{name}-{label}")
                for label, width in (("wide", WIDE), ("narrow", NARROW))
            }
    return made


def _svg(figure: Figure, prefix: str) -> str:
    """The figure as an SVG element whose ids are its own on a page with others."""
    out = io.StringIO()
    FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'(id="|url\(#|href="#)', lambda m: f"{m[1]}{prefix}-", text)
    return re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)


def _figure(width: float, height: float, panels: int = 1, **options: Any) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(panels, 1, **options)


def timeline(advice: Advice, width: float) -> Figure:
    """The series, the error of the model in service, and when each strategy acted."""
    judged = advice.judged
    names = [*judged.candidates, "optimum"]
    figure, (above, middle, below) = _figure(
        width, 5.2, 3, sharex=True, height_ratios=(2.2, 2.2, 0.28 * len(names) + 0.4)
    )
    cycles = advice.cycles
    start = judged.stretches[0][0]
    times, values = cycles.times, cycles.values
    above.fill_between(times, values.min(axis=1), values.max(axis=1), color=MODEL, alpha=0.25, lw=0)
    above.plot(times, values.mean(axis=1), color=MODEL, lw=0.9)
    above.set_ylabel(_short(advice.recording.name, 24))
    above.axvspan(times[0], times[start], color=FAINT, alpha=0.15, lw=0)
    above.text(0.01, 0.96, "settings chosen on" if width > 5 else "chosen on", transform=above.transAxes,
               va="top", fontsize=8)  # fmt: skip
    shown = ["never"] if judged.recommended == "never" else ["never", judged.recommended]
    for name in shown:
        errors, when = [], []
        for run, (first, table) in zip(judged.candidates[name].runs, judged.stretches, strict=True):
            errors += table.errors(run.serving).tolist()
            when += times[first : first + table.cycles].tolist()
        label = "never retrained" if name == "never" else f"as recommended ({name})"
        middle.plot(np.array(when, "datetime64[us]"), errors, color=COLOURS[name], lw=0.9, label=label)
    naive = np.concatenate([table.naive for _, table in judged.stretches])
    middle.plot(times[start : start + len(naive)], naive, color=BASE, lw=0.6, alpha=0.6, label="baseline")
    middle.set_ylabel("rms error")
    middle.set_ylim(bottom=0)
    middle.legend(loc="upper left", fontsize=7.5, ncols=3 if width > 5 else 1)
    for k, name in enumerate(names):
        runs = judged.candidate(name).runs
        for run, (first, _) in zip(runs, judged.stretches, strict=True):
            for action, mark, colour in ((RETRAIN, "|", MODEL), (INTERVENE, ".", BASE)):
                at = first + np.flatnonzero(run.actions == action)
                below.plot(times[at], np.full(len(at), k), mark, color=colour, ms=7 if mark == "|" else 2)
    for first, _ in judged.stretches:
        for axes in (above, middle, below):
            axes.axvline(times[first], color=FAINT, lw=0.6, ls=":")
    below.set_yticks(range(len(names)), names, fontsize=7.5)
    below.set_ylim(len(names) - 0.5, -0.5)
    marked = times[np.linspace(0, len(times) - 1, 6 if width > 5 else 3).astype(int)]
    span = (times[-1] - times[0]) / np.timedelta64(365, "D")
    below.set_xticks(marked, [str(time)[: 4 if span > 12 else 7 if span > 1 else 10] for time in marked])
    return figure


def staleness(advice: Advice, width: float) -> Figure:
    """Error against the age of the model, with its 95 % band."""
    aging = advice.aging
    figure, axes = _figure(width, 2.7)
    axes.fill_between(aging.age, aging.low, aging.high, color=MODEL, alpha=0.2, lw=0, label="95 % interval")
    axes.plot(aging.age, aging.error, color=MODEL, label="model")
    naive = float(np.mean(np.concatenate([table.naive for _, table in advice.judged.stretches])))
    axes.axhline(naive, color=BASE, lw=1, ls="--", label="baseline")
    rule = square_root(advice)
    if rule is not None and rule.value <= aging.age[-1]:
        axes.axvline(rule.value, color=GOOD, lw=1, label="square-root rule")
    axes.set_xlabel(f"age of the model, cycles of one {advice.length(1)}")
    axes.set_ylabel("rms error")
    low, high = axes.get_ylim()
    axes.set_ylim(max(0.0, low), high + 0.25 * (high - low))
    axes.legend(loc="upper left", fontsize=7.5, ncols=4 if width > 5 else 2)
    return figure


def costs(advice: Advice, width: float) -> Figure:
    """What each strategy costs a year, by term."""
    table = rows(advice)
    figure, axes = _figure(width, 0.34 * len(table) + 0.9)
    for k, row in enumerate(table):
        if "errors" not in row:
            axes.barh(k, row["cost_a_year"], color=COLOURS["dummy"])
            continue
        left = 0.0
        for term, colour in (("errors", MODEL), ("interventions", BASE), ("retrainings", GOOD)):
            axes.barh(k, row[term], left=left, color=colour, label=f"{term}" if k == 0 else None)
            left += row[term]
    axes.set_yticks(range(len(table)), [row["strategy"] for row in table])
    axes.invert_yaxis()
    axes.set_xlabel(f"cost a year{', ' + _short(advice.currency, 8) if advice.currency else ''}")
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(7 if width > 5 else 3))
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    figure.legend(loc="outside upper right", ncols=3, fontsize=8)
    return figure


def sensitivity(advice: Advice, width: float) -> Figure:
    """Which strategy is cheapest at which prices."""
    sense = advice.sensitivity
    assert sense is not None
    names = [name for name in COLOURS if any(name in row for row in sense.winner)]
    cells = np.array([[names.index(name) for name in row] for row in sense.winner])
    figure, axes = _figure(width, 0.42 * len(cells) + (1.0 if width > 5 else 1.3))
    colours = ListedColormap([COLOURS[name] for name in names])
    columns, lines = np.arange(cells.shape[1] + 1) - 0.5, np.arange(len(cells) + 1) - 0.5
    axes.pcolormesh(columns, lines, cells, cmap=colours, vmin=-0.5, vmax=len(names) - 0.5, alpha=0.45,
                    edgecolors="white", lw=1)  # fmt: skip
    for (i, j), k in np.ndenumerate(cells):
        text = names[int(k)] if width > 5 else names[int(k)][:4]
        axes.text(j, i, text, ha="center", va="center", fontsize=7.5)
    axes.set_xticks(range(len(sense.retrain)), [_amount(p) for p in sense.retrain], fontsize=8)
    axes.set_xlabel("price of a retraining")
    if len(cells) > 1:
        axes.set_yticks(range(len(sense.intervene)), [_amount(p) for p in sense.intervene], fontsize=8)
        axes.set_ylabel("of an intervention")
    else:
        axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return figure


def ratios(advice: Advice, width: float) -> Figure:
    """What the cheapest strategy saves, for each price of a retraining."""
    figure, axes = _figure(width, 2.7)
    x = [one.ratio for one in advice.ratios]
    axes.semilogx(x, [100 * one.saving for one in advice.ratios], color=INK, lw=0.8)
    for name in COLOURS:
        mine = [one for one in advice.ratios if one.family == name]
        if mine:
            axes.plot([one.ratio for one in mine], [100 * one.saving for one in mine], "o", ms=5,
                      color=COLOURS[name], label=name)  # fmt: skip
    axes.set_xlabel(f"price of a retraining, in {advice.length(1)}s of a fresh model's error")
    axes.set_ylabel("saved against never, %")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
    return figure


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
