"""Tables from summaries: Markdown, CSV and LaTeX of the same cells, with the protocol below.

Table 1: one row per dataset and model. Table 2: what one model does better than another on the same clicks,
which is how an ablation is read. Bold is what is significantly best, and nothing else.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from consbench.cli.tables import interval_text, is_miniature, is_standin
from consbench.run import Summary
from consbench.statistics.comparison import Comparison, Difference
from consbench_reports.paper import reported

TITLES = {
    "mIoU-object": "mIoU object",
    "mIoU-part": "mIoU part",
    "mIoU-object@best": "best of K object",
    "mIoU-part@best": "best of K part",
    "size-ratio": "mask 1 / object",
    "placement@1": "position 1 (%)",
    "placement@1/2": "position 1 of 2 (%)",
}
LEFT_OUT = ("placement@2", "placement@3", "placement@2/2")

Key = tuple[str, str, str, str]
"""(dataset, model, order, metric): which number is meant."""
Best = Collection[Key]
"""What is significantly best among the models of its dataset."""


class Cell(NamedTuple):
    """One cell of a table.

    text       the value, or a word
    interval   as `consbench score` prints it, "" where there is none
    ends       both ends with two decimals, for machines
    reported   what the paper has in this place
    best       whether to print it bold
    """

    text: str
    interval: str = ""
    ends: tuple[str, str] = ("", "")
    reported: str = ""
    best: bool = False

    @property
    def beside(self) -> str:
        """The interval in brackets and, in braces, what the paper reports.

        >>> Cell("12.30", "10.1–14.0", reported="11.9").beside
        '[10.1–14.0] {11.9}'
        """
        return " ".join(
            f"{opening}{text}{closing}"
            for opening, text, closing in (("[", self.interval, "]"), ("{", self.reported, "}"))
            if text
        )


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under titles, and lines that belong below; `words` are the columns that hold no numbers."""

    titles: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]
    words: Collection[int] = range(3)


def table_1(summaries: Sequence[Summary], best: Best = ()) -> Table:
    """Table 1: one row per dataset and model, with the order of outputs and how many clicks were counted.

    Undefined values are a dash. Where the paper reports a number for the same model and dataset, it stands
    in braces behind the measured one.

    Args:
        summaries: one per run and order.
        best: what to print bold.
    """
    metrics = columns(summaries)
    titles = ("dataset", "model", "order", *(title(n) for n in metrics), "images", "objects", "clicks", "failed")
    rows = [
        (
            Cell(s.dataset),
            Cell(f"{s.model}*" if s.privileged else s.model),
            Cell(s.order),
            *(score_cell(s, name, best) for name in metrics),
            *(Cell(str(n)) for n in (s.images, s.objects, s.clicks, s.failed)),
        )
        for s in summaries
    ]
    return Table(titles, tuple(rows), tuple(notes(summaries, bold=bool(best))))


def table_2(comparison: Comparison) -> Table:
    """Table 2: paired differences on the same clicks, second model minus first; bold is what is told apart.

    An ablation is read from it: what one change of training does, with nothing else changed.
    """
    metrics = list(dict.fromkeys(d.metric for d in comparison.differences))
    rows = []
    for (dataset, a, b), found in groupby(comparison.differences, key=lambda d: (d.dataset, d.a, d.b)):
        of = {d.metric: d for d in found}
        rows.append(
            (Cell(dataset), Cell(b), Cell(a), *(difference_cell(of[m], best=of[m].told_apart) for m in metrics))
        )
    counts = [f"{f.dataset}: {f.clicks} clicks, {f.objects} objects, {f.images} images." for f in comparison.fields]
    level = f"{100 * comparison.level:g} %"
    below = [
        "First model minus second, on the clicks that all models answered; in points, mask 1 / object as a difference.",
        f"Intervals: {level}, over images. Bold: told apart at {100 - 100 * comparison.level:g} %, "
        f"permutation over images, Holm over {comparison.tests} tests.",
        *counts,
        *comparison.forced,
        *labels(
            [f.dataset for f in comparison.fields], [c.run.model for f in comparison.fields for c in f.contestants]
        ),
    ]
    return Table(("dataset", "model", "minus", *map(title, metrics)), tuple(rows), tuple(below))


def difference_cell(difference: Difference, *, best: bool = False) -> Cell:
    """The cell of a difference with its sign; a dash where it is undefined."""
    value = difference.difference
    if math.isnan(value):
        return Cell(number(value))
    if math.isnan(difference.low):
        return Cell(f"{value:+.2f}", best=best)
    ends = (f"{difference.low:+.2f}", f"{difference.high:+.2f}")
    return Cell(f"{value:+.2f}", " to ".join(ends), ends, best=best)


def columns(summaries: Sequence[Summary]) -> list[str]:
    """The metrics of Table 1, in the order of the summaries."""
    return [n for n in dict.fromkeys(n for s in summaries for n in s) if n not in LEFT_OUT]


def title(metric: str) -> str:
    """What a column is called.

    >>> title("mIoU-part"), title("CVR@0.5")
    ('mIoU part', 'CVR@0.5')
    """
    return TITLES.get(metric, metric)


def score_cell(summary: Summary, metric: str, best: Best = ()) -> Cell:
    """The cell of one metric; empty where the summary lacks it."""
    if metric not in summary:
        return Cell("")
    score = summary[metric]
    found = reported(summary.model, summary.dataset.split(" (")[0], metric)
    return Cell(
        number(score.value),
        interval_text(score),
        ("", "") if math.isnan(score.low) else (number(score.low), number(score.high)),
        ", ".join(f"{r.value:g}" for r in found),
        (summary.dataset, summary.model, summary.order, metric) in best,
    )


