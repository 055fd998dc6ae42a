"""Runs -> every file of a report, and a manifest that says what they were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from consbench.datasets.base import Dataset
from consbench.metrics import DELTAS
from consbench.ordering import Order
from consbench.records import write_json
from consbench.run import Summary
from consbench.statistics.comparison import Comparison
from consbench_reports.details import Scored
from consbench_reports.explorer import Budget, explorer_data
from consbench_reports.figures import figure_4, save
from consbench_reports.inputs import Inputs
from consbench_reports.page import render
from consbench_reports.qualitative import figure_5, typical
from consbench_reports.significance import compared, significantly_best
from consbench_reports.tables import Table, table_1, table_2, write_table

Progress = Callable[[int, int], None]
STEPS = 5


def write_report(
    inputs: Inputs,
    out: str | Path,
    *,
    orders: Sequence[Order | None] = (None,),
    deltas: Sequence[float] = DELTAS,
    budget: Budget | None = None,
    datasets: Mapping[str, Dataset] | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write tables, figures, the page and a manifest into a folder; return the files.

    Args:
        inputs: the runs, see `consbench_reports.inputs.gather`.
        out: the folder; made where it is absent. What an earlier report left there is replaced.
        orders: orders of the outputs; None is each model's own.
        deltas: thresholds of CVR; the page marks pairs below the first.
        budget: how much the explorer carries.
        datasets: datasets by name that are open already; others are opened as the runs name them.
        progress: called with (steps done, steps in all).

    Raises UsageError where an order needs scores that a model did not give.
    """
    out, budget = Path(out), budget or Budget()
    tell = progress or (lambda done, total: None)
    tell(0, STEPS)
    scored = [Scored(run, run.summary(order, deltas=deltas)) for run in inputs.runs for order in orders]
    tell(1, STEPS)
    comparison, incomparable = (None, inputs.mixed) if inputs.mixed else compared(inputs.runs, orders, deltas)
    tell(2, STEPS)
    data = explorer_data(inputs.runs, budget, datasets)
    tell(3, STEPS)

    out.mkdir(parents=True, exist_ok=True)
    summaries = [s.summary for s in scored]
    files = [file for name, table in tables(summaries, comparison).items() for file in write_table(table, out / name)]
    files += save(figure_4(summaries), out / "figure4")
    if typical(data):
        files += save(figure_5(data), out / "figure5")
    tell(4, STEPS)
    page = out / "index.html"
    page.write_text(
        render(
            inputs,
            scored,
            data=data,
            budget=budget,
            comparison=comparison,
            incomparable=incomparable,
            delta=deltas[0],
        ),
        encoding="utf-8",
    )
    write_json(out / "manifest.json", manifest(inputs, budget))
    tell(STEPS, STEPS)
    return [page, *files, out / "manifest.json"]


def tables(summaries: Sequence[Summary], comparison: Comparison | None) -> dict[str, Table]:
    """The tables of a report by file name; where the runs are not compared, Table 1 alone and without bold."""
    if comparison is None:
        return {"table1": table_1(summaries)}
    return {"table1": table_1(summaries, significantly_best(comparison)), "table2": table_2(comparison)}


def manifest(inputs: Inputs, budget: Budget) -> dict[str, Any]:
    """What a report was made from: each run with its identity and the SHA-256 of its tables."""
    return {
        "consbench": version("consbench"),
        "mixed_protocols": inputs.mixed,
        "explorer": asdict(budget),
        "runs": [
            {
                "path": run.path.name,
                "identity": run.manifest["identity"],
                "sha256": {
                    file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                    for file in sorted(run.path.glob("*.parquet"))
                },
            }
            for run in inputs.runs
        ],
        "unfinished": [{"path": run.path.name, "done": run.done, "images": run.images} for run in inputs.unfinished],
    }
