"""`consbench run`: models × datasets -> run directories, a table and a chart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from consbench import registry
from consbench.cli.options import deltas_option, quiet_option
from consbench.registry import Reference

STANDINS = ("standin-pascal-part", "standin-partimagenet", "standin-paco")
MINIATURES = ("sam-mini", "hq-sam-mini", "consamme-vanilla-mini", "consamme-mini")
CONTROLS = ("oracle", "swapped", "full-image", "empty", "click-disc", "region-tree")


@click.command("run", short_help="Evaluate models on datasets; with no arguments, what ships.")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="REF",
    help="NAME, module:factory or file.py:function, with options as NAME,key=value; repeat for several.",
)
@click.option(
    "--controls",
    is_flag=True,
    help="Evaluate the models of known answers, and the baseline without weights, as well.",
)
@click.option(
    "-d",
    "--data",
    "datasets",
    multiple=True,
    metavar="REF",
    help="NAME with options as NAME,key=value; repeat for several.",
)
@click.option("--root", type=click.Path(path_type=Path), help="Where the dataset lies.")
@click.option("--split", help="Split of the dataset.")
@click.option("--allow-missing", is_flag=True, default=None, help="Go on without absent files, and record which.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Weights of the model.")
@click.option("--device", help="cpu, cuda, cuda:1, mps; default: the best there is.")
@click.option("--dtype", help="float32 (default), bfloat16 or float16.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Folder of the run directories.",
)
@click.option(
    "--click",
    "strategies",
    multiple=True,
    metavar="STRATEGY",
    help="part-centre (default), object-centre, part-centroid, random#SEED, jitter@RADIUS#SEED; repeat for "
    "further clicks on each part: the numbers are over the first, the others show how much the pixel matters.",
)
@click.option(
    "--clicks",
    "clicks_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ask the clicks of this list, as 'consbench export' writes it, and no others.",
)
@click.option("--min-part-area", type=int, default=1, show_default=True, help="Leave out parts of fewer pixels.")
@click.option("--limit", type=int, help="Only the first so many images.")
@click.option("--ids", help="Only these images: a,b,c or a text file with one id a line.")
@click.option(
    "--order", help="Order of the outputs in the printed table: native, area or score; default: each model's own."
)
@deltas_option
@click.option("--masks/--no-masks", default=True, show_default=True, help="Keep the masks in the record.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first image a model fails on.")
@click.option("--overwrite", is_flag=True, help="Replace run directories that hold other runs.")
@click.option("--report/--no-report", default=True, show_default=True, help="Write tables and figures to OUT/report.")
@quiet_option
@click.pass_context
def run(ctx: click.Context, /, models: tuple[str, ...], datasets: tuple[str, ...], **given: Any) -> None:
    """Evaluate models on datasets and print mIoU, CVR and the ordering of the outputs.

    With no arguments, the miniatures that ship with the package are evaluated on the three stand-in datasets
    that it draws itself.

    \b
    consbench run
    consbench run -m sam,arch=vit_l -d pascal-part --root ~/data/pascal --checkpoint sam_vit_l.pth
    consbench run -m mine.py:predict -m region-tree -d standin-paco --limit 20

    An interrupted run goes on when the same command is given again. Exit code 1: some clicks failed.
    """  # noqa: D301
    from consbench.cli.progress import progress
    from consbench.cli.tables import print_summaries
    from consbench.clicks import ClickStrategy
    from consbench.errors import UsageError
    from consbench.exchange.clicks import read_clicks
    from consbench.metrics import DELTAS
    from consbench.ordering import parse_order
    from consbench.protocol import Protocol
    from consbench.records import stored_identity
    from consbench.runner import evaluate

    order = parse_order(given["order"]) if given["order"] else None
    clicks = [ClickStrategy.parse(text) for text in given["strategies"]] or [ClickStrategy()]
    protocol = Protocol(click=clicks[0], min_part_area=given["min_part_area"], extra_clicks=tuple(clicks[1:]))
    data_references = [Reference.parse(text) for text in datasets or STANDINS]
    listed = read_clicks(given["clicks_file"]) if given["clicks_file"] else None
    if listed and len(datasets) != 1:
        raise UsageError(f"--clicks is a list for one dataset: name it, and no other, with -d {listed.dataset}")
    if given["root"] and len(data_references) > 1:
        raise UsageError("--root is for one dataset; with several write each as NAME,root=DIR")
    ids = _ids(given["ids"])
    named = (*(models or MINIATURES), *(CONTROLS if given["controls"] else ()))
    model_references = _distinct([Reference.parse(text) for text in named])
    data_options = {name: given[name] for name in ("root", "split", "allow_missing")}
    model_options = {name: given[name] for name in ("checkpoint", "device", "dtype")}
    # All names are looked up before the first model runs, so that a slip costs seconds, not a night.
    registry.refuse_unused("dataset", data_references, **data_options)
    registry.refuse_unused("model", model_references, **model_options)
    data_references = [registry.complete("dataset", ref, **data_options) for ref in data_references]
    model_references = [registry.complete("model", ref, **model_options) for ref in model_references]
    loaded = [(ref, registry.build("dataset", ref)) for ref in data_references]

    summaries = []
    runs: list[Path] = []
    for ref in model_references:
        model = registry.build("model", ref)
        for data_ref, dataset in loaded:
            out = given["out"] / f"{_file_name(ref.label)}--{_file_name(data_ref.label)}"
            if given["overwrite"] and out.is_dir() and stored_identity(out):
                shutil.rmtree(out)
            with progress(f"{ref.label} on {data_ref.label}", quiet=given["quiet"]) as report:
                record = evaluate(
                    model,
                    dataset,
                    out=out,
                    name=ref.label,
                    protocol=None if listed and protocol == Protocol() else protocol,
                    clicks=listed,
                    limit=given["limit"],
                    ids=ids,
                    keep_masks=given["masks"],
                    fail_fast=given["fail_fast"],
                    asked={
                        "model": ref.to_dict(),
                        "dataset": data_ref.to_dict(),
                        **({"clicks": str(given["clicks_file"])} if listed else {}),
                    },
                    progress=report,
                )
            runs.append(out)
            summaries.append(record.summary(order, deltas=given["deltas"] or DELTAS))
    summaries.sort(key=lambda s: [d.name for _, d in loaded].index(s.dataset.split(" (")[0]))
    print_summaries(summaries)
    click.echo(f"\nrecords: {given['out']}/ ({len(runs)} runs)")
    if given["report"] and "report" in registry.names("command"):
        ctx.invoke(registry.find("command", "report"), runs=tuple(runs), out=given["out"] / "report")
    failed = sum(s.failed for s in summaries)
    if failed:
        click.echo(f"{failed} clicks failed; clicks.parquet names each with its reason, run.json each image", err=True)
        ctx.exit(1)


def _ids(given: str | None) -> list[str] | None:
    if given is None:
        return None
    file = Path(given)
    words = file.read_text(encoding="utf-8").split() if file.is_file() else given.split(",")
    return [word.strip() for word in words if word.strip()]


def _distinct(references: list[Reference]) -> list[Reference]:
    from consbench.errors import UsageError

    labels = [ref.label for ref in references]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"two models are called '{label}'; tell them apart with {label},name=…")
    return references


def _file_name(label: str) -> str:
    return "".join(c if c.isalnum() or c in "-_.+" else "-" for c in label)
