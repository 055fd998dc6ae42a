"""The order of a model's outputs, applied outside the model: one permutation for masks, IoUs and scores.

    native   as the model emits them
    area     largest mask first; ties by native index (the paper sorts the baselines so, section 4.1)
    score    highest score first; ties by native index

Outputs that a click does not have come last in every order.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from consbench.errors import UnknownName, UsageError

Order = Literal["native", "area", "score"]
ORDERS: tuple[Order, ...] = get_args(Order)


def parse_order(text: str) -> Order:
    """Return `text` as an order; raises UnknownName with a suggestion."""
    if text not in ORDERS:
        raise UnknownName("order", text, ORDERS)
    return text


def permutation(order: Order, area_NK: NDArray[Any], score_NK: NDArray[Any]) -> NDArray[np.intp]:
    """Return int (N, K): row n lists the native indices of click n's outputs in the wanted order.

    Args:
        order: the policy.
        area_NK: mask areas in pixels, NaN where a click has no such output.
        score_NK: the model's scores, NaN where it gave none.

    Raises UsageError where `score` is asked for and an output has no score.

    >>> permutation("area", np.array([[3.0, 9.0, 9.0]]), np.full((1, 3), np.nan)).tolist()
    [[1, 2, 0]]
    """
    absent_NK = np.isnan(area_NK)
    match order:
        case "native":
            key_NK = np.broadcast_to(np.arange(area_NK.shape[1], dtype=float), area_NK.shape)
        case "area":
            key_NK = -area_NK
        case "score":
            if np.isnan(score_NK[~absent_NK]).any():
                raise UsageError(
                    "order 'score' needs a score for every output, and this model gave none; use native or area"
                )
            key_NK = -score_NK
    return np.argsort(np.where(absent_NK, np.inf, key_NK), axis=1, kind="stable")
