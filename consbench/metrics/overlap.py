"""How good the masks are: IoU with the clicked object and part, and the size of the object mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from consbench.masks import FloatArray
from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.metrics.units import over_clicks

Target = Literal["object", "part"]
USUAL_POSITION: dict[Target, int] = {"object": 1, "part": 2}


@dataclass(frozen=True, slots=True)
class MIoU:
    """Mean IoU over clicks, × 100 (section 4.1).

    `object` compares the mask in position 1 with the object, `part` the mask in position 2 with the part;
    a stated position takes another mask, and "best" the one that fits best, as only an oracle could
    choose. A model of one output has no part mask: undefined. A click without any output counts as an
    empty object mask.

    >>> str(MIoU("part")), str(MIoU("object", 3)), str(MIoU("object", "best"))
    ('mIoU-part', 'mIoU-object@3', 'mIoU-object@best')
    """

    unit: ClassVar[str] = "clicks"
    target: Target
    position: int | Literal["best"] | None = None

    def __str__(self) -> str:
        return f"mIoU-{self.target}" + (f"@{self.position}" if self.position else "")

    def tally(self, answers: Answers) -> Tally:
        return over_clicks(answers, target_iou(answers, self.target, self.position))


@dataclass(frozen=True, slots=True)
class Gap:
    """What the order of the outputs costs: IoU of the best output minus IoU of the usual position, × 100.

    Over the clicks that have that position; others are undefined.

    >>> str(Gap("object"))
    'gap-object'
    """

    unit: ClassVar[str] = "clicks"
    target: Target

    def __str__(self) -> str:
        return f"gap-{self.target}"

    def tally(self, answers: Answers) -> Tally:
        best_N = target_iou(answers, self.target, "best")
        return over_clicks(answers, best_N - target_iou(answers, self.target))


@dataclass(frozen=True, slots=True)
class SizeRatio:
    """Area of the mask in position 1 relative to the object, as a geometric mean over clicks; 1 is right.

    It stands beside CVR because over-large masks are consistent for the wrong reason. Empty masks have
    no ratio: undefined.

    >>> str(SizeRatio())
    'size-ratio'
    """

    unit: ClassVar[str] = "clicks"

    def __str__(self) -> str:
        return "size-ratio"

    def tally(self, answers: Answers) -> Tally:
        area_N = answers.position(answers.area_NK, 1)
        ratio_N = np.where(area_N > 0, area_N, np.nan) / answers.object_area_N
        return over_clicks(answers, np.log(ratio_N), form="geometric")


def target_iou(answers: Answers, target: Target, position: int | Literal["best"] | None = None) -> FloatArray:
    """IoU of one output of every click with its object or part, float64 (N,); NaN where it has no such output.

    Args:
        answers: the run.
        target: what the outputs are compared with.
        position: from 1; "best" for the output that fits best; None for the protocol's, 1 for the
            object and 2 for the part.
    """
    iou_NK = answers.iou_object_NK if target == "object" else answers.iou_part_NK
    if position == "best":
        absent_N = np.isnan(iou_NK).all(axis=1)
        iou_N = np.where(absent_N, np.nan, np.nan_to_num(iou_NK, nan=-1.0).max(axis=1, initial=-1.0))
    else:
        iou_N = answers.position(iou_NK, position or USUAL_POSITION[target])
    if target == "object" and position in (None, 1, "best"):
        return np.nan_to_num(iou_N)  # nothing answered is an empty mask: it must not leave the mean
    return iou_N
