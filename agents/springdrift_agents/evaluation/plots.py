"""Pictures of a comparison, in one design language: Okabe and Ito's colours, one a cost term."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import SCENARIOS, TERMS
from springdrift.render.view import COLOURS, FAINT, GOOD, HAND, HIDDEN, INK, MODEL, TRAIN
from springdrift_agents.evaluation.maps import Cell
from springdrift_agents.evaluation.report import Row, best_of
from springdrift_agents.evaluation.trace import Trace
from springdrift_agents.files import replacing
from springdrift_agents.text import label

NOTE = "mean cost of an episode, lower is better; black: 95 % interval; bold: the lowest"
AXIS, ROW, NARROWEST = 3.3, 0.23, 6.4  # inches: width of a panel's bars, height of a row, width of a picture


def compare_plot(rows: Sequence[Row], path: Path, title: str) -> None:
    """A panel for each scenario: cost by policy, stacked by term, with its 95 % interval.

    Everything is placed in inches, by the measured width of its text: nothing overlaps or is cut, whatever
    the number of scenarios and policies and the length of their names.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scenarios = list(dict.fromkeys(row["scenario"] for row in rows))
    policies = list(dict.fromkeys(row["policy"] for row in rows))
    across = min(3, len(scenarios))
    figure = Figure(dpi=120, facecolor="white")
    measure = Measure(FigureCanvasAgg(figure))
    margin = max(measure(label(policy), 8.5, bold=True) for policy in policies) + 0.15
    wide = max(AXIS, NARROWEST / across - margin - 0.45)  # of the bars
    span = margin + wide + 0.35  # of a panel, from its labels to the next one's
    width = span * across + 0.1
    summaries = {name: SCENARIOS[name].summary if name in SCENARIOS else "" for name in scenarios}
    lines = {name: measure.wrap(text, 7.6, wide + 0.2) for name, text in summaries.items()}
    heads = [
        max(len(lines[name]) for name in scenarios[n : n + across]) for n in range(0, len(scenarios), across)
    ]
    bars = ROW * len(policies) + 0.08
    tops = [0.32 + 0.125 * head for head in heads]  # inches over the bars of each line of panels
    titles = measure.wrap(label(title), 13, width - 0.3, bold=True)
    header = 0.27 * len(titles) + 0.62
    height = header + sum(top + bars + 0.42 for top in tops)
    figure.set_size_inches(width, height)
    _compare_head(figure, titles)
    y = header
    for n, scenario in enumerate(scenarios):
        top, column = tops[n // across], n % across
        left = 0.1 + span * column + margin
        place = (left / width, 1 - (y + top + bars) / height, wide / width, bars / height)
        axis = figure.add_axes(place)
        _compare_panel(axis, [row for row in rows if row["scenario"] == scenario], best_of(rows, scenario))
        over: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
        up = 5.5 + 9.2 * len(lines[scenario])  # points
        axis.annotate("\n".join(lines[scenario]), (0, 1), (0, 3), fontsize=7.6, color=FAINT, **over)
        axis.annotate(label(scenario), (0, 1), (0, up), fontsize=10.5, fontweight="bold", color=INK, **over)
        if column == across - 1:
            y += top + bars + 0.42
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    """Write a figure, whole or not at all."""
    with replacing(path) as part:
        figure.savefig(part)


class Measure:
    """How wide texts are on a canvas, in inches."""

    def __init__(self, canvas: Any) -> None:
        self._canvas, self._dpi = canvas, canvas.figure.dpi

    def __call__(self, text: str, size: float, bold: bool = False) -> float:
        from matplotlib.font_manager import FontProperties

        font = FontProperties(size=size, weight="bold" if bold else "normal")
        wide, _, _ = self._canvas.get_renderer().get_text_width_height_descent(text, font, False)
        return float(wide / self._dpi)

    def wrap(self, text: str, size: float, width: float, bold: bool = False) -> list[str]:
        """The text in lines no wider than ``width``, broken between words."""
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self(longer, size, bold) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines


def _compare_head(figure: Any, titles: Sequence[str]) -> None:
    """Title, note and legend, each on lines of its own."""
    from matplotlib.patches import Patch

    width, height = figure.get_size_inches()
    left = 0.12 / width
    figure.text(
        left, 1 - 0.1 / height, "\n".join(titles), fontsize=13, fontweight="bold", va="top", color=INK,
        linespacing=1.25,
    )  # fmt: skip
    under = 0.14 + 0.27 * len(titles)
    figure.text(left, 1 - under / height, NOTE, fontsize=8.5, va="top", color=FAINT)
    figure.legend(
        handles=[Patch(color=COLOURS[term], label=term) for term in TERMS],
        loc="upper left",
        ncols=len(TERMS),
        frameon=False,
        fontsize=8.5,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.4,
        bbox_to_anchor=(left, 1 - (under + 0.21) / height),
    )


def _compare_panel(axis: Any, here: Sequence[Row], best: Collection[str]) -> None:
    """Bars of one scenario."""
    for place, row in enumerate(here):
        left = 0.0
        for term in TERMS:
            axis.barh(place, row[term], left=left, height=0.68, color=COLOURS[term], linewidth=0)
            left += row[term]
        axis.plot([row["low"], row["high"]], [place, place], color=INK, linewidth=1.4)
        axis.text(
            max(left, row["high"] if row["high"] == row["high"] else left),
            place,
            f"  {row['cost']:.0f}" if row["cost"] >= 10 else f"  {row['cost']:.1f}",
            va="center",
            fontsize=8,
            color=INK,
            fontweight="bold" if row["policy"] in best else "normal",
        )
    axis.set_yticks(range(len(here)), [label(row["policy"]) for row in here], fontsize=8.5)
    bold = {label(name) for name in best}
    for tick in axis.get_yticklabels():
        if tick.get_text() in bold:
            tick.set_fontweight("bold")
    axis.set_ylim(len(here) - 0.5, -0.5)
    ends = [value for row in here for value in (row["cost"], row["high"]) if value == value]
    axis.set_xlim(0, 1.16 * max(*ends, 0.1))
    axis.tick_params(axis="x", labelsize=7.5, colors=FAINT, length=2)
    axis.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.spines["bottom"].set_color("#cccccc")


def detector_plot(rows: Sequence[Row], path: Path) -> None:
    """Delay against the false-alarm rate, a panel for each size of the shift."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    changes = sorted({row["change"] for row in rows})
    detectors = list(dict.fromkeys(row["detector"] for row in rows))
    figure = Figure(figsize=(3.1 * len(changes) + 0.4, 3.9), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(changes), squeeze=False)[0]
    for axis, change in zip(axes, changes, strict=True):
        for name, colour, marker in zip(detectors, (MODEL, HAND, TRAIN, GOOD), "os^D", strict=False):
            here = [row for row in rows if row["detector"] == name and row["change"] == change]
            axis.errorbar(
                [row["arl0"] for row in here],
                [row["delay"] for row in here],
                yerr=[1.96 * row["error"] for row in here],
                color=colour,
                marker=marker,
                markersize=4.5,
                linewidth=1.4,
                label=label(name),
            )
        axis.set_xscale("log")
        rates = sorted({row["arl0"] for row in rows})
        axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axis.minorticks_off()
        axis.set_title(f"shift of {change:g} σ", loc="left", fontsize=10, fontweight="bold", color=INK)
        axis.set_xlabel("values between false alarms (ARL0)", fontsize=8, color=FAINT)
        axis.set_ylim(bottom=0)
        axis.tick_params(labelsize=8, colors=FAINT)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    axes[0].set_ylabel("values to the alarm", fontsize=8, color=FAINT)
    figure.legend(
        *axes[0].get_legend_handles_labels(), frameon=False, fontsize=8, ncols=4, loc="lower center"
    )
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    _save(figure, path)


def map_plot(cells: Sequence[Cell], path: Path, title: str) -> None:
    """Price ratio across, latency down: the winner's colour, and how much the runner-up costs more."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle

    ratios = sorted({cell.ratio for cell in cells})
    latencies = sorted({cell.latency for cell in cells})
    winners = sorted({cell.winner for cell in cells})
    palette = (MODEL, TRAIN, HAND, GOOD, "#CC79A7", "#56B4E9", "#F0E442", "#999999")
    colour = {name: palette[n % len(palette)] for n, name in enumerate(winners)}
    figure = Figure(
        figsize=(1.15 * len(ratios) + 1.6, 0.62 * len(latencies) + 1.9), dpi=120, facecolor="white"
    )
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    for cell in cells:
        x, y = ratios.index(cell.ratio), latencies.index(cell.latency)
        shade = 0.2 + 0.5 * min(1.0, cell.margin / 0.3)
        axis.add_patch(Rectangle((x, y), 1, 1, color=colour[cell.winner], alpha=shade, linewidth=0))
        text = (
            f"{label(cell.winner)}\n+{100 * cell.margin:.0f} %"
            if cell.sure
            else f"{label(cell.winner)}\nnot sure"
        )
        axis.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=7.5, color=INK)
    axis.set_xlim(0, len(ratios))
    axis.set_ylim(len(latencies), 0)
    axis.set_xticks(np.arange(len(ratios)) + 0.5, [f"{ratio:g}" for ratio in ratios], fontsize=8.5)
    axis.set_yticks(np.arange(len(latencies)) + 0.5, [str(latency) for latency in latencies], fontsize=8.5)
    axis.set_xlabel("price of a retraining, in interventions", fontsize=9, color=FAINT)
    axis.set_ylabel("cycles until the new model is live", fontsize=9, color=FAINT)
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)
    axis.set_title(label(title), loc="left", fontsize=11, fontweight="bold", color=INK, pad=10)
    figure.legend(
        handles=[Patch(color=colour[name], label=label(name)) for name in winners],
        loc="lower center",
        ncols=min(4, len(winners)),
        frameon=False,
        fontsize=8.5,
    )
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    _save(figure, path)


