"""Do clicks on different parts of one object give the same object mask? The consistency violation rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally


@dataclass(frozen=True, slots=True)
class CVR:
    """Consistency violation rate at δ: mean over objects, × 100 (equation 9).

    For an object with n ≥ 2 clicked parts, the share of its n(n-1)/2 pairs of object masks (position 1)
    whose IoU is below δ, strictly. An object with one clicked part has no pair: undefined.

    # paper: section 4.1 leaves open whether the mean is over objects or over pairs. This is over
    objects; `PooledCVR` is over pairs.

    >>> str(CVR(0.5))
    'CVR@0.5'
    """

    unit: ClassVar[str] = "objects"
    delta: float

    def __str__(self) -> str:
        return f"CVR@{self.delta:g}"

    def tally(self, answers: Answers) -> Tally:
        objects = len(answers.image_O)
        pairs_O = np.bincount(answers.object_P, minlength=objects)
        violated_O = np.bincount(answers.object_P, weights=_violated(answers, self.delta), minlength=objects)
        paired_O = pairs_O > 0
        rate_O = np.divide(violated_O, pairs_O, out=np.zeros(objects), where=paired_O)
        return Tally(
            answers.per_image(rate_O, answers.image_O),
            answers.per_image(paired_O.astype(float), answers.image_O),
            answers.per_image((~paired_O).astype(float), answers.image_O),
        )


@dataclass(frozen=True, slots=True)
class PooledCVR:
    """The share of violating pairs among all pairs of all objects, × 100.

    Objects with many parts weigh more here than in `CVR`.

    >>> str(PooledCVR(0.5))
    'pooled-CVR@0.5'
    """

    unit: ClassVar[str] = "pairs"
    delta: float

    def __str__(self) -> str:
        return f"pooled-CVR@{self.delta:g}"

    def tally(self, answers: Answers) -> Tally:
        image_P = answers.image_O[answers.object_P]
        violated_I = answers.per_image(_violated(answers, self.delta), image_P)
        return Tally(violated_I, answers.per_image(np.ones(len(image_P)), image_P), np.zeros_like(violated_I))


def _violated(answers: Answers, delta: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if not len(answers.object_P):
        return np.zeros(0)
    violated: np.ndarray[tuple[int], np.dtype[np.float64]] = (answers.iou_PKK[:, 0, 0] < delta).astype(float)
    return violated
