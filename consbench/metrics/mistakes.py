"""What is wrong with an object mask, and how much IoU each kind of mistake costs.

Every click is of exactly one kind: the first that applies to the mask in position 1, in this order.

    right            IoU with the object is at least τ
    wrong-position   another output of the click has an IoU of at least τ with the object
    empty            it has no pixel
    part             IoU with the clicked part is at least τ: the part was given as the object
    miss             it shares no pixel with the object
    merged           it holds at least half of the object and, outside of it, at least half of another
    neighbour        it has too much rather than too little, and at least half of that lies in other objects
    background       it has too much rather than too little, and most of that lies in no other object
    fragment         it has too little rather than too much

Too much are the mask's pixels outside the object, too little the object's pixels outside the mask; equal
numbers count as too much. Another part of the object than the clicked one is a fragment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from consbench.masks import BoolArray
from consbench.metrics.answers import Answers
from consbench.metrics.nesting import from_iou
from consbench.metrics.overlap import target_iou
from consbench.metrics.tally import Tally
from consbench.metrics.units import over_clicks, threshold_text
from consbench.metrics.unpack import IntArray

Kind = Literal["right", "wrong-position", "empty", "part", "miss", "merged", "neighbour", "background", "fragment"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def kinds(answers: Answers, tau: float) -> IntArray:
    """The kind of every click's object mask as an index into `KINDS`, int64 (N,)."""
    iou_N, area_N = target_iou(answers, "object"), np.nan_to_num(answers.position(answers.area_NK, 1))
    inside_N = from_iou(iou_N, area_N + answers.object_area_N)
    too_much_N, too_little_N = area_N - inside_N, answers.object_area_N - inside_N
    leaked_N = too_much_N >= too_little_N
    in_others_N = answers.position(answers.other_area_NK, 1)
    applies: dict[Kind, BoolArray] = {
        "right": iou_N >= tau,
        "wrong-position": np.any(answers.iou_object_NK[:, 1:] >= tau, axis=1),
        "empty": area_N == 0,
        "part": answers.position(answers.iou_part_NK, 1) >= tau,
        "miss": inside_N == 0,
        "merged": (answers.position(answers.others_NK, 1) >= 1) & (2 * inside_N >= answers.object_area_N),
        "neighbour": leaked_N & (2 * in_others_N >= too_much_N),
        "background": leaked_N,
        "fragment": np.ones(len(iou_N), bool),
    }
    kind_N: IntArray = np.argmax(np.stack([applies[kind] for kind in KINDS], axis=1), axis=1)
    return kind_N


@dataclass(frozen=True, slots=True)
class Mistake:
    """Share of clicks whose object mask is of one kind, × 100; the kinds add up to 100.

    >>> str(Mistake("part", 0.5))
    'error-part@0.5'
    """

    unit: ClassVar[str] = "clicks"
    kind: Kind
    tau: float

    def __str__(self) -> str:
        return f"error-{self.kind}@{threshold_text(self.tau)}"

    def tally(self, answers: Answers) -> Tally:
        return over_clicks(answers, (kinds(answers, self.tau) == KINDS.index(self.kind)).astype(float))


@dataclass(frozen=True, slots=True)
class MistakeCost:
    """IoU that the object masks of one kind lack, spread over all clicks, × 100.

    The kinds add up to 100 - mIoU-object; `right` is what even the right masks lack.

    >>> str(MistakeCost("part", 0.5))
    'cost-part@0.5'
    """

    unit: ClassVar[str] = "clicks"
    kind: Kind
    tau: float

    def __str__(self) -> str:
        return f"cost-{self.kind}@{threshold_text(self.tau)}"

    def tally(self, answers: Answers) -> Tally:
        own_N = kinds(answers, self.tau) == KINDS.index(self.kind)
        return over_clicks(answers, np.where(own_N, 1 - target_iou(answers, "object"), 0.0))
