"""How good a network is while it learns: the loss on images kept apart, and the bench's own metrics on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import torch

from consbench.errors import RunFailed
from consbench.metrics import CVR, Answers, Metric, MIoU, Placement
from consbench.ordering import Order
from consbench.protocol import Protocol
from consbench.records import SCHEMAS, ImageRows
from consbench.runner import evaluate_image
from consbench_adapters.promptable import PromptableModel
from consbench_reference_training.episodes import EpisodeStream
from consbench_reference_training.objective import Objective
from consbench_reference_training.parallel import Processes
from consbench_reference_training.sources import Split

METRICS: tuple[Metric, ...] = (MIoU("object"), MIoU("part"), CVR(0.5), Placement(1))


def validation_loss(objective: Objective, stream: EpisodeStream, processes: Processes) -> float:
    """The mean loss over the fixed episodes of a stream."""
    sums = torch.zeros(2, dtype=torch.float64)
    with torch.inference_mode():
        for number in range(processes.rank, len(stream), processes.count):
            sums[0] += float(objective([stream[number]]).total_E.sum())
            sums[1] += 1
    processes.add(sums)
    return float(sums[0] / sums[1])


def bench_metrics(
    model: PromptableModel, splits: Sequence[Split], most: int, order: Order, processes: Processes
) -> dict[str, float]:
    """The metrics of `METRICS`, outputs in `order`, on at most `most` validation images (0: all).

    They are computed by the bench's own click, measure and metrics. `best-object` and `best-part` are the mean
    IoU of whichever output is best, which no order can change. NaN where a metric is undefined.

    Raises RunFailed where the network fails on an image.
    """
    wanted = [(split, image_id) for split in splits for image_id in split.validation]
    # Evenly from the whole list, so that no profile or source is left out.
    step = max(1, len(wanted) // most) if most else 1
    wanted = wanted[::step][: most or None]
    mine = [_rows(model, split, image_id) for split, image_id in wanted[processes.rank :: processes.count]]
    rows = processes.gather(mine)
    tables = {
        name: pa.Table.from_pylist([row for image in rows for row in getattr(image, name)], schema=SCHEMAS[name])
        for name in ("clicks", "pairs")
    }
    if not tables["clicks"].num_rows:
        return {}
    answers = Answers.from_tables(tables["clicks"], tables["pairs"], order)
    values = {str(metric): metric.tally(answers).value for metric in METRICS}
    values["best-object"] = 100 * float(answers.iou_object_NK.max(axis=1).mean())
    values["best-part"] = 100 * float(answers.iou_part_NK.max(axis=1).mean())
    return values


def _rows(model: PromptableModel, split: Split, image_id: str) -> ImageRows:
    rows: Any = evaluate_image(model, split.dataset, image_id, Protocol(), keep_masks=False)
    if rows.image["status"] == "failed":
        raise RunFailed(f"validation on image {image_id} failed: {rows.image['reason']}")
    found: ImageRows = rows
    return found
