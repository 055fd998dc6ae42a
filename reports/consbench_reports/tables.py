"""Table 1 from summaries: Markdown, CSV and LaTeX of the same cells, with the signature below."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from consbench.run import Summary
from consbench_reports.paper import reported

TITLES = {
    "mIoU-object": "mIoU object",
    "mIoU-part": "mIoU part",
    "size-ratio": "mask 1 / object",
    "placement@1": "position 1 (%)",
    "placement@1/2": "position 1 of 2 (%)",
}
LEFT_OUT = ("placement@2", "placement@3", "placement@2/2")


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of text under titles, and lines that belong below."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def table_1(summaries: Sequence[Summary]) -> Table:
    """Table 1: one row per dataset and model, with the order of outputs and how many clicks were counted.

    Undefined values are a dash. Where the paper reports a number for the same model and dataset, it stands
    in brackets behind the measured one.
    """
    metrics = [n for n in dict.fromkeys(n for s in summaries for n in s) if n not in LEFT_OUT]
    titles = ("dataset", "model", "order", *(TITLES.get(n, n) for n in metrics), "objects", "clicks", "failed")
    rows = []
    any_reported = False
    for s in summaries:
        cells = []
        for name in metrics:
            text = cell(s[name].value, name) if name in s else ""
            for number in reported(s.model, s.dataset.split(" (")[0], name):
                text, any_reported = f"{text} [{number.value:g}]", True
            cells.append(text)
        model = f"{s.model}*" if s.privileged else s.model
        rows.append((s.dataset, model, s.order, *cells, str(s.objects), str(s.clicks), str(s.failed)))
    notes = [f"Protocol {p}." for p in dict.fromkeys(s.protocol for s in summaries)]
    notes.append(
        "mIoU, CVR and shares in percent; lower CVR is better. "
        "Mask 1 / object: geometric mean of area ratios; 1 is right."
    )
    if any(s.privileged for s in summaries):
        notes.append("* is shown the ground truth.")
    if any_reported:
        notes.append("In brackets: as reported in the paper.")
    notes += [
        f"{d}: {n} files of the dataset were missing."
        for d, n in {s.dataset: s.missing for s in summaries if s.missing}.items()
    ]
    if any(s.dataset.startswith("standin") for s in summaries):
        notes.append(
            "Datasets called standin-… are drawn images: none of these numbers is comparable with the paper's."
        )
    return Table(titles, tuple(rows), tuple(notes))


def cell(value: float, metric: str) -> str:
    """Two decimals; a dash for what is undefined.

    >>> cell(12.345, "CVR@0.5"), cell(math.nan, "CVR@0.5")
    ('12.35', '–')
    """
    return "–" if math.isnan(value) else f"{value:.2f}"


def to_markdown(table: Table) -> str:
    """A table of GitHub's Markdown, numbers to the right."""
    align = ["---" if i < 3 else "---:" for i in range(len(table.titles))]
    lines = [table.titles, align, *([c.replace("|", "\\|") for c in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n" + "  \n".join(table.notes) + "\n"


def to_csv(table: Table) -> str:
    """Comma-separated values with a title line; notes are left to the other formats."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.titles)
    writer.writerows(table.rows)
    return stream.getvalue()


def to_latex(table: Table) -> str:
    """A tabular of the booktabs package, a rule between datasets; notes as comments."""
    lines = [
        *(f"% {note}" for note in table.notes),
        rf"\begin{{tabular}}{{lll{'r' * (len(table.titles) - 3)}}}",
        r"\toprule",
        " & ".join(_escape(t) for t in table.titles) + r" \\",
    ]
    dataset = None
    for row in table.rows:
        if row[0] != dataset:
            lines.append(r"\midrule")
        shown = ("" if row[0] == dataset else row[0], *row[1:])
        dataset = row[0]
        lines.append(" & ".join(_escape(c) for c in shown) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _escape(text: str) -> str:
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
    return "".join(special.get(c, c) for c in text)
