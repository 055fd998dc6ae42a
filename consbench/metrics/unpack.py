"""Columns of the record -> arrays: lists become padded axes, ids become indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consbench.masks import FloatArray

IntArray = NDArray[np.int64]


def codes(column: pa.ChunkedArray) -> tuple[list[str], IntArray]:
    """The distinct texts of a column, sorted, and for each row which of them it is.

    >>> codes(pa.chunked_array([["b", "a", "b"]]))[0]
    ['a', 'b']
    """
    texts: list[str] = sorted(pc.unique(column).to_pylist())
    return texts, places(column, texts)


def places(column: pa.ChunkedArray, texts: Sequence[str]) -> IntArray:
    """For each row, which of `texts` it is; -1 where it is none of them."""
    found = pc.index_in(column, value_set=pa.array(texts, pa.string()))
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)


def group(*columns_R: NDArray[Any]) -> tuple[IntArray, IntArray]:
    """The distinct rows of integer columns, sorted, and for each row which of them it is.

    >>> keys, row = group(np.array([1, 0, 1]), np.array([5, 5, 5]))
    >>> keys.tolist(), row.tolist()
    ([[0, 5], [1, 5]], [1, 0, 1])
    """
    order_R = np.lexsort(columns_R[::-1])
    sorted_RC = np.stack(columns_R, axis=1)[order_R].astype(np.int64)
    new_R = np.ones(len(order_R), dtype=bool)
    new_R[1:] = (sorted_RC[1:] != sorted_RC[:-1]).any(axis=1)
    row_R = np.empty(len(order_R), dtype=np.int64)
    row_R[order_R] = np.cumsum(new_R) - 1
    return sorted_RC[new_R], row_R


def find_rows(known_R: Sequence[NDArray[Any]], wanted_S: Sequence[NDArray[Any]]) -> IntArray:
    """Where each wanted row of integer columns stands among the known ones, which are distinct; -1: nowhere.

    >>> find_rows([np.array([7, 8]), np.array([0, 0])], [np.array([8, 8]), np.array([0, 1])]).tolist()
    [1, -1]
    """
    both = [np.concatenate([known, wanted]) for known, wanted in zip(known_R, wanted_S, strict=True)]
    keys, key_of = group(*both)
    rows = len(known_R[0])
    place = np.full(len(keys), -1, dtype=np.int64)
    place[key_of[:rows]] = np.arange(rows)
    found: IntArray = place[key_of[rows:]]
    return found


def padded(column: pa.ChunkedArray, width: int) -> FloatArray:
    """A column of lists as (N, width), NaN where a list is short, holds null or is null itself."""
    lengths, flat = _flat(column)
    rows = np.full((len(lengths), width), np.nan)
    rows[np.repeat(np.arange(len(lengths)), lengths), _ramp(lengths)] = flat
    return rows


def square(column: pa.ChunkedArray, k_a: IntArray, k_b: IntArray, width: int) -> FloatArray:
    """A column of row-major (k_a × k_b) lists as (P, width, width), NaN where there is nothing.

    Raises ValueError where a list is not of that length.
    """
    lengths, flat = _flat(column)
    wrong = np.flatnonzero((lengths != k_a * k_b) & (lengths > 0))
    if len(wrong):
        at = int(wrong[0])
        raise ValueError(f"row {at} holds {lengths[at]} values where {k_a[at]} × {k_b[at]} outputs are compared")
    values = np.full((len(lengths), width, width), np.nan)
    row, place = np.repeat(np.arange(len(lengths)), lengths), _ramp(lengths)
    values[row, place // k_b[row], place % k_b[row]] = flat
    return values


def _flat(column: pa.ChunkedArray) -> tuple[IntArray, FloatArray]:
    """The lengths of the lists of a column and all their values, one list after the other."""
    lists = column.combine_chunks()
    offsets = lists.offsets.to_numpy()
    values = lists.values.to_numpy(zero_copy_only=False).astype(np.float64)
    return np.diff(offsets).astype(np.int64), values[offsets[0] : offsets[-1]]


def _ramp(lengths: IntArray) -> IntArray:
    """0, 1, … for each length, one after the other.

    >>> _ramp(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    ends = np.cumsum(lengths)
    ramp: IntArray = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return ramp
