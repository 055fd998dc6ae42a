"""`consbench claims`: a plan and the runs of several training seeds -> verdicts and two tables, in a folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("claims", short_help="Judge claims that were written down before, over several training seeds.")
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("seeds", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SEED_DIR...")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("claims"),
    show_default=True,
    help="Folder to write to.",
)
def claims(plan: Path, seeds: tuple[Path, ...], out: Path) -> None:
    """Judge the claims of PLAN, a TOML file, over folders of runs, one folder per training seed.

    A claim holds on a dataset if for every seed the 95 % interval of the paired difference excludes 0 in its
    direction; it fails if every one excludes 0 in the other direction; else it is undecided.

    \b
    claims    .md .csv .tex   the difference of every seed, and the verdict
    results   .md .csv .tex   the numbers of the models that the plan lists

    \b
    consbench claims plan.toml runs/seed-0 runs/seed-1 -o claims
    """  # noqa: D301
    from consbench_reports.claims import claims_table, judge, open_seeds, read_plan, results_table
    from consbench_reports.tables import write_table

    read = read_plan(plan)
    opened = open_seeds(seeds, read)
    for seed in opened:
        for run in seed.unfinished:
            click.echo(f"note: {seed.path}: {run}; it is left out", err=True)
    findings = judge(read, opened)
    tables = {"claims": claims_table(read, opened, findings), "results": results_table(read, opened)}
    out.mkdir(parents=True, exist_ok=True)
    files = [file for name, table in tables.items() for file in write_table(table, out / name)]
    for found in findings:
        if found.verdict:
            click.echo(f"{found.verdict:9}  {found.dataset}  {found.claim.says}")
    click.echo(f"claims:  {out}/  {'  '.join(file.name for file in files)}")
