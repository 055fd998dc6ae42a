"""The command `consbench pseudo-parts`. Loaded by `consbench --help`, so nothing heavy is imported here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from consbench_reference_training.pseudo_parts.batches import Shard
    from consbench_reference_training.pseudo_parts.labelling import State
    from consbench_reference_training.pseudo_parts.proposers import RegionProposer
    from consbench_reference_training.pseudo_parts.sources import Source

SOURCES = ("entityseg", "hq-seg44k", "coco", "standins")
PATH = click.Path(path_type=Path)


@click.command("pseudo-parts", short_help="Make weak part labels by Algorithm 1 of the paper.")
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    required=True,
    help="Where the objects come from; coco is any COCO instance file, standins the scenes of a training recipe.",
)
@click.option("--root", type=PATH, help="Folder of the source's pictures.")
@click.option("--recipe", help="Training recipe whose scenes standins are, a name or a TOML file.")
@click.option("--annotations", type=PATH, multiple=True, help="COCO JSON of entityseg or coco; repeat for several.")
@click.option("--sets", help="Sets of hq-seg44k, as FSS,ECSSD; default: all seven.")
@click.option("--allow-missing", is_flag=True, help="Go on without absent files.")
@click.option(
    "-m",
    "--model",
    default="sam,arch=vit_h",
    show_default=True,
    metavar="REF",
    help="What proposes regions: a SAM through its automatic mask generator, any other model by clicks on the grid.",
)
@click.option("--checkpoint", type=PATH, help="Weights of the model.")
@click.option("--device", help="cpu, cuda, cuda:1, mps; default: the best there is, under torchrun the rank's own.")
@click.option("--points-per-side", type=int, default=32, show_default=True, help="Clicks a side of the grid.")
@click.option(
    "--points-per-batch",
    type=int,
    default=64,
    show_default=True,
    help="Clicks decoded together, on 1024×1024 pixels; lower it where memory is short.",
)
@click.option(
    "--pred-iou", type=float, default=0.88, show_default=True, help="Masks need a higher IoU by SAM's estimate."
)
@click.option("--stability", type=float, default=0.95, show_default=True, help="Masks need at least this stability.")
@click.option(
    "--box-nms", type=float, default=0.7, show_default=True, help="IoU of boxes above which one of two masks goes."
)
@click.option(
    "--crop-layers",
    type=int,
    default=0,
    show_default=True,
    help="Ask again in crops of the image, so many times finer.",
)
@click.option(
    "--min-part-fraction",
    type=float,
    default=0.0,
    show_default=True,
    help="Leave out parts below this share of their object; 0, as the paper, none.",
)
@click.option("--min-part-pixels", type=int, default=1, show_default=True, help="Leave out parts of fewer pixels.")
@click.option(
    "--shard",
    metavar="I/N",
    help="Label only the I-th of N shards, counted from 0; default: torchrun's rank, else all.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many images.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="The Parquet file to write.")
@click.option(
    "--preview",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw a PNG sheet of the first images; without --out that is all.",
)
@click.option("--preview-rows", type=click.IntRange(min=1), default=6, show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(source: str, **given: Any) -> None:
    """Cut objects that somebody drew into parts that a SAM sees in them: Algorithm 1 of the paper.

    SAM's automatic masks are painted into one label map, the largest first. The labels inside an object are its
    parts; objects with fewer than two are discarded. The output is one Parquet file that the dataset
    `pseudo-parts` reads.

    \b
    consbench pseudo-parts --source hq-seg44k --root ~/hq44k -o hq.parquet
    consbench pseudo-parts --source coco --root imgs --annotations a.json -m region-tree --preview look.png
    consbench pseudo-parts --source standins --recipe consamme-mini -m sam-mini -o labels.parquet
    torchrun --nproc-per-node 8 -m consbench pseudo-parts --source … -o labels.parquet

    An interrupted job goes on when the same command is given again, in any number of shards. The shard that
    finishes last writes the file.
    """  # noqa: D301
    from consbench.cli.progress import progress
    from consbench.errors import UsageError
    from consbench_reference_training.pseudo_parts.algorithm import Slivers
    from consbench_reference_training.pseudo_parts.labelling import make_labels
    from consbench_reference_training.pseudo_parts.preview import preview

    out, sheet = given["out"], given["preview"]
    if not out and not sheet:
        raise UsageError(
            "nothing to make: give --out FILE.parquet for the labels, --preview FILE.png for a sheet, or both"
        )
    for path in (out, sheet):
        if path and not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent} to write {path.name} to; make it first")
    shard = choose_shard(given["shard"], os.environ)
    slivers = Slivers(given["min_part_fraction"], given["min_part_pixels"])
    opened = _open_source(source, given)
    proposer = _build_proposer(given)
    if sheet and shard.index == 0:
        rows = preview(sheet, opened, proposer, slivers, given["preview_rows"])
        click.echo(f"{sheet}: {rows} objects, each as image, object, regions and parts")
    if out:
        label = "labelling" if shard.count == 1 else f"labelling, shard {shard.index}/{shard.count}"
        with progress(label, quiet=given["quiet"]) as report:
            state = make_labels(
                opened, proposer, out=out, slivers=slivers, shard=shard, limit=given["limit"], progress=report
            )
        click.echo(summary(state, out))


def choose_shard(text: str | None, environment: Mapping[str, str]) -> Shard:
    """The shard that was asked for, else the rank that torchrun gives, else all of the work.

    >>> choose_shard(None, {"RANK": "2", "WORLD_SIZE": "8"})
    Shard(index=2, count=8)
    """
    from consbench_reference_training.pseudo_parts.batches import Shard

    if text:
        return Shard.parse(text)
    return Shard.parse(f"{environment.get('RANK', '0')}/{environment.get('WORLD_SIZE', '1')}")


def _open_source(kind: str, given: Mapping[str, Any]) -> Source:
    from consbench.errors import UsageError
    from consbench_reference_training.pseudo_parts import hq_seg44k, sources

    root, annotations, sets, allow_missing = (given[name] for name in ("root", "annotations", "sets", "allow_missing"))
    if kind == "standins":
        superfluous = [f"--{name}" for name in ("root", "annotations", "sets") if given[name]]
        if superfluous or not given["recipe"]:
            came = f"; got {', '.join(superfluous)}" if superfluous else ""
            raise UsageError(f"standins are drawn: they take --recipe NAME, whose scenes they are, and no files{came}")
        return _open_standins(given["recipe"], given["quiet"])
    if given["recipe"]:
        raise UsageError(f"--recipe is for standins; {kind} takes --root")
    if not root:
        raise UsageError(f"{kind} needs the folder of its pictures: give --root DIR")
    if kind == "hq-seg44k":
        if annotations:
            raise UsageError("hq-seg44k has a mask file for each picture; --annotations is for entityseg and coco")
        chosen = [name.strip() for name in sets.split(",")] if sets else tuple(hq_seg44k.SETS)
        return hq_seg44k.hq_seg44k(root, chosen, allow_missing)
    if sets:
        raise UsageError(f"--sets is for hq-seg44k; {kind} takes --annotations")
    opener = sources.entityseg if kind == "entityseg" else sources.coco_instances
    return opener(root, annotations, allow_missing)


def _open_standins(recipe: str, quiet: bool) -> Source:
    from consbench.cli.progress import progress
    from consbench.errors import UsageError
    from consbench_reference_training import config
    from consbench_reference_training.pseudo_parts.sources import Source
    from consbench_reference_training.sources import draw_standins

    spec = config.load(recipe).data.standins
    if not spec.images:
        raise UsageError(f"recipe {recipe} trains on no drawn scenes (data.standins.images is 0): name another")
    with progress("drawing scenes", quiet=quiet) as report:
        return Source(draw_standins(spec, progress=report), Path(), {})


def _build_proposer(given: Mapping[str, Any]) -> RegionProposer:
    from consbench import registry
    from consbench_reference_training.pseudo_parts.proposers import Grid, choose_proposer

    numbers = ("points_per_side", "points_per_batch", "pred_iou", "stability", "box_nms", "crop_layers")
    grid = Grid(**{name: given[name] for name in numbers})  # before the weights are read, which takes a while
    reference = registry.Reference.parse(given["model"])
    model = registry.build("model", reference, checkpoint=given["checkpoint"], device=given["device"] or _own_device())
    return choose_proposer(model, grid, reference.label)


def _own_device() -> str | None:
    """The device of this process under torchrun, where every process has a CUDA device of its own."""
    if "LOCAL_RANK" not in os.environ:
        return None
    from consbench_adapters.promptable import available_devices

    return f"cuda:{os.environ['LOCAL_RANK']}" if "cuda" in available_devices() else None


def summary(state: State, out: Path) -> str:
    """What to print when a shard is done."""
    if state.about is None:
        return f"{state.done} of {state.images} images are done; the shard that finishes last writes {out}"
    counts = state.about.counts
    lines = [
        f"{out}: {counts['objects_kept']} objects with {counts['parts']} parts on {counts['images']} images",
        f"  discarded: {counts['one_part']} objects of fewer than two parts, {counts['slivers']} slivers",
    ]
    if counts["left_out"]:
        lines.append(f"  left out by the source: {counts['left_out']} annotations")
    if state.about.skipped:
        image_id, reason = state.about.skipped[0]
        lines.append(f"  skipped: {counts['images_skipped']} images, the first {image_id}: {reason}")
    return "\n".join(lines)
