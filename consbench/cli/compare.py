"""`consbench compare`: how runs differ, how sure that is, and whether it may."""

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


@click.command("compare", short_help="Differences between runs on the same clicks, with intervals and tests.")
@runs_argument
@orders_option
@deltas_option
@metrics_option
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Exit with 1 where a later run's difference from the first is so, as in 'cvr@0.5 > +1.0'; repeat for several.",
)
@click.option("--force", is_flag=True, help="Compare different protocols, images or clicks all the same, and say so.")
@level_option
@resamples_option
@click.option(
    "--permutations",
    type=click.IntRange(1),
    default=9_999,
    show_default=True,
    help="Swaps drawn for p-values.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all draws.")
@format_option
@click.pass_context
def compare(ctx: click.Context, /, runs: tuple[str, ...], form: str, **given: Any) -> None:
    """Compare run directories, or every run in folders of them, on the clicks that all models answered.

    Runs on the same dataset are paired; the first given is what others are measured against. With several
    orders each run takes part in each. Tests are at 1 - level.

    \b
    consbench compare runs/sam--paco runs/hq-sam--paco
    consbench compare baseline/ candidate/ --metric mIoU-object --fail-if "mIoU-object < -0.5"

    Exit code 1: a condition of --fail-if holds. Exit code 2: the runs must not be compared.
    """  # noqa: D301
    from consbench.cli.differences import print_comparison
    from consbench.metrics import DELTAS, parse
    from consbench.ordering import parse_order
    from consbench.run import find_runs
    from consbench.statistics.comparison import compare as compare_runs
    from consbench.statistics.comparison import compared_metrics
    from consbench.statistics.conditions import Condition

    conditions = [Condition.parse(text) for text in given["conditions"]]
    chosen = [parse(name) for name in given["metrics"]] or compared_metrics(given["deltas"] or DELTAS)
    comparison = compare_runs(
        find_runs(runs),
        order=[parse_order(order) for order in given["orders"]],
        metrics=[*chosen, *(condition.metric for condition in conditions)],
        resamples=given["resamples"],
        permutations=given["permutations"],
        level=given["level"],
        seed=given["seed"],
        force=given["force"],
    )
    if form == "table":
        print_comparison(comparison)
    elif form == "json":
        click.echo(json.dumps(comparison.to_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo(str(comparison.to_frame().to_csv(index=False)), nl=False)

    failed = False
    for condition in conditions:
        for d in condition.held_by(comparison):
            failed = True
            what = "is undefined" if d.difference != d.difference else f"is {d.difference:+.2f}"
            click.echo(f"--fail-if '{condition}' holds: {d.metric} on {d.dataset}, {d.b} - {d.a} {what}", err=True)
    if failed:
        ctx.exit(1)
