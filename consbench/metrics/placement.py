"""Is the object always in the same position? Hungarian matching of {object, part} to the outputs (Figure 4)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

import numpy as np

from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.metrics.units import over_clicks, over_objects, sums_over_clicks
from consbench.metrics.unpack import IntArray


def object_position(answers: Answers, first: int | None = None) -> IntArray:
    """Return the position (from 1) that the object is assigned to, for each click; 0 where it gets none.

    {object, part} are assigned to different outputs so that the sum of their two IoUs is greatest; of
    equally good assignments the one with the lowest position for the object wins, then for the part.
    All assignments are enumerated, because the Hungarian method leaves ties to chance and K is small.
    A model of one output gives it to whichever fits better, the object first.

    Args:
        answers: the run.
        first: match among the first so many outputs only; None: all of them.
    """
    object_NK, part_NK = answers.iou_object_NK[:, :first], answers.iou_part_NK[:, :first]
    best_N = np.full(len(object_NK), -np.inf)
    position_N = np.zeros(len(object_NK), dtype=np.int64)
    outputs_N = (~np.isnan(object_NK)).sum(axis=1)

    def consider(total_N: np.ndarray[tuple[int], np.dtype[np.float64]], position: int) -> None:
        better_N = total_N > best_N  # NaN, an output that is not there, is never better
        best_N[better_N] = total_N[better_N]
        position_N[better_N] = position

    for i, j in permutations(range(object_NK.shape[1]), 2):
        consider(object_NK[:, i] + part_NK[:, j], i + 1)
    if object_NK.shape[1]:
        single_N = np.where(outputs_N == 1, 0.0, np.nan)
        consider(object_NK[:, 0] + single_N, 1)
        consider(part_NK[:, 0] + single_N, 0)
    return position_N


def histogram(answers: Answers, first: int | None = None) -> list[int]:
    """How many clicks have their object in position 1, 2, … and, last, in none; sums to the clicks."""
    width = answers.iou_object_NK[:, :first].shape[1]
    counts = np.bincount(object_position(answers, first), minlength=width + 1).tolist()
    return [*counts[1:], counts[0]]


@dataclass(frozen=True, slots=True)
class Placement:
    """Share of clicks whose object is assigned to this position, × 100 (Figure 4).

    `placement@1` matches among all outputs of the model; `placement@1/2` among the first two, which are
    the ones conSAMmé supervises.

    # paper: Figure 4 does not say whether conSAMmé's third, unsupervised output takes part. All outputs
    are the primary form, the first two stand beside it.

    >>> str(Placement(1)), str(Placement(1, first=2))
    ('placement@1', 'placement@1/2')
    """

    unit: ClassVar[str] = "clicks"
    position: int
    first: int | None = None

    def __str__(self) -> str:
        return f"placement@{self.position}" + (f"/{self.first}" if self.first else "")

    def tally(self, answers: Answers) -> Tally:
        return over_clicks(answers, (object_position(answers, self.first) == self.position).astype(float))


@dataclass(frozen=True, slots=True)
class PlacementEntropy:
    """Entropy of the histogram of positions (Figure 4), in bits; 0 where the object is always in one position.

    At most log2 of the number of outputs: 1.58 for three.

    >>> str(PlacementEntropy())
    'placement-entropy'
    """

    unit: ClassVar[str] = "clicks"

    def __str__(self) -> str:
        return "placement-entropy"

    def tally(self, answers: Answers) -> Tally:
        classes = np.arange(answers.iou_object_NK.shape[1] + 1)
        in_class_NS = (object_position(answers)[:, None] == classes).astype(float)
        return sums_over_clicks(answers, in_class_NS, np.ones(len(in_class_NS), bool), "entropy")


@dataclass(frozen=True, slots=True)
class SwitchRate:
    """Share of objects whose object mask is not in the same position for all of their clicks, × 100.

    An object with one clicked part cannot switch: undefined.

    >>> str(SwitchRate())
    'switch-rate'
    """

    unit: ClassVar[str] = "objects"

    def __str__(self) -> str:
        return "switch-rate"

    def tally(self, answers: Answers) -> Tally:
        objects = len(answers.image_O)
        position_N = object_position(answers)
        lowest_O, highest_O = np.full(objects, np.iinfo(np.int64).max), np.full(objects, -1)
        np.minimum.at(lowest_O, answers.object_N, position_N)
        np.maximum.at(highest_O, answers.object_N, position_N)
        several_O = np.bincount(answers.object_N, minlength=objects) > 1
        return over_objects(answers, np.where(several_O, lowest_O != highest_O, np.nan))
