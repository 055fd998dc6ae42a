"""Weak part labels as the dataset `pseudo-parts` of the bench: to look at, to evaluate on, to train on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from consbench.datasets import images, layout
from consbench.datasets.base import Dataset
from consbench.datasets.lazy import LazyDataset
from consbench.errors import DataMissing
from consbench.masks import Mask
from consbench.types import Image, Object, Part, Sample
from consbench_reference_training.pseudo_parts import table

NAME = "pseudo-parts"
LAYOUT = """\
    FILE       what 'consbench pseudo-parts' wrote
    ROOT/…     the pictures, where they lay when the labels were made"""


class Labels(NamedTuple):
    """An opened file: its footer, the path of each image, and the groups of rows its objects are in."""

    file: Path
    metadata: pq.FileMetaData
    split: str
    paths: Mapping[str, str]
    groups: Mapping[str, Sequence[int]]


ReadImage = Callable[[], Image]
Find = Callable[[str, int, int], ReadImage]
"""(image id, height, width) -> what reads the image."""


def load(file: Path, root: Path, allow_missing: bool = False) -> LazyDataset:
    """Open weak part labels. Ids are those of the source; parts have the category "part".

    Images without a labelled object are not in the file, so they are not in the dataset.

    Args:
        file: the Parquet file.
        root: the folder of pictures that was given as --root when the labels were made.
        allow_missing: go on with the images that are there; the absent ones are in `missing`.

    Raises RecordUnreadable where `file` is another one, DataMissing where pictures are absent.
    """
    base = layout.resolve_root(root, NAME, LAYOUT)
    labels = _open(file)
    if not all(labels.paths.values()):
        raise DataMissing(
            f"{file} labels images that lay in no file when they were labelled, drawn scenes for instance: train on "
            "them with --set data.standins.labels=FILE, or open them in Python with "
            "consbench_reference_training.pseudo_parts.dataset.attach(file, dataset)"
        )
    found = layout.locate([[path] for path in labels.paths.values()], [base])
    pictures = {image_id: place for image_id, place in zip(labels.paths, found, strict=True) if place}
    missing = [path for path, place in zip(labels.paths.values(), found, strict=True) if place is None]
    layout.require_complete(NAME, base, missing, len(pictures), allow_missing=allow_missing)
    return _dataset(labels, tuple(pictures), partial(_in_file, pictures), tuple(missing))


def attach(file: Path, source: Dataset) -> LazyDataset:
    """Open weak part labels on the images of the dataset they were made of, which may be drawn ones.

    Raises RecordUnreadable where `file` is another one, DataMissing where the dataset lacks a labelled image.
    """
    labels = _open(file)
    absent = sorted(labels.paths.keys() - set(source.ids))
    if absent:
        raise DataMissing(
            f"{len(absent)} of the {len(labels.paths)} images that {file} labels, for example '{absent[0]}', are not "
            f"in {source.name} ({source.split}); it was made of {labels.split}"
        )
    return _dataset(labels, tuple(labels.paths), partial(_in_dataset, source), ())


def _open(file: Path) -> Labels:
    file = Path(file).expanduser()
    origin = table.read_about(file).identity["source"]
    metadata = table.read_metadata(file)
    paths: dict[str, str] = {}
    groups: dict[str, list[int]] = {}
    with pq.ParquetFile(file, metadata=metadata) as parquet:
        for group in range(parquet.num_row_groups):
            some = parquet.read_row_group(group, columns=["image_id", "image_path"])
            found = dict(zip(some["image_id"].to_pylist(), some["image_path"].to_pylist(), strict=True))
            paths |= found
            for image_id in found:
                groups.setdefault(image_id, []).append(group)
    return Labels(file, metadata, f"{origin['name']}-{origin['split']}", paths, groups)


def _dataset(labels: Labels, ids: tuple[str, ...], find: Find, missing: tuple[str, ...]) -> LazyDataset:
    return LazyDataset(
        name=NAME,
        split=labels.split,
        ids=ids,
        read=partial(_read_sample, labels, find),
        digests=partial(_digests, labels.file),
        missing=missing,
    )


def _in_file(pictures: Mapping[str, Path], image_id: str, height: int, width: int) -> ReadImage:
    return partial(images.read_rgb, pictures[image_id], height, width)


def _in_dataset(source: Dataset, image_id: str, height: int, width: int) -> ReadImage:
    return source.load(image_id).read_image


def _read_sample(labels: Labels, find: Find, image_id: str) -> Sample:
    rows = _rows(labels, image_id)
    height, width = rows[0]["height"], rows[0]["width"]
    objects = [
        Object(
            row["object_id"],
            row["object_category"],
            Mask(height, width, row["object"]),
            tuple(
                Part(part_id, "part", Mask(height, width, counts))
                for part_id, counts in zip(row["part_ids"], row["parts"], strict=True)
            ),
        )
        for row in rows
    ]
    return Sample(image_id, height, width, tuple(objects), find(image_id, height, width))


def _rows(labels: Labels, image_id: str) -> list[dict[str, Any]]:
    # Opened anew each time: a forked worker must not share its parent's place in the file. The footer is handed on.
    with pq.ParquetFile(labels.file, metadata=labels.metadata) as parquet:
        some = parquet.read_row_groups(labels.groups[image_id])
    rows: list[dict[str, Any]] = some.filter(pc.equal(some["image_id"], image_id)).to_pylist()
    return rows


def _digests(file: Path, ids: Sequence[str]) -> list[str]:
    return [layout.sha256(file)]
