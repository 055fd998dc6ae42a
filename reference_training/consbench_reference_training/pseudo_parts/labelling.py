"""The loop of Algorithm 1: images with objects -> one file of weak part labels, sharded and resumable."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from consbench.errors import BadSample, UsageError
from consbench.types import Sample
from consbench_reference_training.pseudo_parts import batches, table
from consbench_reference_training.pseudo_parts.algorithm import FEWEST_PARTS, LabelMap, Slivers, cut, paint
from consbench_reference_training.pseudo_parts.batches import Outcome, Shard
from consbench_reference_training.pseudo_parts.proposers import RegionProposer
from consbench_reference_training.pseudo_parts.sources import Source
from consbench_reference_training.pseudo_parts.table import About, Row

SECONDS_BETWEEN_FLUSHES = 60.0
Progress = Callable[[int, int], None]


class State(NamedTuple):
    """How far a job is: images done and in all; `about` is there when the one file is."""

    done: int
    images: int
    about: About | None


def make_labels(
    source: Source,
    proposer: RegionProposer,
    *,
    out: Path,
    slivers: Slivers | None = None,
    shard: Shard | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> State:
    """Label one shard of a source, and write the one file if all shards are done with this.

    Finished images are not done again; a job may be continued with another division into shards. The
    file is the same to the byte however the work was divided or interrupted, if the proposer is deterministic.

    Args:
        source: images with objects.
        proposer: regions of an image.
        out: the Parquet file, see `table`; unfinished work lies beside it, see `batches`.
        slivers: parts that are left out for being small; none where absent.
        shard: which part of the images this process does; all where absent.
        limit: only the first so many images of the source, before they are shared out.
        progress: called with (images of this shard done, images of this shard).

    Raises RecordMismatch where `out` is of another job, RecordUnreadable where it is another file, UsageError where no
    object got two parts. An image that cannot be read is skipped, with its reason in the file.
    """
    slivers, shard = slivers or Slivers(), shard or Shard()
    chosen = list(source.dataset.ids)[:limit]
    if not chosen:
        raise UsageError(f"{source.dataset.name} has no image to label")
    identity = identify(source, proposer, slivers, chosen)
    if not batches.claim(out, identity):
        return State(len(chosen), len(chosen), table.read_about(out))
    folder = batches.folder_of(out)
    done = batches.finished(folder)
    mine = shard.of(sorted(chosen))  # sorted, so that a batch holds neighbours and the merge finds them together
    _label_images(source, proposer, slivers, [i for i in mine if i not in done], folder, len(mine), progress)
    done = batches.finished(folder)
    if len(done) == len(chosen):
        return State(len(done), len(chosen), batches.merge(out, identity, done))
    if out.exists():  # written, and the batches dropped, by another process in between
        shutil.rmtree(folder, ignore_errors=True)
        return State(len(chosen), len(chosen), table.read_about(out))
    return State(len(done), len(chosen), None)


def identify(source: Source, proposer: RegionProposer, slivers: Slivers, ids: list[str]) -> dict[str, Any]:
    """What makes two jobs the same one; JSON-able."""
    identity: dict[str, Any] = {
        "format": table.FORMAT,
        "source": {**source.describe(), "images": len(ids), "fingerprint": source.dataset.fingerprint(ids)},
        "proposer": proposer.describe(),
        "overlap": "largest first",
        "slivers": {"min_fraction": slivers.min_fraction, "min_pixels": slivers.min_pixels},
        "consbench": version("consbench"),
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity))  # as it is read back: without tuples
    return plain


def _label_images(
    source: Source,
    proposer: RegionProposer,
    slivers: Slivers,
    todo: list[str],
    folder: Path,
    total: int,
    progress: Progress | None,
) -> None:
    outcomes: list[Outcome] = []
    rows: list[Row] = []
    flushed = time.monotonic()
    try:
        for position, image_id in enumerate(todo):
            if progress:
                progress(total - len(todo) + position, total)
            outcome, found = label_image(source, proposer, slivers, image_id)
            # Rows first: an interruption between the two lines must not call an image done that lost its rows.
            rows += found
            outcomes.append(outcome)
            if time.monotonic() - flushed > SECONDS_BETWEEN_FLUSHES:
                batches.save(folder, outcomes, rows)
                outcomes, rows, flushed = [], [], time.monotonic()
        if progress:
            progress(total, total)
    finally:  # on Ctrl-C too: what was computed is kept
        batches.save(folder, outcomes, rows)


def label_image(source: Source, proposer: RegionProposer, slivers: Slivers, image_id: str) -> tuple[Outcome, list[Row]]:
    """Algorithm 1 on one image: what became of it, and the rows of the objects that have two parts."""
    try:
        sample = source.dataset.load(image_id)
        if not sample.objects:
            return Outcome(image_id, left_out=len(sample.skipped)), []
        labels_HW = regions_of(sample, proposer)
    except BadSample as error:
        return Outcome(image_id, skipped=str(error)), []
    rows = []
    objects = [whole for whole in sample.objects if not whole.crowd]
    dropped = 0
    for whole in objects:
        parts, small = cut(whole.mask, labels_HW, slivers)
        dropped += small
        if len(parts) >= FEWEST_PARTS:
            rows.append(table.row_of(sample, source.pictures.get(image_id, ""), whole, parts))
    return Outcome(
        image_id,
        objects=len(objects),
        left_out=len(sample.skipped) + len(sample.objects) - len(objects),
        one_part=len(objects) - len(rows),
        parts=sum(len(row["parts"]) for row in rows),
        slivers=dropped,
    ), rows


def regions_of(sample: Sample, proposer: RegionProposer) -> LabelMap:
    """The label map of one image, int32 (H, W). Raises BadSample where the image cannot be read."""
    image_HWC = sample.image()
    return paint(proposer.propose(image_HWC), sample.height, sample.width)
