"""Figures from summaries, as matplotlib figures that a notebook shows and `save` writes.

Figure 4 in the paper's form: one stacked bar per model, the share of clicks whose object mask is in
position 1, 2, 3; matched among all outputs, and beside it among the first two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from consbench.errors import UsageError
from consbench.run import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (
    "#1d3557",
    "#5b8fb9",
    "#b6d0e2",
    "#e3d5ca",
    "#d5bdaf",
    "#b08968",
)  # told apart in grey and by the colour-blind
NO_POSITION = "#d9d9d9"
ROW_INCHES, HEAD_INCHES = 0.3, 0.62


def figure_4(summaries: Sequence[Summary]) -> Figure:
    """Draw the ordering histogram: a row of panels per dataset, all outputs left, the first two right.

    Raises UsageError without summaries.
    """
    from matplotlib.figure import Figure  # not pyplot: no backend, no global state

    if not summaries:
        raise UsageError("a figure needs at least one run")
    datasets = [(name, list(group)) for name, group in groupby(summaries, key=lambda s: s.dataset)]
    heights = [HEAD_INCHES + ROW_INCHES * len(group) for _, group in datasets]
    figure = Figure(figsize=(9.0, sum(heights) + 0.75), layout="constrained")
    panels = figure.subplots(len(datasets), 2, squeeze=False, sharex=True, sharey="row", height_ratios=heights)
    for (name, group), (left, right) in zip(datasets, panels, strict=True):
        _stacked_bars(left, [s.positions for s in group])
        _stacked_bars(right, [s.positions_of_2 for s in group])
        left.set_yticks(range(len(group)), [_label(s, group) for s in group])
        left.invert_yaxis()
        left.set_title(name, loc="left", fontsize=10, fontweight="bold")
    panels[-1, 0].set_xlabel("clicks (%), matched among all outputs")
    panels[-1, 1].set_xlabel("clicks (%), matched among the first two outputs")
    widest = max(len(s.positions) - 1 for s in summaries)
    handles = [_patch(COLOURS[k % len(COLOURS)], f"object in position {k + 1}") for k in range(widest)]
    if any(s.positions[-1] or s.positions_of_2[-1] for s in summaries):
        handles.append(_patch(NO_POSITION, "in none"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=9)
    return figure


def save(figure: Figure, stem: Path, formats: Sequence[str] = ("svg", "png")) -> list[Path]:
    """Write a figure as `stem.svg` and so on; the bytes of an SVG depend on the figure alone."""
    import matplotlib as mpl

    files = []
    for form in formats:
        file = stem.with_suffix(f".{form}")
        with mpl.rc_context({"svg.hashsalt": "consbench", "svg.fonttype": "none"}):
            figure.savefig(file, dpi=200, metadata={"Date": None} if form == "svg" else None)
        files.append(file)
    return files


def _stacked_bars(axes: Axes, counts: Sequence[Sequence[int]]) -> None:
    for row, positions in enumerate(counts):
        total, left = sum(positions), 0.0
        for k, count in enumerate(positions):
            share = 100 * count / total if total else 0.0
            colour = NO_POSITION if k == len(positions) - 1 else COLOURS[k % len(COLOURS)]
            axes.barh(row, share, left=left, color=colour, height=0.72, edgecolor="white", linewidth=0.6)
            if share >= 7:
                dark = k == 0 and k != len(positions) - 1
                axes.text(
                    left + share / 2,
                    row,
                    f"{share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if dark else "#1d1d1d",
                )
            left += share
        if not total:
            axes.text(1, row, "no answered click", va="center", fontsize=8, color="#777777")
    axes.set_xlim(0, 100)
    axes.tick_params(axis="both", length=0, labelsize=9)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _label(summary: Summary, group: Sequence[Summary]) -> str:
    orders = {s.order for s in group if s.model == summary.model}
    return f"{summary.model} ({summary.order})" if len(orders) > 1 or summary.order != "native" else summary.model


def _patch(colour: str, label: str) -> object:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label)
