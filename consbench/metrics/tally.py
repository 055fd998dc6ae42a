"""A metric is counts that add, then one division.

A `Tally` holds sums and a count for every image, so that merging is concatenation, and a bootstrap over
images is arithmetic on two arrays. `finish` is that division, for one data set or for many resamples of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from consbench.masks import FloatArray

Form = Literal["percent", "geometric", "entropy", "calibration", "correlation"]
WIDE: tuple[Form, ...] = ("entropy", "calibration", "correlation")
_CONSTANT = 1e-12  # a variance below it is rounding of equal numbers


@dataclass(frozen=True)
class Tally:
    """Sums and counts of one metric over the images of a run.

    Attributes:
        total_I: per image, the sum over its units (clicks, parts, objects or pairs); (I, S) where the
            form needs S sums.
        count_I: per image, how many units have a value.
        undefined_I: per image, how many units have none.
        form: how sums become a number, see `finish`.

    Raises ValueError where the axes of `total_I` do not suit the form.

    >>> a = Tally(np.array([1.0]), np.array([2]), np.array([0]))
    >>> b = Tally(np.array([1.0]), np.array([0]), np.array([1]))
    >>> (a + b).value, (a + b).count, (a + b).undefined, b.value
    (100.0, 2, 1, nan)
    """

    total_I: FloatArray
    count_I: NDArray[Any]
    undefined_I: NDArray[Any]
    form: Form = "percent"

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise ValueError(f"a tally's form is one of {', '.join(get_args(Form))}; got {self.form!r}")
        axes = 2 if self.form in WIDE else 1
        if self.total_I.ndim != axes or len(self.total_I) != len(self.count_I):
            raise ValueError(
                f"a {self.form} tally of {len(self.count_I)} images has sums of {axes} axes, images first; "
                f"got shape {self.total_I.shape}"
            )

    @property
    def value(self) -> float:
        """The metric, NaN where nothing was counted. Sums are exactly rounded, so order cannot matter."""
        if self.form in WIDE:
            total = np.array([math.fsum(column) for column in self.total_I.T.tolist()])
        else:
            total = np.array(math.fsum(self.total_I.tolist()))
        return float(finish(self.form, total, np.array(self.count)))

    @property
    def count(self) -> int:
        """How many units have a value."""
        return int(self.count_I.sum())

    @property
    def undefined(self) -> int:
        """How many units have none."""
        return int(self.undefined_I.sum())

    def resampled(self, weight_BI: NDArray[Any]) -> FloatArray:
        """The metric of B resamples, float64 (B,); `weight_BI` says how often each image is in each.

        >>> tally = Tally(np.array([1.0, 0.0]), np.array([1, 1]), np.array([0, 0]))
        >>> tally.resampled(np.array([[2, 0], [1, 1]])).tolist()
        [100.0, 50.0]
        """
        return finish(self.form, weight_BI @ self.total_I, weight_BI @ self.count_I)

    def __add__(self, other: Tally) -> Tally:
        """The tally of both sets of images, which must not overlap."""
        if self.form != other.form:
            raise ValueError(f"a {self.form} tally and a {other.form} tally do not add")
        totals = [self.total_I, other.total_I]
        if self.form == "entropy":  # the images of one may have more classes than those of the other
            classes = max(total.shape[1] for total in totals)
            totals = [np.pad(total, ((0, 0), (0, classes - total.shape[1]))) for total in totals]
        return Tally(
            np.concatenate(totals),
            np.concatenate([self.count_I, other.count_I]),
            np.concatenate([self.undefined_I, other.undefined_I]),
            self.form,
        )


def finish(form: Form, total: FloatArray, count: NDArray[Any]) -> FloatArray:
    """Turn sums over images into the metric; NaN where nothing was counted.

    percent       100 × total / count
    geometric     exp(total / count), for sums of logarithms
    entropy       bits; the S sums are how many units fell into each class
    calibration   100 × Σ |Σ predicted − Σ true| / count over bins; sums: predicted by bin, then true by bin
    correlation   Pearson's r; the sums are Σx, Σy, Σx², Σy², Σxy. NaN where x or y is constant

    Args:
        form: which of them.
        total: (...) or, for the last three, (..., S).
        count: (...), how many units.

    >>> finish("entropy", np.array([[2.0, 2.0], [4.0, 0.0]]), np.array([4, 4])).tolist()
    [1.0, 0.0]
    """
    total, count = np.asarray(total, np.float64), np.asarray(count, np.float64)
    some = count > 0
    mean = total / np.where(some, count, np.nan)[(..., *[None] * (total.ndim - count.ndim))]
    match form:
        case "percent":
            value = 100 * mean
        case "geometric":
            value = np.exp(mean)
        case "entropy":
            bits = np.log2(mean, out=np.zeros_like(mean), where=mean > 0)
            value = np.where(some, 0.0 - (mean * bits).sum(axis=-1), np.nan)
        case "calibration":
            predicted, true = np.split(mean, 2, axis=-1)
            value = 100 * np.abs(predicted - true).sum(axis=-1)
        case "correlation":
            x, y, xx, yy, xy = np.moveaxis(mean, -1, 0)
            spread_x, spread_y = xx - x**2, yy - y**2
            varied = (spread_x > _CONSTANT) & (spread_y > _CONSTANT)
            product = np.where(varied, spread_x * spread_y, np.nan)
            value = np.clip((xy - x * y) / np.sqrt(product), -1.0, 1.0)
    return np.asarray(value, np.float64)
