"""The file of weak part labels: Parquet, one row per object that kept at least two parts, sorted by ids.

    image_id          string    of the source
    image_path        string    below the source's root, with "/"; "" where the image lies in no file
    height, width     int32     of the image and of every mask, pixels
    object_id         int64     unique within its image
    object_category   string    as the source calls it
    object            binary    the object's mask, COCO's compressed run-length code
    part_ids          list of int32    labels of the regions in the image's label map, ascending; one region
                                       that reaches into two objects has one label in both
    parts             list of binary   the parts' masks, in the order of part_ids

Under the key `consbench` the file's metadata hold a JSON object, `About`. Nothing of time or machine is in the
file, so equal labels are equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from consbench.errors import RecordUnreadable
from consbench.files import replacing
from consbench.types import Object, Sample
from consbench_reference_training.pseudo_parts.algorithm import LabelledPart

FORMAT = 1
KEY = b"consbench"
SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("image_path", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("object_id", pa.int64()),
        ("object_category", pa.string()),
        ("object", pa.binary()),
        ("part_ids", pa.list_(pa.int32())),
        ("parts", pa.list_(pa.binary())),
    ]
)
ROWS_AT_A_TIME = 256  # a trainer reads images in random order; a group of rows is what one reading takes

Row = dict[str, Any]


class About(NamedTuple):
    """Where labels come from.

    identity   what makes two files the same job: format, source with its fingerprint, proposer (model with
               weights' SHA-256, thresholds), slivers, version of consbench
    counts     sums over all images, see `consbench_reference_training.pseudo_parts.batches.Outcome`
    skipped    [image id, reason] of each image that could not be used
    """

    identity: dict[str, Any]
    counts: dict[str, int]
    skipped: list[list[str]]


def row_of(sample: Sample, path: str, whole: Object, parts: Sequence[LabelledPart]) -> Row:
    """The row of one object."""
    return {
        "image_id": sample.image_id,
        "image_path": path,
        "height": sample.height,
        "width": sample.width,
        "object_id": whole.object_id,
        "object_category": whole.category,
        "object": whole.mask.counts,
        "part_ids": [part.label for part in parts],
        "parts": [part.mask.counts for part in parts],
    }


def write(path: Path, tables: Iterable[pa.Table], about: Mapping[str, Any]) -> None:
    """Write tables one after another into one file, which is there whole or not at all."""
    text = json.dumps(about, sort_keys=True, ensure_ascii=False, allow_nan=False)
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, SCHEMA.with_metadata({KEY: text.encode()}), compression="zstd") as writer,
    ):
        for table in tables:
            writer.write_table(table, row_group_size=ROWS_AT_A_TIME)


def read_metadata(path: Path) -> pq.FileMetaData:
    """The file's footer. Raises RecordUnreadable where there is no such file, or it is damaged or another one."""
    try:
        found = pq.read_metadata(path)
    except FileNotFoundError as error:
        raise RecordUnreadable(f"there is no file {path}; 'consbench pseudo-parts' makes such files") from error
    except (pa.ArrowException, OSError) as error:
        raise RecordUnreadable(f"{path} cannot be read as Parquet: {error}") from error
    if KEY not in (found.metadata or {}) or found.schema.to_arrow_schema().names != SCHEMA.names:
        raise RecordUnreadable(f"{path} holds no weak part labels: it was not made by 'consbench pseudo-parts'")
    return found


def content(metadata: pq.FileMetaData) -> dict[str, Any]:
    """The JSON object in a footer that `read_metadata` accepted."""
    found: dict[str, Any] = json.loads(metadata.metadata[KEY])
    return found


def read_about(path: Path) -> About:
    """What a finished file says of itself. Raises RecordUnreadable for another file or format."""
    found = content(read_metadata(path))
    form = found.get("identity", {}).get("format")
    if form != FORMAT:
        raise RecordUnreadable(f"{path} has format {form} of weak part labels; this version reads format {FORMAT}")
    return About(**found)
