"""Summaries on a terminal: the numbers of each run with their intervals, and Figure 4 as bars of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from consbench.run import Score, Summary

SHADES = "█▓▒░"
BAR = 40
STANDIN_NOTE = "standin-…: drawn stand-in images, made on this machine; no number here is one of the paper's datasets"
MINIATURE_NOTE = "…-mini: miniatures trained on drawn images; no number here is one of the paper's models"


def number(value: float, metric: str) -> str:
    """Format a value as tables print it: percents with two decimals, ratios with two and a ×, undefined as –.

    >>> number(12.345, "CVR@0.5"), number(1.5, "size-ratio"), number(math.nan, "CVR@0.5")
    ('12.35', '1.50×', '–')
    """
    if math.isnan(value):
        return "–"
    return f"{value:.2f}×" if metric == "size-ratio" else f"{value:.2f}"


def interval_text(score: Score) -> str:
    """The interval of a number in as few characters as say something: three digits, nothing where there is none.

    >>> interval_text(Score(70.0, 9, 0, "clicks", 68.123, 72.5)), interval_text(Score(0.5, 9, 0, "objects", 0.0, 10.04))
    ('68.1–72.5', '0.00–10.0')
    """
    if math.isnan(score.low):
        return ""
    return "–".join(f"{end:.1f}" if abs(end) >= 9.995 else f"{end:.2f}" for end in (score.low, score.high))


def summary_table(summaries: Sequence[Summary]) -> RenderableType:
    """Per summary one row of numbers and, below, their intervals; one column per metric; notes below all."""
    metrics = [
        name for name in dict.fromkeys(n for s in summaries for n in s) if not name.startswith(("placement", "pooled"))
    ]
    first = [name for name in ("placement@1",) if any(name in s for s in summaries)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("dataset", "model", "order"):
        table.add_column(title)
    for name in (*metrics, *first):
        table.add_column(_title(name), justify="right")
    table.add_column("clicks", justify="right")
    table.add_column("failed", justify="right")
    previous = ""
    for s in summaries:
        if previous and s.dataset != previous:
            table.add_section()
        cells = [number(s[name].value, name) if name in s else "" for name in (*metrics, *first)]
        table.add_row(
            s.dataset if s.dataset != previous else "",
            s.model + ("*" if s.privileged else ""),
            s.order,
            *cells,
            str(s.clicks),
            str(s.failed) if s.failed else "0",
            style="red" if s.failed else None,
        )
        below = [interval_text(s[name]) if name in s else "" for name in (*metrics, *first)]
        counted = f"{s.images} images, {s.objects} objects" if s.dataset != previous else ""
        if counted or any(below):
            table.add_row(counted, "", "", *below, style="dim")
        previous = s.dataset
    return Group(table, Text(_footnotes(summaries), style="dim"))


def placement_chart(summaries: Sequence[Summary]) -> RenderableType:
    """Figure 4 in characters: one stacked bar per model, share of clicks by position of the object."""
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for title in ("dataset", "model", "object in position 1, 2, 3 of all outputs", "%"):
        table.add_column(title)
    previous = ""
    for s in summaries:
        total = sum(s.positions)
        shares = [count / total if total else 0.0 for count in s.positions[:-1]]
        bar = "".join(SHADES[min(k, len(SHADES) - 1)] * width for k, width in enumerate(_widths(shares, BAR)))
        percents = " / ".join(f"{100 * share:.1f}" for share in shares)
        table.add_row(
            s.dataset if s.dataset != previous else "", f"{s.model} ({s.order})", bar.ljust(BAR, "·"), percents
        )
        previous = s.dataset
    return table


def print_summaries(summaries: Sequence[Summary], console: Console | None = None) -> None:
    """Print the table, then the chart."""
    console = console or wide_console()
    console.print(summary_table(summaries))
    console.print()
    console.print(placement_chart(summaries))


def is_standin(dataset: str) -> bool:
    """Whether a dataset is one of the drawn ones."""
    return dataset.startswith("standin")


def is_miniature(model: str) -> bool:
    """Whether a model is one of the miniatures, by its name.

    >>> is_miniature("sam-mini"), is_miniature("sam-mini-continued"), is_miniature("sam")
    (True, True, False)
    """
    return "mini" in model.split("-")


def wide_console() -> Console:
    """A console as wide as the terminal; where there is none, wide enough that no table is cut."""
    console = Console()
    return console if console.is_terminal else Console(width=200)


def _title(metric: str) -> str:
    return {
        "mIoU-object": "mIoU object",
        "mIoU-part": "mIoU part",
        "size-ratio": "mask 1 / object",
        "placement@1": "position 1 %",
    }.get(metric, metric)


def _footnotes(summaries: Sequence[Summary]) -> str:
    lines = [f"protocol {p}" for p in dict.fromkeys(s.protocol for s in summaries)]
    if any(s.privileged for s in summaries):
        lines.append("* is shown the ground truth")
    lines += [
        f"below each number: {100 * level:g} % interval, {resamples} bootstrap resamples of images, seed {seed}"
        for level, resamples, seed in dict.fromkeys((s.level, s.resamples, s.seed) for s in summaries if s.resamples)
    ]
    if any(score.low == score.high for s in summaries for score in s.values()):
        lines.append("an interval of one point: these images are all alike, which is no proof that others would be")
    lines += _undefined(summaries)
    if any(is_standin(s.dataset) for s in summaries):
        lines.append(STANDIN_NOTE)
    if any(is_miniature(s.model) for s in summaries):
        lines.append(MINIATURE_NOTE)
    for problem, what in (
        ("missing", "files are missing, and were allowed to be"),
        ("skipped", "images could not be read"),
    ):
        counts = {s.dataset: getattr(s, problem) for s in summaries if getattr(s, problem)}
        lines += [f"{dataset}: {count} {what}" for dataset, count in counts.items()]
    return "\n".join(lines)


def _undefined(summaries: Sequence[Summary]) -> list[str]:
    """What a number is not over, once for all rows of which it is true."""
    rows: dict[tuple[str, str], list[Summary]] = {}
    for s in summaries:
        without: dict[str, list[str]] = {}
        for name, score in s.items():
            if score.undefined and not name.startswith("placement"):
                unit = score.unit.removesuffix("s") if score.undefined == 1 else score.unit
                without.setdefault(f"{score.undefined} {unit}", []).append(name)
        for count, names in without.items():
            rows.setdefault((s.dataset, f"undefined for {count}: {', '.join(names)}"), []).append(s)
    lines = []
    for (dataset, text), found in rows.items():
        everyone = len(found) == sum(s.dataset == dataset for s in summaries)
        who = "" if everyone else f", {', '.join(f'{s.model} ({s.order})' for s in found)}"
        lines.append(f"{dataset}{who}: {text}")
    return lines


def _widths(shares: Sequence[float], width: int) -> list[int]:
    """Whole numbers of characters for shares, their sum never off by more than rounding the total."""
    edges = [0.0]
    for share in shares:
        edges.append(edges[-1] + share * width)
    return [round(b) - round(a) for a, b in pairwise(edges)]
