"""How good the masks are: IoU with the clicked object and part, and the size of the object mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from consbench.masks import FloatArray
from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally


@dataclass(frozen=True, slots=True)
class MIoU:
    """Mean IoU over clicks, × 100 (section 4.1).

    `object` compares the mask in position 1 with the object, `part` the mask in position 2 with the part.
    A model of one output has no part mask: undefined.

    >>> str(MIoU("part"))
    'mIoU-part'
    """

    unit: ClassVar[str] = "clicks"
    target: Literal["object", "part"]

    def __str__(self) -> str:
        return f"mIoU-{self.target}"

    def tally(self, answers: Answers) -> Tally:
        if self.target == "object":
            return over_clicks(answers, answers.position(answers.iou_object_NK, 1))
        return over_clicks(answers, answers.position(answers.iou_part_NK, 2))


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


def over_clicks(answers: Answers, values_N: FloatArray, form: Literal["percent", "geometric"] = "percent") -> Tally:
    """Tally one value per click; NaN is undefined."""
    defined_N = ~np.isnan(values_N)
    return Tally(
        answers.per_image(np.where(defined_N, values_N, 0.0), answers.image_N),
        answers.per_image(defined_N.astype(float), answers.image_N),
        answers.per_image((~defined_N).astype(float), answers.image_N),
        form,
    )
