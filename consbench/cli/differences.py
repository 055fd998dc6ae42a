"""A comparison on a terminal: one table per pair of models, then who is like whom, then what it rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from consbench.cli.tables import STANDIN_NOTE, number, wide_console
from consbench.statistics.comparison import Comparison, Difference
from consbench.statistics.families import letters
from consbench.statistics.permutation import smallest_p


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print all of a comparison; what was forced comes first."""
    console = console or wide_console()
    for reason in comparison.forced:
        console.print(Text(f"FORCED, not comparable as it is: {reason}", style="bold red"), soft_wrap=True)
    for a, b in dict.fromkeys((d.a, d.b) for d in comparison.differences):
        console.print(Text.assemble(("A ", "dim"), (a, "bold"), ("   B ", "dim"), (b, "bold")))
        console.print(difference_table([d for d in comparison.differences if (d.a, d.b) == (a, b)]))
        console.print()
    if any(len(field.contestants) > 2 for field in comparison.fields):
        console.print(group_table(comparison))
        console.print()
    console.print(Text("\n".join(notes(comparison)), style="dim"), soft_wrap=True)


def difference_table(differences: Sequence[Difference]) -> Table:
    """The differences of one pair of models, a section per dataset."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("dataset")
    table.add_column("metric")
    for title in ("A", "B", "B - A", "interval", "p", "p (Holm)", "detectable"):
        table.add_column(title, justify="right")
    table.add_column("")
    previous = ""
    for d in differences:
        if previous and d.dataset != previous:
            table.add_section()
        table.add_row(
            d.dataset if d.dataset != previous else "",
            d.metric,
            number(d.value_a, d.metric),
            number(d.value_b, d.metric),
            _signed(d.difference),
            "" if math.isnan(d.low) else f"{_signed(d.low)} to {_signed(d.high)}",
            _p(d.p),
            _p(d.p_holm),
            "–" if math.isnan(d.detectable) else f"{d.detectable:.2f}",
            d.verdict,
            style=None if d.told_apart else "dim",
        )
        previous = d.dataset
    return table


def group_table(comparison: Comparison) -> RenderableType:
    """Per dataset and metric the models, best first; models that share a letter are not told apart."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("dataset", "metric", "models, best first; those that share a letter are not told apart"):
        table.add_column(title)
    previous = ""
    for dataset, metric in dict.fromkeys((d.dataset, d.metric) for d in comparison.differences):
        values = comparison.values(dataset, metric)
        of = letters(list(values), comparison.groups(dataset, metric))
        named = "   ".join(f"{label} {number(value, metric)} {of[label]}".rstrip() for label, value in values.items())
        table.add_row(dataset if dataset != previous else "", metric, named)
        previous = dataset
    return table


def notes(comparison: Comparison) -> list[str]:
    """What the numbers are over, and what the tests are of."""
    contestants = {c.label: c for field in comparison.fields for c in field.contestants}
    percent, alpha = f"{100 * comparison.level:g} %", 1 - comparison.level
    lines = [f"protocol {p}" for p in dict.fromkeys(c.run.protocol.id for c in contestants.values())]
    lines.append("order of outputs: " + ", ".join(f"{label} {c.order}" for label, c in contestants.items()))
    for field in comparison.fields:
        counted = f"{field.dataset}: {field.images} images, {field.objects} objects, {field.clicks} clicks"
        left_out = [f"{count} that {label} failed on" for label, count in field.failed.items()]
        left_out += [f"{field.unshared} that were not asked of all"] if field.unshared else []
        lines.append(f"{counted}; clicks left out for all: {', '.join(left_out) or 'none'}")
        least = smallest_p(field.images, comparison.permutations)
        if least * comparison.tests > alpha:
            lines.append(
                f"{field.dataset}: p is {least:.2g} at least, which may not survive {comparison.tests} tests however "
                "clear the difference; compare fewer metrics or models, on more images, or raise --permutations"
            )
    if comparison.resamples:
        lines.append(f"interval: {percent}, {comparison.resamples} bootstrap resamples of images, A and B together")
    lines += [
        "p: if A and B were interchangeable on every image, how often a difference as large would come about; "
        f"{comparison.permutations} swaps",
        f"p (Holm): corrected for {comparison.tests} tests; told apart where it is at most {alpha:.2g}",
        f"detectable: the true difference that these images would show in 80 % of trials, in one test at {alpha:.2g}",
        f"seed {comparison.seed}",
    ]
    if any(label.endswith("*") or "* " in label for label in contestants):
        lines.append("* is shown the ground truth")
    if any(field.dataset.startswith("standin") for field in comparison.fields):
        lines.append(STANDIN_NOTE)
    return lines


def _signed(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.2f}"


def _p(p: float) -> str:
    """Format a p-value.

    >>> _p(0.04213), _p(0.0001), _p(math.nan)
    ('0.042', '<0.001', '–')
    """
    if math.isnan(p):
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}"
