"""The record of a run as arrays, with the outputs in a chosen order: what every metric reads.

Only answered clicks are in it. Axes: N answered first clicks, K output positions after ordering, P pairs of
first clicks on one object, J pairs of a first and an extra click on one part, I images, O objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consbench.errors import RecordUnreadable
from consbench.masks import BoolArray, FloatArray
from consbench.metrics.unpack import IntArray, codes, find_rows, group, padded, places, square
from consbench.ordering import Order, permutation


@dataclass(frozen=True)
class Answers:
    """What a model answered, one row per first click; NaN where a click has no such output.

    Attributes:
        image_ids: the I images of the run, sorted; the index arrays below point into it.
        iou_object_NK, iou_part_NK: IoU with the click's object and part, 0 to 1.
        area_NK, score_NK: mask areas in pixels, the model's scores.
        object_area_N, part_area_N: areas of the annotation in pixels.
        image_N, object_N: index of the click's image and of its object.
        image_O: index of each object's image.
        object_P, iou_PKK: object of each pair, IoU of every output of one click with every output of
            the other.
        click_P2: the two clicks of each pair, as indices along N.
        click_J, iou_JKK: first click of each pair within one part, as an index along N, and the IoU of
            its outputs with those of the extra click.
        area_JK, score_JK, native_JK: the outputs of that extra click.
        native_NK: native index, from 0, of the output in each position.
        other_area_NK: pixels of each output in other annotated objects, outside the clicked one.
        others_NK: other objects of which each output holds at least half, outside the clicked one.
        iou_NKK: IoU of the outputs of one click with each other.
        image_area_N: pixels of the click's image.
        part_category_N: category of the clicked part.
        category_O: category of each object.
        parts_O: how many parts of the object were clicked, answered or not.
        objects_O: how many objects of its image were clicked, answered or not.
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
    click_P2: IntArray
    click_J: IntArray
    iou_JKK: FloatArray
    area_JK: FloatArray
    score_JK: FloatArray
    native_JK: IntArray
    native_NK: IntArray
    other_area_NK: FloatArray
    others_NK: FloatArray
    iou_NKK: FloatArray
    image_area_N: FloatArray
    part_category_N: NDArray[np.str_]
    category_O: NDArray[np.str_]
    parts_O: IntArray
    objects_O: IntArray

    @classmethod
    def from_tables(cls, clicks: pa.Table, pairs: pa.Table, order: Order) -> Answers:
        """Read the tables of a record, `clicks` and `pairs`, and order the outputs.

        Raises UsageError where the order needs scores that the model did not give.
        """
        image_ids, image_T = codes(clicks["image_id"])
        object_keys, object_T = group(image_T, clicks["object_id"].to_numpy())
        first_T = clicks["click"].to_numpy() == 0
        category_T = clicks["object_category"].to_numpy(zero_copy_only=False).astype(str)
        category_O = category_T[np.unique(object_T, return_index=True)[1]]

        answered_T = np.asarray(pc.equal(clicks["status"], "ok"))
        rows = clicks.filter(pa.array(answered_T))
        first_R = rows["click"].to_numpy() == 0
        answered_O, object_R = np.unique(object_T[answered_T], return_inverse=True)
        place_R = np.cumsum(first_R) - 1  # where a first click stands along N
        end_S2 = _ends(rows, image_T[answered_T], pairs, places(pairs["image_id"], image_ids))
        between_S = np.asarray(pairs["part_a"].to_numpy() != pairs["part_b"].to_numpy())
        extra_J = end_S2[~between_S, 1]

        k_R = rows["k"].to_numpy().astype(np.int64)
        width = int(k_R.max(initial=0))
        iou_SKK = square(pairs["iou"], k_R[end_S2[:, 0]], k_R[end_S2[:, 1]], width)
        area_RK, score_RK = padded(rows["area"], width), padded(rows["score"], width)
        native_RK = np.broadcast_to(np.arange(width, dtype=np.int64), area_RK.shape)

        def column(name: str) -> NDArray[Any]:
            values: NDArray[Any] = rows[name].to_numpy(zero_copy_only=False)[first_R]
            return values

        native = cls(
            image_ids=image_ids,
            iou_object_NK=padded(rows["iou_object"], width)[first_R],
            iou_part_NK=padded(rows["iou_part"], width)[first_R],
            area_NK=area_RK[first_R],
            score_NK=score_RK[first_R],
            object_area_N=column("object_area").astype(float),
            part_area_N=column("part_area").astype(float),
            image_N=image_T[answered_T][first_R],
            object_N=object_R[first_R].astype(np.int64),
            image_O=object_keys[answered_O, 0],
            object_P=object_R[end_S2[between_S, 0]].astype(np.int64),
            iou_PKK=iou_SKK[between_S],
            click_P2=place_R[end_S2[between_S]],
            click_J=place_R[end_S2[~between_S, 0]],
            iou_JKK=iou_SKK[~between_S],
            area_JK=area_RK[extra_J],
            score_JK=score_RK[extra_J],
            native_JK=native_RK[extra_J],
            native_NK=native_RK[first_R],
            other_area_NK=padded(rows["other_area"], width)[first_R],
            others_NK=padded(rows["others"], width)[first_R],
            iou_NKK=square(rows["iou_outputs"], k_R, k_R, width)[first_R],
            image_area_N=column("height").astype(float) * column("width"),
            part_category_N=column("part_category").astype(str),
            category_O=category_O[answered_O],
            parts_O=np.bincount(object_T[first_T], minlength=len(object_keys))[answered_O],
            objects_O=np.bincount(object_keys[:, 0], minlength=len(image_ids))[object_keys[answered_O, 0]],
        )
        return native.ordered(order)  # native too: outputs that are absent move to the end

    @property
    def object_iou_P(self) -> FloatArray:
        """IoU of the two object masks of each pair; a click without any output agrees with nothing."""
        return _corner(self.iou_PKK)

    @property
    def object_iou_J(self) -> FloatArray:
        """IoU of the object masks of a first and an extra click on one part."""
        return _corner(self.iou_JKK)

    @property
    def scored(self) -> bool:
        """Whether every output of every click has a score."""
        absent = np.isnan(self.area_NK).sum() + np.isnan(self.area_JK).sum()
        return bool(np.isnan(self.score_NK).sum() + np.isnan(self.score_JK).sum() == absent)

    def position(self, values_NK: FloatArray, position: int) -> FloatArray:
        """Column `position` (from 1) of an (N, K) array; NaN for every click where K is smaller."""
        if position > values_NK.shape[1]:
            return np.full(len(values_NK), np.nan)
        column: FloatArray = values_NK[:, position - 1]
        return column

    def per_image(self, values: FloatArray | IntArray | BoolArray, image: IntArray) -> FloatArray:
        """Sum values into one number per image."""
        sums = np.bincount(image, weights=values, minlength=len(self.image_ids))
        return sums.astype(np.float64)

    def ordered(self, order: Order) -> Answers:
        """The same answers with the outputs in another order; raises UsageError as `from_tables` does."""
        at_NK = _positions(order, self.native_NK, self.area_NK, self.score_NK)
        at_JK = _positions(order, self.native_JK, self.area_JK, self.score_JK)
        moved: dict[str, Any] = {name: np.take_along_axis(getattr(self, name), at_NK, axis=1) for name in _BY_OUTPUT}
        moved |= {name: np.take_along_axis(getattr(self, name), at_JK, axis=1) for name in _BY_EXTRA_CLICK}
        return replace(
            self,
            **moved,
            iou_PKK=_taken(self.iou_PKK, at_NK[self.click_P2[:, 0]], at_NK[self.click_P2[:, 1]]),
            iou_JKK=_taken(self.iou_JKK, at_NK[self.click_J], at_JK),
            iou_NKK=_taken(self.iou_NKK, at_NK, at_NK),
        )

    def only(self, keep_N: BoolArray) -> Answers:
        """The answers to these clicks alone, with the pairs whose clicks are all among them.

        The images stay, with nothing counted where nothing is left, so tallies of parts of a run are
        over the same images.
        """
        keep_P, keep_J = keep_N[self.click_P2].all(axis=1), keep_N[self.click_J]
        place_N = np.cumsum(keep_N) - 1
        objects, object_N = np.unique(self.object_N[keep_N], return_inverse=True)
        place_O = np.full(len(self.image_O), -1, dtype=np.int64)
        place_O[objects] = np.arange(len(objects))
        kept: dict[str, Any] = {name: getattr(self, name)[keep_N] for name in _ALONG_N}
        kept |= {name: getattr(self, name)[keep_J] for name in ("iou_JKK", *_BY_EXTRA_CLICK)}
        kept |= {name: getattr(self, name)[objects] for name in ("image_O", "category_O", "parts_O", "objects_O")}
        return replace(
            self,
            **kept,
            object_N=object_N.astype(np.int64),
            object_P=place_O[self.object_P[keep_P]],
            iou_PKK=self.iou_PKK[keep_P],
            click_P2=place_N[self.click_P2[keep_P]],
            click_J=place_N[self.click_J[keep_J]],
        )


