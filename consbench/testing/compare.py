"""Whether two answers of a model are the same, up to the noise of floating point.

Axes: N clicks, K outputs, H rows, W columns, as in `consbench.types`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from consbench.masks import BoolArray
from consbench.model import Prediction
from consbench.testing.findings import Slip
from consbench.testing.probe import Doubt, Fault

# A mask is a threshold, so the last bit of a logit can flip a pixel. In float32 no more than 1 pixel in
# 10⁵ does; in bfloat16 about 1 in 10³. Above that something other than rounding is at work.
NOISE, ROUNDING = 1e-5, 1e-3
SCORE_NOISE, SCORE_ROUNDING = 1e-4, 1e-2


def agree(pairs: Sequence[tuple[Prediction, Prediction]], what: str) -> str:
    """Say how well pairs of answers to the same clicks agree; `what` opens the sentence.

    Compares the outputs that both answers have: whether K may change is the matter of another check.
    Raises Doubt for a difference of the size that reduced precision makes, Fault for more.
    """
    if any(_other_outputs_valid(first, second) for first, second in pairs):
        raise Fault(f"{what}: other outputs are marked as valid")
    counts = [_pixels(first, second) for first, second in pairs]
    pixels, of = sum(differing for differing, _ in counts), sum(compared for _, compared in counts)
    scores = max(_scores(first, second) for first, second in pairs)
    allowed = max(1, math.floor(of * NOISE))
    seen = f"{what}: {pixels} of {of} pixels differ" + (f", scores by up to {scores:.2g}" if scores else "")
    if pixels > max(allowed, of * ROUNDING) or scores > SCORE_ROUNDING:
        raise Fault(seen)
    if pixels > allowed or scores > SCORE_NOISE:
        raise Doubt(seen, Slip("reduced precision", "repeat the check in float32"))
    return seen


def row(answer: Prediction, click: int) -> Prediction:
    """The answer to one click of several, still with an axis of clicks: N = 1."""
    arrays = (None if array is None else array[click : click + 1] for array in answer)
    return Prediction(*arrays)  # type: ignore[arg-type]  # masks are never None


def order_of(singles: Sequence[Prediction], together: Prediction) -> list[int] | None:
    """Which click each row of a joint answer answers, or None where a row fits no click, or two rows one.

    Rows and clicks are matched by agreement of masks and scores; a row that fits its own click is given it.
    """
    order = []
    for n in range(len(singles)):
        candidates = [n, *(m for m in range(len(singles)) if m != n)]
        fitting = [m for m in candidates if _fits(singles[m], row(together, n))]
        if not fitting:
            return None
        order.append(fitting[0])
    return order if len(set(order)) == len(order) else None


def _fits(first: Prediction, second: Prediction) -> bool:
    try:
        agree([(first, second)], "")
    except Fault as fault:
        return isinstance(fault, Doubt)
    return True


def _common(first: Prediction, second: Prediction) -> int:
    return min(len(answer.masks_NKHW[0]) for answer in (first, second))


def _valid(answer: Prediction) -> BoolArray:
    return np.ones(answer.masks_NKHW.shape[:2], bool) if answer.valid_NK is None else answer.valid_NK


def _both_valid(first: Prediction, second: Prediction) -> BoolArray:
    outputs = _common(first, second)
    return _valid(first)[:, :outputs] & _valid(second)[:, :outputs]


def _other_outputs_valid(first: Prediction, second: Prediction) -> bool:
    """Whether the answers differ in which outputs are valid; an output that one lacks is invalid in it.

    Where one answer has no validity and fewer outputs, that is a change of K and not judged here.
    """
    outputs = _common(first, second)
    beyond = any(a.valid_NK is not None and a.valid_NK[:, outputs:].any() for a in (first, second))
    return beyond or not np.array_equal(_valid(first)[:, :outputs], _valid(second)[:, :outputs])


def _pixels(first: Prediction, second: Prediction) -> tuple[int, int]:
    """How many pixels of outputs that are valid in both differ, and of how many."""
    outputs = _common(first, second)
    both_NK = _both_valid(first, second)
    differ_NKHW = first.masks_NKHW[:, :outputs] ^ second.masks_NKHW[:, :outputs]
    return int(differ_NKHW[both_NK].sum()), int(differ_NKHW[both_NK].size)


def _scores(first: Prediction, second: Prediction) -> float:
    """The largest difference of two scores of valid outputs, relative to their size where that is above 1."""
    if first.scores_NK is None or second.scores_NK is None:
        return 0.0
    outputs = _common(first, second)
    both_NK = _both_valid(first, second)
    one, other = (np.asarray(a.scores_NK, np.float64)[:, :outputs][both_NK] for a in (first, second))
    return float((np.abs(one - other) / np.maximum(1, np.abs(one))).max(initial=0.0))
