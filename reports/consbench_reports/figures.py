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
from consbench_reports.palette import NO_POSITION, ink_on, of_position

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
DOTS_PER_INCH = 300
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
        left.set_yticks(range(len(group)), [_label(s, group) for s in group], parse_math=False)
        left.invert_yaxis()
        left.set_title(name, loc="left", fontsize=10, fontweight="bold", parse_math=False)
    panels[-1, 0].set_xlabel("clicks (%), matched among all outputs")
    panels[-1, 1].set_xlabel("clicks (%), matched among the first two outputs")
    widest = max(len(s.positions) - 1 for s in summaries)
    handles = [_patch(of_position(k), f"object in position {k + 1}") for k in range(widest)]
    if any(s.positions[-1] or s.positions_of_2[-1] for s in summaries):
        handles.append(_patch(NO_POSITION, "in none"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=9)
    return figure


def save(figure: Figure, stem: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write a figure as `stem.svg` and so on; the bytes of SVG and PDF depend on the figure alone.

    Text stays text in SVG and PDF, so that it can be searched and set in the font of a paper.
    """
    import matplotlib as mpl

    dateless = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, so that all formats show the same
    for axes in figure.axes:
        # the solver's last digits vary, and names inside an SVG are made from positions
        axes.set_position(tuple(round(value, 6) for value in axes.get_position().bounds))
    files = []
    for form in formats:
        file = stem.with_suffix(f".{form}")
        with mpl.rc_context({"svg.hashsalt": "consbench", "svg.fonttype": "none", "pdf.fonttype": 42}):
            figure.savefig(file, dpi=DOTS_PER_INCH, metadata=dateless.get(form))
        files.append(file)
    return files


def _stacked_bars(axes: Axes, counts: Sequence[Sequence[int]]) -> None:
    for row, positions in enumerate(counts):
        total, left = sum(positions), 0.0
        for k, count in enumerate(positions):
            share = 100 * count / total if total else 0.0
            colour = NO_POSITION if k == len(positions) - 1 else of_position(k)
            axes.barh(row, share, left=left, color=colour, height=0.72, edgecolor="white", linewidth=0.6)
            if share >= 7:
                axes.text(
                    left + share / 2,
                    row,
                    f"{share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color=ink_on(colour),
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
