"""Options that several commands share: one spelling, one help text."""

from __future__ import annotations

import click

runs_argument = click.argument("runs", nargs=-1, required=True, type=click.Path())

orders_option = click.option(
    "--order",
    "orders",
    multiple=True,
    metavar="ORDER",
    help="native, area, score; repeat for several; default: each model's own.",
)

deltas_option = click.option(
    "--delta",
    "deltas",
    type=click.FloatRange(0, 1, min_open=True),
    multiple=True,
    help="Threshold of CVR; repeat for several.",
)

metrics_option = click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Only these, such as CVR@0.8 or placement@1/2; repeat for several.",
)

level_option = click.option("--level", type=float, default=0.95, show_default=True, help="Of the intervals.")

resamples_option = click.option(
    "--resamples", type=int, default=2000, show_default=True, help="For the intervals; 0: none."
)

format_option = click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)

quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress.")
