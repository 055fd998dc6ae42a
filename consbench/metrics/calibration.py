"""Do the model's own scores say how good its masks are? By position; undefined where there are no scores.

A score is compared with the IoU of its mask with the clicked object or the clicked part, whichever is
greater: models are trained to predict the IoU with the annotation that an output fits best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np

from consbench.masks import FloatArray
from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.metrics.units import over_clicks, sums_over_clicks
from consbench.metrics.unpack import IntArray

BINS = 10
Quantity = Literal["score", "score-IoU", "score-ECE", "score-r"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)


@dataclass(frozen=True, slots=True)
class Calibration:
    """One number about the scores of the outputs in one position, over the clicks that have one.

    score       mean score, × 100
    score-IoU   mean IoU that the scores should have predicted, × 100
    score-ECE   expected calibration error, × 100: ten bins of equal width over [0, 1], in each the absolute
                difference of mean score and mean IoU, weighted by its clicks; scores outside fall into
                the outermost bins
    score-r     Pearson's correlation of score and IoU; NaN where either is constant

    >>> str(Calibration("score-ECE", 1))
    'score-ECE@1'
    """

    unit: ClassVar[str] = "clicks"
    quantity: Quantity
    position: int

    def __str__(self) -> str:
        return f"{self.quantity}@{self.position}"

    def tally(self, answers: Answers) -> Tally:
        score_N, iou_N = _scored(answers, self.position)
        scored_N = ~np.isnan(score_N)
        match self.quantity:
            case "score":
                return over_clicks(answers, score_N)
            case "score-IoU":
                return over_clicks(answers, np.where(scored_N, iou_N, np.nan))
            case "score-ECE":
                in_bin_NB = _bin(score_N)[:, None] == np.arange(BINS)
                sums_NS = np.hstack([in_bin_NB * score_N[:, None], in_bin_NB * iou_N[:, None]])
                return sums_over_clicks(answers, sums_NS, scored_N, "calibration")
            case "score-r":
                sums_NS = np.stack([score_N, iou_N, score_N**2, iou_N**2, score_N * iou_N], axis=1)
                return sums_over_clicks(answers, sums_NS, scored_N, "correlation")


class Bin(NamedTuple):
    """One bin of a reliability diagram.

    low, high   its range of scores; the first and last bin also hold what lies outside [0, 1]
    clicks      how many scores fell into it
    score, iou  their mean and the mean IoU of their masks, 0 to 1; NaN in an empty bin
    """

    low: float
    high: float
    clicks: int
    score: float
    iou: float


def reliability(answers: Answers, position: int) -> list[Bin]:
    """The bins of the reliability diagram of one position, those that `score-ECE` is made of."""
    score_N, iou_N = _scored(answers, position)
    bin_N, scored_N = _bin(score_N), ~np.isnan(score_N)
    found = []
    for number in range(BINS):
        own_N = scored_N & (bin_N == number)
        clicks = int(own_N.sum())
        score, iou = (float(v[own_N].mean()) if clicks else float("nan") for v in (score_N, iou_N))
        found.append(Bin(number / BINS, (number + 1) / BINS, clicks, score, iou))
    return found


def _scored(answers: Answers, position: int) -> tuple[FloatArray, FloatArray]:
    iou_NK = np.maximum(answers.iou_object_NK, answers.iou_part_NK)
    return answers.position(answers.score_NK, position), answers.position(iou_NK, position)


def _bin(score_N: FloatArray) -> IntArray:
    return np.clip(np.nan_to_num(score_N) * BINS, 0, BINS - 1).astype(np.int64)
