"""Do clicks on different parts of one object give the same object mask? The consistency violation rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from consbench.masks import FloatArray
from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.metrics.units import object_means, over_objects, over_pairs, threshold_text


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
        return f"CVR@{threshold_text(self.delta)}"

    def tally(self, answers: Answers) -> Tally:
        violated_P = (answers.object_iou_P < self.delta).astype(float)
        return over_objects(answers, object_means(answers, violated_P, answers.object_P))


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
        return f"pooled-CVR@{threshold_text(self.delta)}"

    def tally(self, answers: Answers) -> Tally:
        return over_pairs(answers, (answers.object_iou_P < self.delta).astype(float))


@dataclass(frozen=True, slots=True)
class CVRArea:
    """Area under the curve of CVR against δ in (0, 1], × 100: the consistency without a threshold.

    A pair violates at every δ above its IoU, so its part of the integral is exactly 1 - IoU; nothing is
    sampled. Mean over objects, or over pairs where `pooled`.

    >>> str(CVRArea()), str(CVRArea(pooled=True))
    ('CVR-AUC', 'pooled-CVR-AUC')
    """

    pooled: bool = False

    @property
    def unit(self) -> str:
        return "pairs" if self.pooled else "objects"

    def __str__(self) -> str:
        return "pooled-CVR-AUC" if self.pooled else "CVR-AUC"

    def tally(self, answers: Answers) -> Tally:
        apart_P = 1 - answers.object_iou_P
        if self.pooled:
            return over_pairs(answers, apart_P)
        return over_objects(answers, object_means(answers, apart_P, answers.object_P))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Mean IoU between the object masks of an object's clicks: mean over objects, × 100.

    The same statement as `CVRArea`, told as agreement: the two add up to 100.

    >>> str(Agreement())
    'agreement'
    """

    unit: ClassVar[str] = "objects"

    def __str__(self) -> str:
        return "agreement"

    def tally(self, answers: Answers) -> Tally:
        return over_objects(answers, object_means(answers, answers.object_iou_P, answers.object_P))


class Curve(NamedTuple):
    """CVR against δ.

    delta_D     thresholds, ascending
    cvr_D       CVR at each, mean over objects, percent; NaN where no object has a pair
    pooled_D    the same over pairs
    """

    delta_D: FloatArray
    cvr_D: FloatArray
    pooled_D: FloatArray


def cvr_curve(answers: Answers, deltas: Sequence[float] | FloatArray | None = None) -> Curve:
    """Return CVR at many thresholds in one pass; by default at 0.01, 0.02, …, 1."""
    delta_D = np.arange(1, 101) / 100 if deltas is None else np.sort(np.asarray(deltas, np.float64))
    iou_P = answers.object_iou_P
    if not len(iou_P):
        nothing_D = np.full(len(delta_D), np.nan)
        return Curve(delta_D, nothing_D, nothing_D)
    pairs_O = np.bincount(answers.object_P, minlength=len(answers.image_O))
    weight_P = 1 / (pairs_O[answers.object_P] * (pairs_O > 0).sum())
    ascending = np.argsort(iou_P, kind="stable")
    below_D = np.searchsorted(iou_P[ascending], delta_D, side="left")
    cumulative = np.concatenate([[0.0], np.cumsum(weight_P[ascending])])
    return Curve(delta_D, 100 * cumulative[below_D], 100 * below_D / len(iou_P))