def timeline_plot(courses: Mapping[str, Trace], episode: int, target: float, path: Path, title: str) -> None:
    """One world under several strategies: swing, forecast error and decisions over the cycles."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(9.5, 1.25 * len(courses) + 1.3), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(courses), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, one) in zip(axes, courses.items(), strict=True):
        cycles = np.arange(len(one.terms)) + 1
        axis.axhline(1.0, color="#cccccc", linewidth=0.8)
        axis.plot(cycles, one.swing[:, episode] / target, color=GOOD, linewidth=1.3)
        axis.plot(cycles, np.sqrt(np.minimum(one.error[:, episode], 4.0)), color=MODEL, linewidth=1.0)
        for cycle in np.flatnonzero(one.changed[:, episode]):
            axis.axvline(cycle, color=HIDDEN, linewidth=1.2, linestyle=(0, (4, 2)))
        for action, colour, marker in ((1, HAND, "^"), (2, TRAIN, "s")):
            at = np.flatnonzero(one.actions[:, episode] == action)
            axis.plot(at + 0.5, np.full(len(at), 2.15), marker, color=colour, markersize=4, linestyle="none")
        axis.set_ylim(0, 2.35)
        axis.set_yticks([0, 1, 2])
        axis.tick_params(labelsize=7.5, colors=FAINT, length=2)
        cost = one.terms[:, episode].sum()
        axis.text(
            -0.075, 0.5, label(name), transform=axis.transAxes, ha="right", va="center", fontsize=9, color=INK
        )
        axis.text(
            1.01, 0.5, f"{cost:.1f}", transform=axis.transAxes, va="center", fontsize=10, fontweight="bold"
        )
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    axes[-1].set_xlabel("cycle", fontsize=8.5, color=FAINT)
    axes[0].set_title(label(title), loc="left", fontsize=11, fontweight="bold", color=INK)
    handles = [
        Line2D([], [], color=GOOD, label="swing, of target"),
        Line2D([], [], color=MODEL, label="forecast error, rms of target's"),
        Line2D([], [], color=HIDDEN, linestyle="--", label="the world changed"),
        Line2D([], [], color=HAND, marker="^", linestyle="none", label="pushed by hand"),
        Line2D([], [], color=TRAIN, marker="s", linestyle="none", label="retraining"),
        Line2D([], [], color="none", label="bold: cost"),
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=6,
        frameon=False,
        fontsize=8,
    )
    figure.tight_layout(rect=(0.0, 0.45 / figure.get_size_inches()[1], 1, 1), h_pad=0.3)
    _save(figure, path)


def ranking_plot(rows: Sequence[Row], costs: Mapping[str, NDArray[np.float64]], path: Path) -> None:
    """The ranking with its intervals, and performance profiles: the share of episodes below a cost."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter

    figure = Figure(figsize=(11.5, 0.34 * len(rows) + 2.2), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    for place, row in enumerate(rows):
        for interval, colour, marker in ((row["cost"], INK, "o"), (row["iqm"], MODEL, "D")):
            left.plot([interval.low, interval.high], [place, place], color=colour, linewidth=1.6)
            left.plot(interval.value, place, marker, color=colour, markersize=4.5)
    left.set_yticks(range(len(rows)), [label(row["policy"]) for row in rows], fontsize=8.5)
    left.invert_yaxis()
    left.set_xlim(left=0)
    left.set_title("cost of an episode, all scenarios", loc="left", fontsize=10, fontweight="bold", color=INK)
    left.set_xlabel("mean (black) and interquartile mean (blue), 95 % intervals", fontsize=8, color=FAINT)
    palette = (MODEL, HAND, TRAIN, GOOD, HIDDEN, "#56B4E9", "#8a6d00", "#777777")
    for n, row in enumerate(rows):
        values = np.sort(costs[row["policy"]])
        share = (np.arange(len(values)) + 1) / len(values)
        style = ("-", "--", ":")[n // len(palette) % 3]
        colour = palette[n % len(palette)]
        right.step(values, share, where="post", color=colour, ls=style, lw=1.3, label=row["policy"])
    right.set_xscale("log")
    right.xaxis.set_major_formatter("{x:g}")
    right.xaxis.set_minor_formatter(LogFormatter())  # labels where the costs span less than a decade
    right.set_ylim(0, 1)
    right.set_title("share of episodes below a cost", loc="left", fontsize=10, fontweight="bold", color=INK)
    right.legend(frameon=False, fontsize=7.5, loc="upper left")
    for axis in (left, right):
        axis.tick_params(axis="both", which="both", labelsize=8, colors=FAINT)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    figure.tight_layout(w_pad=2)
    _save(figure, path)
