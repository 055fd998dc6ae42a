"""Any metric, group by group: does consistency follow the category, the size, or how crowded the image is?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from consbench.errors import UnknownName
from consbench.masks import FloatArray
from consbench.metrics.answers import Answers
from consbench.metrics.tally import Tally
from consbench.metrics.under import Metric
from consbench.metrics.unpack import IntArray

By = Literal["category", "part-category", "object-size", "object-share", "parts", "objects"]
BY: tuple[By, ...] = get_args(By)

# Lower edges with the names of the groups that begin there. Areas of COCO's small, medium and large.
SIZES = ((0.0, "small (under 32² pixels)"), (32.0**2, "medium (32² to 96²)"), (96.0**2, "large (96² and more)"))
SHARES = ((0.0, "under 1 %"), (0.01, "1 to 5 %"), (0.05, "5 to 20 %"), (0.2, "20 to 50 %"), (0.5, "50 % and more"))
PARTS = ((1.0, "1"), (2.0, "2"), (3.0, "3"), (4.0, "4"), (5.0, "5 to 9"), (10.0, "10 and more"))
OBJECTS = ((1.0, "1"), (2.0, "2"), (3.0, "3 or 4"), (5.0, "5 to 9"), (10.0, "10 and more"))


class Group(NamedTuple):
    """One row of a breakdown.

    name        the category or the range
    images, objects, clicks   how many have answered clicks in this group
    tally       the metric over the group: its value is NaN where nothing in the group is eligible
    """

    name: str
    images: int
    objects: int
    clicks: int
    tally: Tally


def breakdown(answers: Answers, metric: Metric, by: By) -> list[Group]:
    """Compute a metric for each group of clicks.

    Args:
        answers: the run.
        metric: any metric.
        by: what makes the groups:
            category        of the object
            part-category   of the clicked part; pairs are those with both clicks in the group
            object-size     area of the object, in the ranges of COCO
            object-share    area of the object as a share of the image
            parts           how many parts of the object were clicked
            objects         how many objects of the image were clicked

    Returns the groups, categories by name and ranges in ascending order; a range that holds no click is
    there too, with a value of NaN. All tallies are over the images of the run, in its order.

    Raises UnknownName for another `by`.
    """
    names, group_N = _groups(answers, by)
    rows = []
    for number, name in enumerate(names):
        own = answers.only(group_N == number)
        images = len(np.unique(own.image_N))
        rows.append(Group(name, images, len(own.image_O), len(own.image_N), metric.tally(own)))
    return rows


def _groups(answers: Answers, by: By) -> tuple[Sequence[str], IntArray]:
    match by:
        case "category":
            return _distinct(answers.category_O[answers.object_N])
        case "part-category":
            return _distinct(answers.part_category_N)
        case "object-size":
            return _ranges(answers.object_area_N, SIZES)
        case "object-share":
            return _ranges(answers.object_area_N / answers.image_area_N, SHARES)
        case "parts":
            return _ranges(answers.parts_O[answers.object_N].astype(float), PARTS)
        case "objects":
            return _ranges(answers.objects_O[answers.object_N].astype(float), OBJECTS)
        case _:
            raise UnknownName("breakdown", by, BY)


def _distinct(category_N: np.ndarray[tuple[int], np.dtype[np.str_]]) -> tuple[Sequence[str], IntArray]:
    names, group_N = np.unique(category_N, return_inverse=True)
    return names.tolist(), group_N.astype(np.int64)


def _ranges(values_N: FloatArray, ranges: Sequence[tuple[float, str]]) -> tuple[Sequence[str], IntArray]:
    edges, names = zip(*ranges, strict=True)
    return names, np.searchsorted(np.array(edges), values_N, side="right").astype(np.int64) - 1
