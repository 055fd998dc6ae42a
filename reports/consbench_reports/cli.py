"""`consbench report`: run directories -> tables, figures and a page to explore, in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from consbench.cli.options import deltas_option, orders_option, quiet_option, runs_argument


@click.command("report", short_help="Tables, figures and a page to explore, from finished runs.")
@runs_argument
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("report"),
    show_default=True,
    help="Folder to write to.",
)
@orders_option
@deltas_option
@click.option(
    "--samples", type=click.IntRange(1), default=60, show_default=True, help="Objects in the explorer, in all."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the objects that are drawn at random.")
@click.option(
    "--longest", type=click.IntRange(32), default=640, show_default=True, help="Longer side of photographs, in pixels."
)
@click.option(
    "-d",
    "--data",
    "datasets",
    multiple=True,
    metavar="REF",
    help="Where photographs come from, as NAME,root=DIR; default: as the runs were given it.",
)
@click.option("--force", is_flag=True, help="Report runs of different protocols together; every table then says so.")
@quiet_option
def report(
    runs: Sequence[str | Path],
    out: Path,
    orders: Sequence[str] = (),
    deltas: Sequence[float] = (),
    samples: int = 60,
    seed: int = 0,
    longest: int = 640,
    datasets: Sequence[str] = (),
    force: bool = False,
    quiet: bool = False,
) -> None:
    """Write a report of run directories, or of every run in a folder of them.

    \b
    index.html           one page that opens from disk: numbers, charts, an explorer of masks
    table1, table2       .md .csv .tex   the runs; differences on the same clicks
    figure4, figure5     .svg .pdf .png  the position of the object; masks from several parts
    manifest.json        what they were made from

    No model is loaded. Photographs and annotations in the page are read from the datasets that the runs
    were made on, if they can still be opened.
    """  # noqa: D301
    from consbench import registry
    from consbench.cli.progress import progress
    from consbench.metrics import DELTAS
    from consbench.ordering import Order, parse_order
    from consbench.registry import Reference
    from consbench_reports.explorer import Budget
    from consbench_reports.inputs import gather
    from consbench_reports.report import write_report

    wanted: list[Order | None] = [parse_order(order) for order in orders] or [None]
    opened = [registry.build("dataset", Reference.parse(text)) for text in datasets]
    inputs = gather(runs, force=force)
    for run in inputs.unfinished:
        click.echo(f"note: {run}; the report says so", err=True)
    with progress("report", quiet=quiet, unit="steps") as tell:
        files = write_report(
            inputs,
            out,
            orders=wanted,
            deltas=deltas or DELTAS,
            budget=Budget(samples, longest, seed),
            datasets={dataset.name: dataset for dataset in opened},
            progress=tell,
        )
    click.echo(f"report:  {out}/  {'  '.join(file.name for file in files if file.suffix in ('.html', '.md', '.pdf'))}")
