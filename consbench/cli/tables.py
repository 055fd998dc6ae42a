"""Summaries on a terminal: one row per model and dataset, and Figure 4 as bars of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from consbench.run import Summary

PERCENT = "mIoU-object", "mIoU-part"
SHADES = "█▓▒░"
BAR = 40


def number(value: float, metric: str) -> str:
    """Format a value as tables print it: percents with two decimals, ratios with two and a ×, undefined as –.

    >>> number(12.345, "CVR@0.5"), number(1.5, "size-ratio"), number(math.nan, "CVR@0.5")
    ('12.35', '1.50×', '–')
    """
    if math.isnan(value):
        return "–"
    return f"{value:.2f}×" if metric == "size-ratio" else f"{value:.2f}"


def summary_table(summaries: Sequence[Summary]) -> RenderableType:
    """One row per summary, one column per metric; the signature of the protocol stands below."""
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
    if any(s.dataset.startswith("standin") for s in summaries):
        lines.append(
            "standin-…: drawn stand-in images, made on this machine; no number here is one of the paper's datasets"
        )
    for problem, what in (
        ("missing", "files are missing, and were allowed to be"),
        ("skipped", "images could not be read"),
    ):
        counts = {s.dataset: getattr(s, problem) for s in summaries if getattr(s, problem)}
        lines += [f"{dataset}: {count} {what}" for dataset, count in counts.items()]
    return "\n".join(lines)


def _widths(shares: Sequence[float], width: int) -> list[int]:
    """Whole numbers of characters for shares, their sum never off by more than rounding the total."""
    edges = [0.0]
    for share in shares:
        edges.append(edges[-1] + share * width)
    return [round(b) - round(a) for a, b in pairwise(edges)]