_BY_OUTPUT = ("iou_object_NK", "iou_part_NK", "area_NK", "score_NK", "native_NK", "other_area_NK", "others_NK")
_ALONG_N = (*_BY_OUTPUT, "iou_NKK", "object_area_N", "part_area_N", "image_N", "image_area_N", "part_category_N")
_BY_EXTRA_CLICK = ("area_JK", "score_JK", "native_JK")


def _ends(rows: pa.Table, image_R: IntArray, pairs: pa.Table, image_S: IntArray) -> IntArray:
    """The two rows that each pair compares: int64 (S, 2)."""
    known = [image_R, *(rows[name].to_numpy() for name in ("object_id", "part_id", "click"))]
    ends = []
    for side in "ab":
        names = ("object_id", f"part_{side}", f"click_{side}")
        ends.append(find_rows(known, [image_S, *(pairs[name].to_numpy() for name in names)]))
    end_S2 = np.stack(ends, axis=1)
    lost = np.flatnonzero((end_S2 < 0).any(axis=1))
    if len(lost):
        raise RecordUnreadable(
            f"row {lost[0]} of pairs compares clicks that are not answered in clicks: the tables are of two runs"
        )
    return end_S2


def _positions(order: Order, native_NK: IntArray, area_NK: FloatArray, score_NK: FloatArray) -> IntArray:
    """For each position of the wanted order, the present position of the output that belongs there."""
    present_NK = np.argsort(native_NK, axis=1, kind="stable")
    area_NK, score_NK = (np.take_along_axis(values, present_NK, axis=1) for values in (area_NK, score_NK))
    positions_NK: IntArray = np.take_along_axis(present_NK, permutation(order, area_NK, score_NK), axis=1)
    return positions_NK.astype(np.int64)


def _taken(iou_PKK: FloatArray, at_a_PK: IntArray, at_b_PK: IntArray) -> FloatArray:
    rows: FloatArray = np.take_along_axis(iou_PKK, at_a_PK[:, :, None], axis=1)
    columns: FloatArray = np.take_along_axis(rows, at_b_PK[:, None, :], axis=2)
    return columns


def _corner(iou_PKK: FloatArray) -> FloatArray:
    if iou_PKK.shape[1] == 0:
        return np.zeros(len(iou_PKK))
    corner: FloatArray = np.nan_to_num(iou_PKK[:, 0, 0])
    return corner
