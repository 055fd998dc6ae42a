"""`consbench score`: other thresholds, another order, other metrics, from the record alone."""

from __future__ import annotations

import json
from typing import Any

import click

from consbench.cli.options import (
    deltas_option,
    format_option,
    level_option,
    metrics_option,
    orders_option,
    resamples_option,
    runs_argument,
)


@click.command("score", short_help="Numbers of finished runs; no model is loaded.")
@runs_argument
@orders_option
@deltas_option
@metrics_option
@level_option
@resamples_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the resamples.")
@format_option
def score(
    runs: tuple[str, ...],
    orders: tuple[str, ...],
    deltas: tuple[float, ...],
    metrics: tuple[str, ...],
    form: str,
    **intervals: Any,
) -> None:
    """Print the numbers of run directories, or of every run in a folder of them, with intervals over images.

    \b
    consbench score runs
    consbench score runs/sam--pascal-part --order native --order area --delta 0.6
    """  # noqa: D301
    from consbench.cli.tables import print_summaries
    from consbench.metrics import DELTAS, parse
    from consbench.ordering import Order, parse_order
    from consbench.run import find_runs

    wanted: list[Order | None] = [parse_order(order) for order in orders] or [None]
    chosen = [parse(name) for name in metrics] or None
    opened = sorted(find_runs(runs), key=lambda run: run.dataset)
    summaries = [
        run.summary(order, deltas=deltas or DELTAS, metrics=chosen, **intervals) for run in opened for order in wanted
    ]
    if form == "table":
        print_summaries(summaries)
    elif form == "json":
        click.echo(json.dumps([s.to_dict() for s in summaries], indent=2, ensure_ascii=False))
    else:
        click.echo(_csv([s.to_dict() for s in summaries]), nl=False)


def _csv(summaries: list[dict[str, Any]]) -> str:
    import pandas as pd

    rows = [
        {
            "dataset": s["dataset"],
            "model": s["model"],
            "order": s["order"],
            "metric": metric,
            **score,
            "protocol": s["protocol"],
        }
        for s in summaries
        for metric, score in s["scores"].items()
    ]
    return str(pd.DataFrame(rows).to_csv(index=False))
