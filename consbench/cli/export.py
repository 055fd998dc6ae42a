"""`consbench export`: a run's masks and clicks, in files that other tools read."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export", short_help="Masks as COCO results; clicks as a list that can be asked again.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--coco", "coco_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the masks as COCO results."
)
@click.option(
    "--clicks",
    "clicks_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the clicks; 'consbench run --clicks FILE' asks them again.",
)
@click.option(
    "--order", help="What `position` counts in: native, area or score; default: the order the model declares."
)
@click.option(
    "--ground-truth",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="COCO annotations whose image ids the results shall have.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
def export(
    run: Path,
    coco_file: Path | None,
    clicks_file: Path | None,
    order: str | None,
    ground_truth: Path | None,
    overwrite: bool,
) -> None:
    """Write what a run holds for other tools; no model is loaded.

    \b
    consbench export runs/sam--paco --coco sam.json --ground-truth paco_lvis_v1_test.json
    consbench export runs/sam--paco --clicks clicks.json
    consbench run -m mine.py:predict -d paco --root ~/data/paco --clicks clicks.json -o replayed
    """  # noqa: D301
    from consbench.errors import UsageError
    from consbench.exchange import clicks_of, write_clicks, write_coco
    from consbench.ordering import parse_order
    from consbench.run import open_run

    if coco_file is None and clicks_file is None:
        raise UsageError("say what to export: --coco FILE for the masks, --clicks FILE for the clicks, or both")
    if coco_file is None and (order or ground_truth):
        raise UsageError("--order and --ground-truth are about masks: give --coco FILE too")
    for file in (coco_file, clicks_file):
        if file and file.exists() and not overwrite:
            raise UsageError(f"{file} exists: name another file, or replace it with --overwrite")
    opened = open_run(run)
    if coco_file:
        count = write_coco(opened, coco_file, order=parse_order(order) if order else None, ground_truth=ground_truth)
        click.echo(f"{coco_file}: {count} masks")
    if clicks_file:
        clicks = clicks_of(opened)
        write_clicks(clicks, clicks_file)
        click.echo(f"{clicks_file}: {len(clicks)} clicks on {len(clicks.images)} images; listed:{clicks.digest}")
