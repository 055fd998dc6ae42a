"""The record of a run as arrays, with the outputs in a chosen order: what every metric reads.

Only answered clicks are in it. Axes: N answered clicks, K output positions after ordering, P pairs of
answered clicks on one object, I images, O objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consbench.masks import FloatArray
from consbench.ordering import Order, permutation

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """What a model answered, one row per click; NaN where a click has no such output.

    Attributes:
        image_ids: the I images of the run, sorted; the index arrays below point into it.
        iou_object_NK, iou_part_NK: IoU with the click's object and part, 0 to 1.
        area_NK, score_NK: mask areas in pixels, the model's scores.
        object_area_N, part_area_N: areas of the annotation in pixels.
        image_N, object_N: index of the click's image and of its object.
        image_O: index of each object's image.
        object_P, iou_PKK: object of each pair, IoU of every output of one click with every output of
            the other.
    """

    image_ids: Sequence[str]
    iou_object_NK: FloatArray
    iou_part_NK: FloatArray
    area_NK: FloatArray
    score_NK: FloatArray
    object_area_N: FloatArray
    part_area_N: FloatArray
    image_N: IntArray
    object_N: IntArray
    image_O: IntArray
    object_P: IntArray
    iou_PKK: FloatArray

    @classmethod
    def from_tables(cls, clicks: pa.Table, pairs: pa.Table, order: Order) -> Answers:
        """Read the tables of a record, `clicks` and `pairs`, and order the outputs."""
        image_ids, image_all = _codes(clicks["image_id"])
        answered = clicks["status"].to_numpy(zero_copy_only=False) == "ok"
        rows = clicks.filter(pa.array(answered))
        width = int(rows["k"].to_numpy().max(initial=0))
        area_NK, score_NK = _padded(rows["area"], width), _padded(rows["score"], width)
        order_NK = permutation(order, area_NK, score_NK)

        image_N = image_all[answered]
        object_ids_N = rows["object_id"].to_numpy()
        (image_O, object_id_O), object_N = _objects(image_N, object_ids_N)
        row_of = {
            key: row for row, key in enumerate(zip(object_N.tolist(), rows["part_id"].to_numpy().tolist(), strict=True))
        }

        image_index = {image_id: i for i, image_id in enumerate(image_ids)}
        object_index = {key: o for o, key in enumerate(zip(image_O.tolist(), object_id_O.tolist(), strict=True))}
        pair_images = [image_index[i] for i in pairs["image_id"].to_pylist()]
        object_P = np.array(
            [object_index[key] for key in zip(pair_images, pairs["object_id"].to_pylist(), strict=True)], dtype=np.int64
        )
        a_P, b_P = (
            np.array(
                [row_of[key] for key in zip(object_P.tolist(), pairs[side].to_pylist(), strict=True)], dtype=np.int64
            )
            for side in ("part_a", "part_b")
        )
        iou_PKK = _square(pairs["iou"], rows["k"].to_numpy()[a_P], rows["k"].to_numpy()[b_P], width)
        if len(object_P):
            iou_PKK = iou_PKK[
                np.arange(len(object_P))[:, None, None], order_NK[a_P][:, :, None], order_NK[b_P][:, None, :]
            ]

        def ordered(values_NK: FloatArray) -> FloatArray:
            return np.take_along_axis(values_NK, order_NK, axis=1)

        return cls(
            image_ids=image_ids,
            iou_object_NK=ordered(_padded(rows["iou_object"], width)),
            iou_part_NK=ordered(_padded(rows["iou_part"], width)),
            area_NK=ordered(area_NK),
            score_NK=ordered(score_NK),
            object_area_N=rows["object_area"].to_numpy().astype(float),
            part_area_N=rows["part_area"].to_numpy().astype(float),
            image_N=image_N,
            object_N=object_N,
            image_O=image_O,
            object_P=object_P,
            iou_PKK=iou_PKK,
        )

    def position(self, values_NK: FloatArray, position: int) -> FloatArray:
        """Column `position` (from 1) of an (N, K) array; NaN for every click where K is smaller."""
        if position > values_NK.shape[1]:
            return np.full(len(values_NK), np.nan)
        column: FloatArray = values_NK[:, position - 1]
        return column

    def per_image(self, values: FloatArray | IntArray, image: IntArray) -> FloatArray:
        """Sum values into one number per image."""
        sums = np.bincount(image, weights=values, minlength=len(self.image_ids))
        return sums.astype(np.float64)


def _codes(column: pa.ChunkedArray) -> tuple[list[str], IntArray]:
    values, codes = np.unique(column.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    return values.tolist(), codes.astype(np.int64)


def _objects(image_N: IntArray, object_id_N: IntArray) -> tuple[NDArray[Any], IntArray]:
    if not len(image_N):
        return np.zeros((2, 0), dtype=np.int64), np.zeros(0, dtype=np.int64)
    keys, codes = np.unique(np.stack([image_N, object_id_N]), axis=1, return_inverse=True)
    return keys, codes.reshape(-1).astype(np.int64)


def _padded(column: pa.ChunkedArray, width: int) -> FloatArray:
    """A column of lists as (N, width), NaN where a list is short, holds null or is null itself."""
    lists = column.combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy())
    padded = np.full((len(lists), width), np.nan)
    flat = lists.values.to_numpy(zero_copy_only=False).astype(float)[
        lists.offsets[0].as_py() : lists.offsets[-1].as_py()
    ]
    padded[np.repeat(np.arange(len(lists)), lengths), _ramp(lengths)] = flat
    return padded


def _square(column: pa.ChunkedArray, k_a: IntArray, k_b: IntArray, width: int) -> FloatArray:
    """A column of row-major (k_a × k_b) lists as (P, width, width), NaN where there is nothing."""
    lists = column.combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy())
    square = np.full((len(lists), width, width), np.nan)
    flat = lists.values.to_numpy(zero_copy_only=False).astype(float)
    pair, place = np.repeat(np.arange(len(lists)), lengths), _ramp(lengths)
    square[pair, place // k_b[pair], place % k_b[pair]] = flat
    return square


def _ramp(lengths: IntArray) -> IntArray:
    """0, 1, … for each length, one after the other.

    >>> _ramp(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    ends = np.cumsum(lengths)
    ramp: IntArray = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return ramp
