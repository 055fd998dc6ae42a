"""`consbench data synth`: draw a stand-in dataset in the layout of a real one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from consbench.cli.data import data
from consbench.cli.options import quiet_option

if TYPE_CHECKING:
    from consbench.standins import Like


@data.command("synth", short_help="Draw a stand-in dataset in the layout of a real one.")
@click.option("--like", type=click.Choice(["pascal-part", "partimagenet", "paco"]), required=True, help="Whose layout.")
@click.option("--images", type=click.IntRange(1), default=60, show_default=True, help="How many.")
@click.option("--seed", type=click.IntRange(0), default=2025, show_default=True, help="What decides every pixel.")
@click.option(
    "--size", type=click.IntRange(64), default=192, show_default=True, help="Longer side of an image in pixels."
)
@click.option(
    "--split", help="Name of the split; default: the one that is evaluated, which alone shows held-out kinds."
)
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to make.")
@quiet_option
def synth(like: str, images: int, seed: int, size: int, split: str | None, to: Path, quiet: bool) -> None:
    """Draw images of things made of parts and write them in the exact layout of a dataset.

    The same arguments give the same bytes with the same libraries. The ordinary loader reads what was written:

    \b
    consbench data synth --like paco --images 100 --seed 1 --to drawn
    consbench run -m region-tree -d paco --root drawn
    """  # noqa: D301
    from consbench.cli.progress import progress
    from consbench.standins import write

    with progress(f"drawing {like}", quiet=quiet) as report:
        manifest = write(cast("Like", like), to, images=images, seed=seed, size=size, split=split, progress=report)
    click.echo(
        f"{to}: {manifest.images} images, {manifest.objects} objects, {manifest.parts} parts (split {manifest.split})"
    )
