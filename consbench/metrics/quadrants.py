"""Consistent and right at once: consistency alone can be won by masks that are equally wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.metrics.units import object_means, over_objects, threshold_text

Quadrant = Literal["consistent-right", "consistent-wrong", "inconsistent-right", "inconsistent-wrong"]
QUADRANTS: tuple[Quadrant, ...] = get_args(Quadrant)


@dataclass(frozen=True, slots=True)
class Quadrants:
    """The share of an object's pairs that fall into one quadrant: mean over objects, × 100.

    A pair is consistent where the IoU of its two object masks is at least δ, and right where both have
    an IoU of at least τ with the object. The four quadrants add up to 100, and the two inconsistent
    ones to CVR@δ.

    >>> str(Quadrants("consistent-right", 0.5, 0.75))
    'consistent-right@0.5/0.75'
    """

    unit: ClassVar[str] = "objects"
    quadrant: Quadrant
    delta: float
    tau: float

    def __str__(self) -> str:
        return f"{self.quadrant}@{threshold_text(self.delta)}/{threshold_text(self.tau)}"

    def tally(self, answers: Answers) -> Tally:
        consistent_P = answers.object_iou_P >= self.delta
        right_N = np.nan_to_num(answers.position(answers.iou_object_NK, 1)) >= self.tau
        right_P = right_N[answers.click_P2].all(axis=1)
        agree, correct = self.quadrant.split("-")
        in_P = (consistent_P == (agree == "consistent")) & (right_P == (correct == "right"))
        return over_objects(answers, object_means(answers, in_P.astype(float), answers.object_P))
