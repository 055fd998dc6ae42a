"""How the K masks of one click lie in one another: part inside object, nested scales, duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from consbench.masks import FloatArray
from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.metrics.units import over_clicks, threshold_text


@dataclass(frozen=True, slots=True)
class Containment:
    """Share of the part mask (position 2) that lies in the object mask (position 1): mean over clicks, × 100.

    An empty part mask, and a click with one output, are undefined.

    >>> str(Containment())
    'containment'
    """

    unit: ClassVar[str] = "clicks"

    def __str__(self) -> str:
        return "containment"

    def tally(self, answers: Answers) -> Tally:
        part_area_N = answers.position(answers.area_NK, 2)
        if answers.area_NK.shape[1] < 2:
            return over_clicks(answers, part_area_N)
        shared_N = shared_pixels(answers)[:, 0, 1]
        return over_clicks(answers, shared_N / np.where(part_area_N > 0, part_area_N, np.nan))


@dataclass(frozen=True, slots=True)
class Nestedness:
    """Share of the smaller mask that lies in the larger one, over all pairs of a click's outputs, × 100.

    Mean over the pairs of two non-empty masks, then over clicks; 100 where the outputs are nested scales
    (or copies, see `Duplicates`), 0 where they lie apart. A click without such a pair is undefined.

    >>> str(Nestedness())
    'nestedness'
    """

    unit: ClassVar[str] = "clicks"

    def __str__(self) -> str:
        return "nestedness"

    def tally(self, answers: Answers) -> Tally:
        smaller_NKK = np.minimum(answers.area_NK[:, :, None], answers.area_NK[:, None, :])
        share_NKK = shared_pixels(answers) / np.where(smaller_NKK > 0, smaller_NKK, np.nan)
        share_NQ = _pairs_of_outputs(share_NKK)
        defined_NQ = ~np.isnan(share_NQ)
        pairs_N = defined_NQ.sum(axis=1)
        mean_N = np.nan_to_num(share_NQ).sum(axis=1) / np.where(pairs_N > 0, pairs_N, np.nan)
        return over_clicks(answers, mean_N)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Share of clicks in which two outputs are the same mask, that is have an IoU of at least t, × 100.

    A click with one output is undefined.

    >>> str(Duplicates(0.9))
    'duplicates@0.9'
    """

    unit: ClassVar[str] = "clicks"
    threshold: float

    def __str__(self) -> str:
        return f"duplicates@{threshold_text(self.threshold)}"

    def tally(self, answers: Answers) -> Tally:
        iou_NQ = _pairs_of_outputs(answers.iou_NKK)
        several_N = ~np.isnan(iou_NQ).all(axis=1)
        same_N = (iou_NQ >= self.threshold).any(axis=1)
        return over_clicks(answers, np.where(several_N, same_N, np.nan))


def shared_pixels(answers: Answers) -> FloatArray:
    """Pixels that two outputs of one click share, (N, K, K), whole numbers; NaN where one is absent."""
    both_NKK = answers.area_NK[:, :, None] + answers.area_NK[:, None, :]
    return from_iou(answers.iou_NKK, both_NKK)


def from_iou(iou: FloatArray, area_of_both: FloatArray) -> FloatArray:
    """The intersection in pixels of two masks, from their exact IoU and the sum of their areas.

    >>> from_iou(np.array([3 / 7]), np.array([10.0])).tolist()
    [3.0]
    """
    return np.rint(iou * area_of_both / (1 + iou))


def _pairs_of_outputs(values_NKK: FloatArray) -> FloatArray:
    upper = np.triu_indices(values_NKK.shape[1], k=1)
    pairs_NQ: FloatArray = values_NKK[:, upper[0], upper[1]]
    return pairs_NQ
