"""`consbench report`: run directories -> Table 1 and Figure 4 in a folder, with a manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from consbench.run import Run, find_runs


@click.command("report", short_help="Table 1 and Figure 4 from finished runs.")
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("report"),
    show_default=True,
    help="Folder to write to.",
)
@click.option(
    "--order",
    "orders",
    multiple=True,
    metavar="ORDER",
    help="native, area, score; repeat for several; default: each model's own.",
)
@click.option(
    "--delta",
    "deltas",
    type=click.FloatRange(0, 1, min_open=True),
    multiple=True,
    help="Threshold of CVR; repeat for several.",
)
def report(runs: Sequence[str | Path], out: Path, orders: Sequence[str] = (), deltas: Sequence[float] = ()) -> None:
    """Write tables and figures of run directories, or of every run in a folder of them.

    table1.md, table1.csv, table1.tex · figure4.svg, figure4.png · manifest.json, which says what they were
    made from.
    """
    from consbench.metrics import DELTAS
    from consbench.ordering import Order, parse_order
    from consbench.records import write_json
    from consbench_reports.figures import figure_4, save
    from consbench_reports.tables import table_1, to_csv, to_latex, to_markdown

    wanted: list[Order | None] = [parse_order(order) for order in orders] or [None]
    opened = find_runs(runs)
    refuse_mixed_protocols(opened)
    datasets = list(dict.fromkeys(run.dataset for run in opened))
    opened.sort(key=lambda run: datasets.index(run.dataset))
    summaries = [run.summary(order, deltas=deltas or DELTAS) for run in opened for order in wanted]

    out.mkdir(parents=True, exist_ok=True)
    table = table_1(summaries)
    for suffix, text in (("md", to_markdown(table)), ("csv", to_csv(table)), ("tex", to_latex(table))):
        (out / f"table1.{suffix}").write_text(text, encoding="utf-8")
    save(figure_4(summaries), out / "figure4")
    write_json(out / "manifest.json", manifest(opened))
    click.echo(f"report:  {out}/table1.{{md,csv,tex}}  {out}/figure4.{{svg,png}}")


def refuse_mixed_protocols(runs: Sequence[Run]) -> None:
    """Raise UsageError where runs were made under different protocols."""
    from consbench.errors import UsageError

    of = {run.protocol.id: run for run in runs}
    if len(of) > 1:
        named = "; ".join(f"{run.path} has {protocol}" for protocol, run in of.items())
        raise UsageError(f"numbers of different protocols do not belong in one table: {named}. Report them apart")


def manifest(runs: Sequence[Run]) -> dict[str, Any]:
    """What a report was made from: each run with its identity and the SHA-256 of its tables."""
    return {
        "consbench": version("consbench"),
        "runs": [
            {
                "path": run.path.name,
                "identity": run.manifest["identity"],
                "sha256": {
                    file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                    for file in sorted(run.path.glob("*.parquet"))
                },
            }
            for run in runs
        ],
    }