def number(value: float) -> str:
    """Two decimals, as `consbench score` prints them; a dash for what is undefined.

    >>> number(12.345), number(math.nan)
    ('12.35', '–')
    """
    return "–" if math.isnan(value) else f"{value:.2f}"


def notes(summaries: Sequence[Summary], *, bold: bool = False) -> list[str]:
    """What must stand below numbers of these summaries."""
    found = [f"Protocol {p}." for p in dict.fromkeys(s.protocol for s in summaries)]
    if len(found) > 1:
        found.append("These rows were made under different protocols: they are not comparable.")
    found.append(
        "mIoU, CVR and shares in percent; lower CVR is better. "
        "Mask 1 / object: geometric mean of area ratios; 1 is right."
    )
    levels = {f"{100 * s.level:g} %" for s in summaries if any(interval_text(score) for score in s.values())}
    found += [f"In brackets: {level} intervals over images." for level in sorted(levels)]
    if bold:
        found.append("Bold: significantly better than every other model of its dataset (paired, Holm, 5 %).")
    if any(s.privileged for s in summaries):
        found.append("* is shown the ground truth.")
    if any(score_cell(s, name).reported for s in summaries for name in s):
        found.append("In braces: as reported in the paper.")
    for problem, what in (("missing", "files of the dataset were missing"), ("skipped", "images could not be read")):
        counts = {s.dataset: getattr(s, problem) for s in summaries if getattr(s, problem)}
        found += [f"{dataset}: {count} {what}." for dataset, count in counts.items()]
    found += [f"{s.model} on {s.dataset}: {s.failed} of {s.clicks} clicks failed." for s in summaries if s.failed]
    return found + labels([s.dataset for s in summaries], [s.model for s in summaries])


STANDIN = "Datasets called standin-… are drawn images: none of these numbers is comparable with the paper's."
MINIATURE = "Models called …-mini are miniatures trained on drawn images: none of their numbers is the paper's."


def labels(datasets: Iterable[str], models: Iterable[str]) -> list[str]:
    """What must stand below any number of drawn images or of miniatures.

    >>> labels(["paco (test)"], ["sam"]), labels(["paco (test)"], ["sam-mini"]) == [MINIATURE]
    ([], True)
    """
    found = [STANDIN] if any(map(is_standin, datasets)) else []
    return found + ([MINIATURE] if any(map(is_miniature, models)) else [])


def to_markdown(table: Table) -> str:
    """A table of GitHub's Markdown, numbers to the right."""
    align = ["---" if i in table.words else "---:" for i in range(len(table.titles))]
    body = [[_bold_markdown(cell) for cell in row] for row in table.rows]
    lines = [[_escape_markdown(t) for t in table.titles], align, *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n" + "  \n".join(table.notes) + "\n"


def to_csv(table: Table) -> str:
    """Comma-separated values with a title line, for machines: the ends of intervals and the paper's numbers apart.

    Notes and bold are left to the other formats.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    extended = [i for i in range(len(table.titles)) if any(row[i].interval or row[i].reported for row in table.rows)]
    heads: list[str] = []
    for i, name in enumerate(table.titles):
        heads += [name, f"{name} low", f"{name} high", f"{name} reported"] if i in extended else [name]
    writer.writerow(heads)
    for row in table.rows:
        values: list[str] = []
        for i, cell in enumerate(row):
            values.append(cell.text)
            if i in extended:
                values += [*cell.ends, cell.reported]
        writer.writerow(values)
    return stream.getvalue()


def to_latex(table: Table) -> str:
    """A tabular of the booktabs package, a rule where the first column changes; notes as comments."""
    align = "".join("l" if i in table.words else "r" for i in range(len(table.titles)))
    lines = [
        *(f"% {note}" for note in table.notes),
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        " & ".join(_escape_latex(t) for t in table.titles) + r" \\",
    ]
    group = None
    for row in table.rows:
        if row[0].text != group:
            lines.append(r"\midrule")
        first = Cell("") if row[0].text == group else row[0]
        group = row[0].text
        lines.append(" & ".join(_bold_latex(c) for c in (first, *row[1:])) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def write_table(table: Table, stem: Path) -> list[Path]:
    """Write a table in every format, as `stem` with the format's ending; return the files."""
    files = []
    for suffix, written in ((".md", to_markdown), (".csv", to_csv), (".tex", to_latex)):
        file = stem.with_suffix(suffix)
        file.write_text(written(table), encoding="utf-8")
        files.append(file)
    return files


def _bold_markdown(cell: Cell) -> str:
    text = _escape_markdown(cell.text)
    shown = f"**{text}**" if cell.best else text
    return f"{shown} {cell.beside}".rstrip()


def _bold_latex(cell: Cell) -> str:
    text = _escape_latex(cell.text)
    shown = rf"\textbf{{{text}}}" if cell.best else text
    return rf"{shown} {{\scriptsize {_escape_latex(cell.beside)}}}" if cell.beside else shown


def _escape_markdown(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return "".join(f"\\{c}" if c in "|*_`[]\\" else c for c in " ".join(text.split()))


def _escape_latex(text: str) -> str:
    special = {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "–": "--",
    }
    return "".join(special.get(c, c) for c in " ".join(text.split()))
