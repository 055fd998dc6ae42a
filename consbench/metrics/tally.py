"""A metric is counts that add, then one division.

A `Tally` holds a sum and a count for every image, so that merging is concatenation, and a bootstrap over
images is arithmetic on two arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from consbench.masks import FloatArray


@dataclass(frozen=True)
class Tally:
    """Sums and counts of one metric over the images of a run.

    Attributes:
        total_I: per image, the sum over its units (clicks, objects or pairs).
        count_I: per image, how many units have a value.
        undefined_I: per image, how many units have none.
        form: "percent" is 100 × total / count; "geometric" is exp(total / count), for sums of logarithms.

    >>> a = Tally(np.array([1.0]), np.array([2]), np.array([0]))
    >>> b = Tally(np.array([1.0]), np.array([0]), np.array([1]))
    >>> (a + b).value, (a + b).count, (a + b).undefined, b.value
    (100.0, 2, 1, nan)
    """

    total_I: FloatArray
    count_I: FloatArray
    undefined_I: FloatArray
    form: Literal["percent", "geometric"] = "percent"

    @property
    def value(self) -> float:
        """The metric, NaN where nothing was counted. The sum is exactly rounded, so order cannot matter."""
        if not self.count:
            return math.nan
        mean = math.fsum(self.total_I.tolist()) / self.count
        return 100 * mean if self.form == "percent" else math.exp(mean)

    @property
    def count(self) -> int:
        """How many units have a value."""
        return int(self.count_I.sum())

    @property
    def undefined(self) -> int:
        """How many units have none."""
        return int(self.undefined_I.sum())

    def __add__(self, other: Tally) -> Tally:
        """The tally of both sets of images, which must not overlap."""
        if self.form != other.form:
            raise ValueError(f"a {self.form} tally and a {other.form} tally do not add")
        return Tally(
            np.concatenate([self.total_I, other.total_I]),
            np.concatenate([self.count_I, other.count_I]),
            np.concatenate([self.undefined_I, other.undefined_I]),
            self.form,
        )
