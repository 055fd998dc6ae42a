"""The masks of a run in COCO's results format: a JSON array with one entry per mask, which every COCO tool reads.

    image_id       as in the record; with a ground truth, the id that this image has there
    category_id    1 for every mask: the models name no category. COCOeval, with `useCats = 0`, looks only at what
                   is of `params.catIds`, to which 1 must be added
    segmentation   {"size": [height, width], "counts": compressed run-length code}
    score          the model's own; 1 where it gives none

and what only this bench knows, which COCO tools pass over: `object_id`, `part_id` and `click` say which click
the mask answers, `object_category` and `part_category` what was clicked, `position` the place of the mask in
the order of the export and `output` its place as the model emits it, both from 1.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consbench.errors import RecordUnreadable, UnknownName, UsageError
from consbench.exchange.files import replacing_text, write_array
from consbench.ordering import Order, permutation
from consbench.records import read_table
from consbench.run import Run

ROWS_AT_ONCE = 4096
IDS = ("image_id", "object_id", "part_id", "click")
CATEGORY_ID = 1


def write_coco(
    run: Run, file: str | Path, *, order: Order | None = None, ground_truth: str | Path | None = None
) -> int:
    """Write the masks of all answered clicks, sorted by ids, then by position; return how many there are.

    Args:
        run: with masks.
        file: to write; the same record gives the same bytes.
        order: what `position` counts in; the model's declared order where absent.
        ground_truth: COCO annotations whose image ids are wanted in place of the record's. Images are matched
            by id where all of the run's ids are ids there, by file name without its suffix elsewhere.

    Raises RecordUnreadable where the masks were not kept or are damaged; UsageError where no click was
    answered, where the order needs scores that there are none of, or where a file cannot be read or written;
    UnknownName where the ground truth lacks an image.
    """
    clicks, masks = _answered(run)
    if not masks.num_rows:
        raise UsageError(f"{run.path} has no answered click, and so no mask to export")
    image_ids = set(pc.unique(clicks["image_id"]).to_pylist())
    called: Callable[[str], Any] = _ids_there(Path(ground_truth), image_ids).__getitem__ if ground_truth else str
    order = order or run.default_order
    with replacing_text(Path(file)) as stream:
        count = write_array(stream, _entries(clicks, masks, order, called))
        stream.write("\n")
    return count


def _answered(run: Run) -> tuple[pa.Table, pa.Table]:
    """The rows of the answered clicks in both tables, row by row the same click."""
    columns = [*IDS, "object_category", "part_category", "area", "score"]
    masks, clicks = read_table(run.path, "masks"), read_table(run.path, "clicks")
    clicks = clicks.filter(pc.equal(clicks["status"], "ok")).select(columns)
    if any(not clicks[name].equals(masks[name]) for name in IDS):
        raise RecordUnreadable(f"{run.path} is damaged: masks.parquet is of other clicks than clicks.parquet")
    return clicks, masks


def _entries(clicks: pa.Table, masks: pa.Table, order: Order, called: Callable[[str], Any]) -> Iterator[str]:
    for start in range(0, masks.num_rows, ROWS_AT_ONCE):
        rows = [table.slice(start, ROWS_AT_ONCE).to_pylist() for table in (clicks, masks)]
        for click, mask in zip(*rows, strict=True):
            area_1K, score_1K = (_floats(click[name], len(mask["counts"])) for name in ("area", "score"))
            for position, output in enumerate(permutation(order, area_1K, score_1K)[0].tolist(), start=1):
                counts = mask["counts"][output]
                if counts is None:  # an output that this click does not have
                    continue
                yield json.dumps(
                    {
                        "image_id": called(click["image_id"]),
                        "category_id": CATEGORY_ID,
                        "segmentation": {"size": [mask["height"], mask["width"]], "counts": counts.decode("ascii")},
                        "score": click["score"][output] if click["score"] else 1.0,
                        "object_id": click["object_id"],
                        "part_id": click["part_id"],
                        "click": click["click"],
                        "position": position,
                        "output": output + 1,
                        "object_category": click["object_category"],
                        "part_category": click["part_category"],
                    },
                    ensure_ascii=False,
                    allow_nan=False,
                )


def _floats(values: list[float | None] | None, outputs: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One row of a list column, None as NaN."""
    return np.array([values or [None] * outputs], dtype=np.float64)


def _ids_there(file: Path, wanted: set[str]) -> Mapping[str, Any]:
    """What COCO annotations call the images of a run: the id there by the id here."""
    try:
        images = json.loads(file.read_text(encoding="utf-8"))["images"]
        by_id = {str(image["id"]): image["id"] for image in images}
        by_name = {PurePosixPath(image["file_name"]).stem: image["id"] for image in images}
    except OSError as error:
        raise UsageError(f"the ground truth {file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UsageError(f"{file} is no COCO ground truth with images of id and file_name ({what})") from error
    found = by_id if wanted <= by_id.keys() else by_name
    if absent := sorted(wanted - found.keys()):
        raise UnknownName(f"image of {file}", absent[0], difflib.get_close_matches(absent[0], found, n=3, cutoff=0.0))
    if len(by_name) < len(images) and found is by_name:
        raise UsageError(f"{file} has images of one name in several folders; they cannot be told apart by name")
    return found
