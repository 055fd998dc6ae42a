"""The answers to one image's clicks -> rows of the record. Exact IoUs on run-length codes, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from consbench import masks
from consbench.masks import Mask
from consbench.model import Prediction, Target
from consbench.types import Click, Sample

Row = dict[str, Any]


class Answer(NamedTuple):
    """What the model answered to one click, by native index; None where there is no such output."""

    masks_K: tuple[Mask | None, ...]
    scores_K: tuple[float | None, ...] | None


def encode(prediction: Prediction) -> list[Answer]:
    """Encode a checked prediction for N clicks as N answers."""
    masks_NKHW, scores_NK, valid_NK = prediction
    clicks, outputs = masks_NKHW.shape[:2]
    codes = masks.encode(masks_NKHW.reshape(-1, *masks_NKHW.shape[2:]))
    valid = np.ones((clicks, outputs), bool) if valid_NK is None else valid_NK
    answers = []
    for n in range(clicks):
        own = codes[n * outputs : (n + 1) * outputs]
        answers.append(
            Answer(
                tuple(code if ok else None for code, ok in zip(own, valid[n], strict=True)),
                None
                if scores_NK is None
                else tuple(float(s) if ok else None for s, ok in zip(scores_NK[n], valid[n], strict=True)),
            )
        )
    return answers


def click_row(image_id: str, target: Target, click: Click, answer: Answer | None, reason: str) -> Row:
    """The row of one click; `answer` is None and `reason` says why where the model failed."""
    obj, part = target
    row: Row = {
        "image_id": image_id,
        "object_id": obj.object_id,
        "part_id": part.part_id,
        "object_category": obj.category,
        "part_category": part.category,
        "x": click.x,
        "y": click.y,
        "object_area": obj.mask.area,
        "part_area": part.mask.area,
    }
    if answer is None:
        return {**row, "k": 0, "status": "failed", "reason": reason}
    iou_K2 = _iou(answer.masks_K, (obj.mask, part.mask))
    return {
        **row,
        "k": len(answer.masks_K),
        "status": "ok",
        "reason": "",
        "iou_object": [row[0] for row in iou_K2],
        "iou_part": [row[1] for row in iou_K2],
        "area": [None if mask is None else mask.area for mask in answer.masks_K],
        "score": answer.scores_K,
    }


def mask_row(image_id: str, target: Target, answer: Answer, sample: Sample) -> Row:
    """The row that keeps the masks of one answer."""
    obj, part = target
    return {
        "image_id": image_id,
        "object_id": obj.object_id,
        "part_id": part.part_id,
        "height": sample.height,
        "width": sample.width,
        "counts": [None if mask is None else mask.counts for mask in answer.masks_K],
    }


def pair_rows(image_id: str, targets: Iterable[Target], answers: Iterable[Answer]) -> list[Row]:
    """One row per pair of answered clicks on one object, smaller part id first: IoU of each output with each."""
    of_object: dict[int, list[tuple[int, Answer]]] = {}
    for (obj, part), answer in zip(targets, answers, strict=True):
        of_object.setdefault(obj.object_id, []).append((part.part_id, answer))
    rows = []
    for object_id, clicked in of_object.items():
        for (part_a, a), (part_b, b) in combinations(sorted(clicked, key=lambda c: c[0]), 2):
            iou = [value for row in _iou(a.masks_K, b.masks_K) for value in row]
            rows.append({"image_id": image_id, "object_id": object_id, "part_a": part_a, "part_b": part_b, "iou": iou})
    return rows


def _iou(a: Sequence[Mask | None], b: Sequence[Mask | None]) -> list[list[float | None]]:
    known = masks.iou([m for m in a if m], [m for m in b if m])
    rows, columns = (np.cumsum([m is not None for m in side]) - 1 for side in (a, b))
    return [
        [float(known[r, c]) if ma and mb else None for mb, c in zip(b, columns, strict=True)]
        for ma, r in zip(a, rows, strict=True)
    ]
