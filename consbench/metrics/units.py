"""One value per click, object or pair -> sums and counts per image; thresholds as part of a name."""

from __future__ import annotations

import numpy as np

from consbench.masks import BoolArray, FloatArray
from consbench.metrics.answers import Answers
from consbench.metrics.tally import Form, Tally
from consbench.metrics.unpack import IntArray


def over(answers: Answers, values: FloatArray, image: IntArray, form: Form = "percent") -> Tally:
    """Tally one value per unit, each in the image that `image` names; NaN is undefined."""
    defined = ~np.isnan(values)
    return Tally(
        answers.per_image(np.where(defined, values, 0.0), image),
        answers.per_image(defined, image),
        answers.per_image(~defined, image),
        form,
    )


def over_clicks(answers: Answers, values_N: FloatArray, form: Form = "percent") -> Tally:
    """Tally one value per click; NaN is undefined."""
    return over(answers, values_N, answers.image_N, form)


def over_objects(answers: Answers, values_O: FloatArray) -> Tally:
    """Tally one value per object; NaN is undefined."""
    return over(answers, values_O, answers.image_O)


def over_pairs(answers: Answers, values_P: FloatArray) -> Tally:
    """Tally one value per pair of first clicks."""
    return over(answers, values_P, answers.image_O[answers.object_P])


def sums_over_clicks(answers: Answers, values_NS: FloatArray, counted_N: BoolArray, form: Form) -> Tally:
    """Tally S values per click for a form that needs S sums; clicks that are not counted are undefined."""
    values_NS = np.where(counted_N[:, None], values_NS, 0.0)
    return Tally(
        np.stack([answers.per_image(values_N, answers.image_N) for values_N in values_NS.T], axis=1),
        answers.per_image(counted_N, answers.image_N),
        answers.per_image(~counted_N, answers.image_N),
        form,
    )


def object_means(answers: Answers, values: FloatArray, owner: IntArray) -> FloatArray:
    """The mean of the values that each object owns, float64 (O,); NaN where it owns none."""
    objects = len(answers.image_O)
    owned_O = np.bincount(owner, minlength=objects)
    sums_O = np.bincount(owner, weights=values, minlength=objects)
    means_O: FloatArray = np.divide(sums_O, owned_O, out=np.full(objects, np.nan), where=owned_O > 0)
    return means_O


def threshold_text(threshold: float) -> str:
    """A threshold as it stands in a name: short, and reading it gives the same number back.

    >>> threshold_text(0.5), threshold_text(1.0), threshold_text(1 / 3)
    ('0.5', '1', '0.3333333333333333')
    """
    short = f"{threshold:g}"
    return short if float(short) == threshold else repr(float(threshold))
