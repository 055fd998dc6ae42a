"""The answers to one image's clicks -> rows of the record. Exact IoUs on run-length codes, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from consbench import masks
from consbench.masks import Mask
from consbench.model import Prediction, Target
from consbench.surroundings import Surroundings
from consbench.types import Click

Row = dict[str, Any]


class Question(NamedTuple):
    """One click that the model is asked about.

    target      the object and the part that is clicked
    number      which click on this part it is; 0 is the protocol's own, the others are extra
    click       where it is
    """

    target: Target
    number: int
    click: Click


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


def click_row(image_id: str, question: Question, answer: Answer, surroundings: Surroundings) -> Row:
    """The row of one answered click."""
    obj, part = question.target
    iou_K2 = _iou(answer.masks_K, (obj.mask, part.mask))
    spill = iter(surroundings.spill(obj, [mask for mask in answer.masks_K if mask]))
    spill_K = [next(spill) if mask else None for mask in answer.masks_K]
    return {
        **_about(image_id, question),
        "k": len(answer.masks_K),
        "status": "ok",
        "reason": "",
        "iou_object": [row[0] for row in iou_K2],
        "iou_part": [row[1] for row in iou_K2],
        "area": [None if mask is None else mask.area for mask in answer.masks_K],
        "score": answer.scores_K,
        "other_area": [None if s is None else s.area for s in spill_K],
        "others": [None if s is None else s.objects for s in spill_K],
        "iou_outputs": _flat_iou(answer.masks_K, answer.masks_K),
    }


def failed_row(image_id: str, question: Question, reason: str) -> Row:
    """The row of one click that the model failed on; `reason` says why."""
    return {**_about(image_id, question), "k": 0, "status": "failed", "reason": reason}


def mask_row(image_id: str, question: Question, answer: Answer) -> Row:
    """The row that keeps the masks of one answer."""
    height, width = question.target[0].mask.shape
    return {
        **_ids(image_id, question),
        "height": height,
        "width": width,
        "counts": [None if mask is None else mask.counts for mask in answer.masks_K],
    }


def pair_rows(image_id: str, questions: Sequence[Question], answers: Sequence[Answer]) -> list[Row]:
    """One row per pair of answered clicks that are compared: IoU of each output with each.

    Compared are the first clicks on different parts of one object, smaller part id first, and the first
    click on a part with every other click on it.
    """
    first: dict[int, dict[int, Answer]] = {}
    for ((obj, part), number, _), answer in zip(questions, answers, strict=True):
        if number == 0:
            first.setdefault(obj.object_id, {})[part.part_id] = answer
    rows = []
    for object_id, of_part in first.items():
        for part_a, part_b in combinations(sorted(of_part), 2):
            rows.append(_pair(image_id, object_id, (part_a, 0, of_part[part_a]), (part_b, 0, of_part[part_b])))
    for ((obj, part), number, _), answer in zip(questions, answers, strict=True):
        if number > 0:
            centre = first[obj.object_id][part.part_id]
            rows.append(_pair(image_id, obj.object_id, (part.part_id, 0, centre), (part.part_id, number, answer)))
    return rows


def _pair(image_id: str, object_id: int, a: tuple[int, int, Answer], b: tuple[int, int, Answer]) -> Row:
    return {
        "image_id": image_id,
        "object_id": object_id,
        "part_a": a[0],
        "click_a": a[1],
        "part_b": b[0],
        "click_b": b[1],
        "iou": _flat_iou(a[2].masks_K, b[2].masks_K),
    }


def _ids(image_id: str, question: Question) -> Row:
    obj, part = question.target
    return {"image_id": image_id, "object_id": obj.object_id, "part_id": part.part_id, "click": question.number}


def _about(image_id: str, question: Question) -> Row:
    obj, part = question.target
    height, width = obj.mask.shape
    return {
        **_ids(image_id, question),
        "object_category": obj.category,
        "part_category": part.category,
        "x": question.click.x,
        "y": question.click.y,
        "object_area": obj.mask.area,
        "part_area": part.mask.area,
        "height": height,
        "width": width,
    }


def _flat_iou(a: Sequence[Mask | None], b: Sequence[Mask | None]) -> list[float | None]:
    return [value for row in _iou(a, b) for value in row]


def _iou(a: Sequence[Mask | None], b: Sequence[Mask | None]) -> list[list[float | None]]:
    known = masks.iou([m for m in a if m], [m for m in b if m])
    rows, columns = (np.cumsum([m is not None for m in side]) - 1 for side in (a, b))
    return [
        [float(known[r, c]) if ma and mb else None for mb, c in zip(b, columns, strict=True)]
        for ma, r in zip(a, rows, strict=True)
    ]
