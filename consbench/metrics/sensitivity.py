"""How much is the exact pixel, and how much is the part? Extra clicks within a part against clicks between parts.

Needs a run with extra clicks, as `consbench run --click part-centre --click jitter@5#0` makes; on any
other every object is undefined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consbench.masks import FloatArray
from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.metrics.units import object_means, over_objects, threshold_text


@dataclass(frozen=True, slots=True)
class WithinCVR:
    """CVR@δ between clicks within one part: mean over objects, × 100.

    Per object, the share of its pairs (first click on a part, extra click on the same part) whose object
    masks have an IoU below δ, strictly. An object without extra clicks is undefined.

    >>> str(WithinCVR(0.5))
    'within-CVR@0.5'
    """

    unit: ClassVar[str] = "objects"
    delta: float

    def __str__(self) -> str:
        return f"within-CVR@{threshold_text(self.delta)}"

    def tally(self, answers: Answers) -> Tally:
        return over_objects(answers, _within(answers, (answers.object_iou_J < self.delta).astype(float)))


@dataclass(frozen=True, slots=True)
class WithinCVRArea:
    """Mean of 1 - IoU between the object masks of clicks within one part: mean over objects, × 100.

    >>> str(WithinCVRArea())
    'within-CVR-AUC'
    """

    unit: ClassVar[str] = "objects"

    def __str__(self) -> str:
        return "within-CVR-AUC"

    def tally(self, answers: Answers) -> Tally:
        return over_objects(answers, _within(answers, 1 - answers.object_iou_J))


@dataclass(frozen=True, slots=True)
class PartEffect:
    """How much more clicks on different parts disagree than clicks on one part: points of CVR-AUC.

    Per object, mean of 1 - IoU between its parts minus the same within its parts; mean over the objects
    that have both, × 100. Near 0, a model's inconsistency is a matter of pixels, not of parts.

    >>> str(PartEffect())
    'part-effect'
    """

    unit: ClassVar[str] = "objects"

    def __str__(self) -> str:
        return "part-effect"

    def tally(self, answers: Answers) -> Tally:
        between_O = object_means(answers, 1 - answers.object_iou_P, answers.object_P)
        return over_objects(answers, between_O - _within(answers, 1 - answers.object_iou_J))


def _within(answers: Answers, values_J: FloatArray) -> FloatArray:
    return object_means(answers, values_J, answers.object_N[answers.click_J])
