"""`consbench data`: is this copy of a dataset the published one, and what does it hold?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from consbench.datasets.base import Dataset
    from consbench.datasets.census import Census, Omission

NAMES_SHOWN = 3
QUANTILES = {"smallest": 0.0, "1 %": 0.01, "quarter": 0.25, "median": 0.5, "three quarters": 0.75, "largest": 1.0}
Command = Callable[..., Any]


@click.group("data", short_help="Verify, describe and make datasets.")
def data() -> None:
    """Verify a copy of a dataset, describe what it holds, make stand-ins."""


def dataset_options(function: Command) -> Command:
    """The argument and the options that name a dataset; options its factory does not take are refused."""
    for decorate in (
        click.option("--quiet", is_flag=True, help="No progress."),
        click.option("--allow-missing", is_flag=True, help="Go on with an incomplete copy."),
        click.option("--split", help="Such as val; default: the split the paper evaluates."),
        click.option("--root", type=click.Path(path_type=Path), help="The folder the dataset was unpacked in."),
        click.argument("dataset", metavar="DATASET[,KEY=VALUE…]"),
    ):
        function = decorate(function)
    return function


@data.command("verify", short_help="Compare a copy with the published counts.")
@dataset_options
@click.option("--deep", is_flag=True, help="Also decode every image.")
@click.pass_context
def verify(
    ctx: click.Context,
    dataset: str,
    root: Path | None,
    split: str | None,
    allow_missing: bool,
    quiet: bool,
    deep: bool,
) -> None:
    """Compare a copy with the published counts, and list what is left out and why.

    Exit code 0 where all agree or nothing was published, 1 where a count differs or an image cannot
    be read.

    \b
    consbench data verify pascal-part --root DIR
    consbench data verify pascal-part,subset=all --root DIR --split train --deep
    """  # noqa: D301
    opened, census, console = _examine(dataset, root, split, allow_missing, quiet, deep)
    lines = census.compare(opened.expected)
    _print_table(
        console,
        ("", "published", "found", "difference", "of these left out"),
        [
            (
                line.noun,
                "–" if line.expected is None else f"{line.expected:,}",
                f"{line.found:,}",
                "–" if line.difference is None else f"{line.difference:+,}" if line.difference else "0",
                f"{line.left_out:,}",
            )
            for line in lines
        ],
    )
    _print_missing(console, opened)
    _print_omissions(console, "Left out", census.skipped)
    _print_omissions(console, "Unreadable", census.unreadable)
    differing = [line.noun for line in lines if line.difference]
    if differing:
        console.print(f"\nThis is not the published set: {', '.join(differing)} differ.")
    elif census.unreadable:
        console.print("\nThe counts agree, but images cannot be read.")
    elif all(line.expected is None for line in lines):
        console.print("\nNo counts were published; there is nothing to compare with.")
    else:
        console.print("\nAll published counts agree.")
    if not deep:
        console.print("Annotations were read, images were not: --deep decodes them too.")
    ctx.exit(1 if differing or census.unreadable else 0)


@data.command("info", short_help="Objects, parts and sizes of a dataset.")
@dataset_options
@click.option(
    "--categories", type=click.IntRange(0), default=20, show_default=True, help="How many categories to list."
)
def info(dataset: str, root: Path | None, split: str | None, allow_missing: bool, quiet: bool, categories: int) -> None:
    """Show what a dataset holds: objects, parts, parts per object, sizes, categories.

    \b
    consbench data info paco --root DIR --split val
    consbench data info standin-pascal-part
    """  # noqa: D301
    opened, census, console = _examine(dataset, root, split, allow_missing, quiet, False)
    _print_table(
        console,
        ("", "count"),
        [
            ("images", f"{census.images:,}"),
            ("objects", f"{census.objects:,}"),
            ("… with two parts or more", f"{census.objects_with_pairs:,}"),
            ("… that are crowd regions", f"{census.crowds:,}"),
            ("parts", f"{census.parts:,}"),
            ("clicks", f"{census.clicks:,}"),
        ],
    )
    if census.objects:
        console.print("\nParts per object")
        shares = [
            (f"{parts}", f"{count:,}", f"{100 * count / census.objects:.1f} %")
            for parts, count in census.parts_per_object.items()
        ]
        _print_table(console, ("parts", "objects", "share"), shares)
        console.print("\nSizes in pixels")
        sizes = [("objects", *_quantiles(census.object_areas)), ("parts", *_quantiles(census.part_areas))]
        _print_table(console, ("", *QUANTILES), sizes)
    _print_categories(console, census, categories)
    _print_missing(console, opened)
    _print_omissions(console, "Left out", census.skipped)
    _print_omissions(console, "Unreadable", census.unreadable)


def _examine(
    text: str, root: Path | None, split: str | None, allow_missing: bool, quiet: bool, deep: bool
) -> tuple[Dataset, Census, Console]:
    from consbench import registry
    from consbench.cli.progress import progress
    from consbench.cli.tables import wide_console
    from consbench.datasets.census import take_census

    named = registry.Reference.parse(text)
    given = {"root": root, "split": split, "allow_missing": allow_missing or None}
    asked = {key: str(value) for key, value in given.items() if value is not None}
    # In the reference, not as defaults: an option that the dataset does not know must be an error.
    reference = registry.Reference(named.target, {**asked, **named.options}, named.label)
    opened: Dataset = registry.build("dataset", reference)
    with progress(f"reading {opened.name}", quiet=quiet) as report:
        census = take_census(opened, decode_images=deep, progress=report)
    console = wide_console()
    console.print(f"{opened.name} {opened.split}", style="bold", markup=False)
    console.print(f"fingerprint {opened.fingerprint(opened.ids)}\n", highlight=False)
    return opened, census, console


def _print_table(
    console: Console, titles: Sequence[str], rows: Sequence[Sequence[str]], *, texts: Sequence[int] = (0,)
) -> None:
    """Print rows; the columns at the positions `texts` are text, the others numbers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, title in enumerate(titles):
        table.add_column(title, justify="left" if position in texts else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: brackets in a category are no markup
    console.print(table)


def _print_missing(console: Console, opened: Dataset) -> None:
    if opened.missing:
        named = ", ".join(opened.missing[:NAMES_SHOWN])
        more = ", …" if len(opened.missing) > NAMES_SHOWN else ""
        console.print(f"\nMissing files: {len(opened.missing):,} ({named}{more})", highlight=False, markup=False)


def _print_omissions(console: Console, title: str, omissions: Sequence[Omission]) -> None:
    """One line per kind of thing and reason, with the first few names."""
    if not omissions:
        return
    groups: dict[tuple[str, str], list[Omission]] = {}
    for omission in omissions:
        groups.setdefault((omission.kind, _gist(omission.reason)), []).append(omission)
    console.print(f"\n{title}: {len(omissions):,}")
    for (kind, reason), members in sorted(groups.items(), key=lambda group: -len(group[1])):
        console.print(f"  {len(members):,} × {kind}: {reason}", highlight=False, markup=False, soft_wrap=True)
        for member in members[:NAMES_SHOWN]:
            where = f"{member.image_id}: " if member.image_id else ""
            what = member.what if _gist(member.reason) == member.reason else f"{member.what}: {member.reason}"
            console.print(f"      {where}{what}", style="dim", highlight=False, markup=False, soft_wrap=True)
        if len(members) > NAMES_SHOWN:
            console.print(f"      and {len(members) - NAMES_SHOWN:,} more", style="dim", highlight=False)


def _gist(reason: str) -> str:
    """A reason without the numbers and names that differ from case to case, to group by.

    >>> _gist("its object 17 has no mask"), _gist("/data/a.mat cannot be read: ValueError: bad")
    ('its object … has no mask', '… cannot be read: …')
    """
    import re

    gist = re.sub(r"(?<!\w)\S*/\S*", "…", reason)
    head, separator, _ = gist.partition(": ")
    gist = f"{head}{separator}…" if separator else gist
    return re.sub(r"\b\d[\d×.,]*", "…", gist)


def _print_categories(console: Console, census: Census, most: int) -> None:
    if not most or not census.objects_by_category:
        return
    parts_of: dict[str, list[str]] = {}
    for (category, part), count in census.parts_by_category.items():
        parts_of.setdefault(category, []).append(f"{part} {count:,}")
    rows = []
    for category, count in list(census.objects_by_category.items())[:most]:
        kinds = parts_of.get(category, [])
        rows.append(
            (category, f"{count:,}", ", ".join(kinds[:6]) + (f", and {len(kinds) - 6} more" if kinds[6:] else ""))
        )
    console.print(f"\nCategories: {len(census.objects_by_category)}")
    _print_table(console, ("object", "count", "parts"), rows, texts=(0, 2))


def _quantiles(areas: NDArray[np.int64]) -> list[str]:
    import numpy as np

    if not len(areas):
        return ["–" for _ in QUANTILES]
    return [f"{int(value):,}" for value in np.quantile(areas, list(QUANTILES.values()), method="nearest")]
